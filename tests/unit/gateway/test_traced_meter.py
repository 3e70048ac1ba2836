"""Why a response ended, and its ID, as they are in each format and however the response is cut into chunks."""

import json
from typing import Any

import pytest

from ari.gateway.meter import meter_for
from ari.gateway.traced_meter import MAX_REASONS, TracedMeter

JSON, EVENTS = b"application/json", b"text/event-stream"


def read(body: bytes, size: int = 7, kind: bytes = JSON) -> TracedMeter:
    """A meter that has seen the body in chunks of this size."""
    meter = TracedMeter(meter_for(kind, encoded=False))
    passed = b"".join(meter.see(body[at : at + size]) for at in range(0, len(body), size)) + meter.finish()
    assert passed == body
    return meter


def _events(*data: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in data)


FORMATS: list[tuple[bytes, str | None, list[str]]] = [
    (
        json.dumps({"id": "chatcmpl-1", "choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}]}).encode(),
        "chatcmpl-1",
        ["stop", "length"],
    ),
    (
        _events(
            {"id": "chatcmpl-2", "choices": [{"delta": {"content": "a"}, "finish_reason": None}]},
            {"id": "chatcmpl-2", "choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        ),
        "chatcmpl-2",
        ["tool_calls"],
    ),
    (
        _events(
            {"type": "message_start", "message": {"id": "msg_1", "stop_reason": None}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        ),
        "msg_1",
        ["end_turn"],
    ),
    (
        json.dumps({"candidates": [{"finishReason": "MAX_TOKENS"}], "responseId": "a-b_1"}).encode(),
        "a-b_1",
        ["MAX_TOKENS"],
    ),
    (
        _events(
            {"type": "response.created", "response": {"id": "resp_1", "incomplete_details": None}},
            {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}},
        ),
        "resp_1",
        ["max_output_tokens"],
    ),
    (b'{"model":"m","done":true,"done_reason":"stop"}\n', None, ["stop"]),
]


@pytest.mark.parametrize(("body", "response_id", "reasons"), FORMATS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_it_is_found_in_any_chunks(body: bytes, response_id: str | None, reasons: list[str], size: int) -> None:
    """Each reason once, also if the end of a chunk cuts it."""
    meter = read(body, size)
    assert (meter.response_id, meter.finish_reasons) == (response_id, reasons)


def test_text_of_the_model_is_none() -> None:
    """Its quotes are escaped, and the ID of a tool call isn't that of the response."""
    text = json.dumps({"finish_reason": "a secret", "id": "msg_2"})
    body = json.dumps({"choices": [{"message": {"content": text, "tool_calls": [{"id": "call_1"}]}}]}).encode()
    meter = read(body)
    assert (meter.response_id, meter.finish_reasons) == (None, [])


def test_reasons_are_bounded() -> None:
    """A response may have any number of choices."""
    assert len(read(b'{"finish_reason":"stop"}' * 99, 10_000).finish_reasons) == MAX_REASONS


def test_usage_is_read_as_before() -> None:
    """The meter below sees the same chunks."""
    body = b'{"object":"chat.completion","model":"m","usage":{"prompt_tokens":3,"completion_tokens":4}}'
    used = read(body).usage(whole=True)
    assert (used.model, used.input_tokens, used.output_tokens) == ("m", 3, 4)
