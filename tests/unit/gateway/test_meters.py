"""Meters: what answers tell is read off exactly, what they do not tell is unknown, and nothing is held for long."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.asking import HidingMeter, with_usage_asked
from ari.gateway.events import Events
from ari.gateway.meter import MOST_HELD, DocumentMeter, StreamMeter, meter_for
from ari.integrations.providers import provider_named
from ari.usage.ai import NOTHING_TOLD, Told

OPENAI = provider_named("openai")
CHAT = "/v1/chat/completions"


def _told(manner: Any, kind: bytes, *documents: object) -> Told:
    meter = meter_for(manner, kind, encoded=False)
    for one in documents:
        text = json.dumps(one)
        meter.see((f"data: {text}\n\n" if b"event" in kind else text).encode())
    return meter.told()


def test_openai_answers() -> None:
    """Chat, embeddings, responses; DeepSeek's own name for cached tokens."""
    details = {"cached_tokens": 3}
    chat = {"model": "m", "usage": {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": details}}
    assert _told("openai", b"application/json", chat) == Told("m", 11, 7, 3)
    embedding = {"model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    assert _told("openai", b"application/json", embedding) == Told("e", 4, None, None)
    response = {"model": "r", "usage": {"input_tokens": 21, "input_tokens_details": details, "output_tokens": 9}}
    assert _told("openai", b"application/json", response) == Told("r", 21, 9, 3)
    deepseek = {"model": "d", "usage": {"prompt_tokens": 5, "completion_tokens": 1, "prompt_cache_hit_tokens": 2}}
    assert _told("openai", b"application/json", deepseek) == Told("d", 5, 1, 2)


def test_openai_streams() -> None:
    """The last chunk of a chat; the last event of a response."""
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    chunks = ({"model": "m", "usage": None}, {"model": "m", "choices": [], "usage": usage})
    assert _told("openai", b"text/event-stream", *chunks) == Told("m", 11, 7, None)
    done = {"type": "response.completed", "response": {"model": "r", "usage": {"input_tokens": 2, "output_tokens": 3}}}
    assert _told("openai", b"text/event-stream", {"response": {"model": "r", "usage": None}}, done) == Told("r", 2, 3)


def test_anthropic_answers_and_streams() -> None:
    """Tokens read from and written to a cache are input too; the last word on output counts."""
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 2,
        "output_tokens": 1,
    }
    assert _told("anthropic", b"application/json", {"model": "c", "usage": usage}) == Told("c", 42, 1, 30)
    begun = {"type": "message_start", "message": {"model": "c", "usage": usage}}
    ended = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 6}}
    assert _told("anthropic", b"text/event-stream", begun, ended) == Told("c", 42, 6, 30)


def test_gemini_answers_and_streams() -> None:
    """Thinking is output; each part repeats what was used so far; an array of parts is a stream too."""
    parts = [
        {
            "modelVersion": "g",
            "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": n, "thoughtsTokenCount": 2},
        }
        for n in (1, 5)
    ]
    assert _told("gemini", b"application/json", parts[1]) == Told("g", 12, 7, None)
    assert _told("gemini", b"application/json", parts) == Told("g", 12, 7, None)
    assert _told("gemini", b"text/event-stream", *parts) == Told("g", 12, 7, None)
    alike = {"model": "g", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    assert _told("gemini", b"application/json", alike) == Told("g", 1, 2)


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'"x"', b'{"usage": 3}', b'{"model": 3}', b"\xff\xfe", b"null"])
@pytest.mark.parametrize("manner", ["openai", "anthropic", "gemini"])
def test_what_cannot_be_read_is_unknown(manner: Any, document: bytes) -> None:
    """A meter never fails a request."""
    meter = meter_for(manner, b"application/json", encoded=False)
    meter.see(document)
    assert meter.told() == NOTHING_TOLD
    stream = meter_for(manner, b"text/event-stream", encoded=False)
    stream.see(b"data: usage" + document + b"\n\n")
    assert stream.told() == NOTHING_TOLD


def test_other_kinds_of_answers_are_not_read() -> None:
    """Compressed ones, audio, providers that tell nothing."""
    document = b'{"model": "m", "usage": {"prompt_tokens": 1}}'
    meters = (
        meter_for("openai", b"application/json", encoded=True),
        meter_for("openai", b"audio/mpeg", encoded=False),
        meter_for(None, b"application/json", encoded=False),
    )
    for meter in meters:
        meter.see(document)
        assert meter.told() == NOTHING_TOLD


def test_a_meter_gives_up_on_what_is_too_long() -> None:
    """It holds 1 MiB and not more, of an answer or of an event that does not end."""
    held = DocumentMeter(lambda _, so_far: so_far)
    for _ in range(20):
        held.see(b"x" * 100_000)
    assert sum(map(len, held._chunks)) == 0
    events = Events(MOST_HELD)
    for _ in range(20):
        assert list(events.whole(b"x" * 100_000)) == []
    assert events.gave_up
    assert len(events.rest()) <= MOST_HELD + 100_000
    assert list(events.whole(b"data: y\n\n")) == []


@given(st.lists(st.integers(1, 40), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_events_are_found_wherever_the_stream_is_cut(cuts: list[int], line: str) -> None:
    """What arrives together is chance."""
    text = f"event: a{line}data: one{line}{line}: note{line}{line}data: two{line}data: three{line}{line}data: four"
    stream, events, found, at = text.encode(), Events(1_000), [], 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        found += events.whole(stream[at : at + size])
        at += size
    assert [event.data for event in found] == [b"one", b"", b"two\nthree"]
    assert b"".join(event.raw for event in found) + events.rest() == stream


def test_usage_is_asked_for_where_the_caller_did_not() -> None:
    """Whatever else is in the body stays as it was written."""
    body = b'{"model":"m","stream":true,"seed":12345678901234567890,"x":1.10,"stream_options":{"a":1}}'
    asked = with_usage_asked(OPENAI, CHAT, body)
    assert asked is not None
    assert b'"seed":12345678901234567890,"x":1.10' in asked
    assert json.loads(asked)["stream_options"] == {"a": 1, "include_usage": True}
    declined = with_usage_asked(OPENAI, CHAT, b'{"stream":true,"stream_options":{"include_usage":false}}')
    assert declined is not None
    assert json.loads(declined)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, b'{"model":"m"}'),
        (CHAT, b'{"model":"m","stream":false}'),
        (CHAT, b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (CHAT, b'{"stream":true,'),
        (CHAT, b'{"stream":"yes"}'),
        (CHAT, b'["stream"]'),
        ("/v1/responses", b'{"stream":true}'),
    ],
)
def test_other_bodies_are_not_touched(path: str, body: bytes) -> None:
    """They go on byte for byte."""
    assert with_usage_asked(OPENAI, path, body) is None


def test_a_provider_that_would_refuse_the_question_is_not_asked() -> None:
    """Mistral tells anyhow, and refuses fields that it does not know."""
    assert with_usage_asked(provider_named("mistral"), CHAT, b'{"stream":true}') is None


@given(st.lists(st.integers(1, 60), min_size=1))
def test_the_chunk_that_only_tells_usage_is_taken_out(cuts: list[int]) -> None:
    """Byte for byte what the caller would have got without us, however the stream is cut; and the usage is known."""
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    before = [{"choices": [{"delta": {"content": '"usage": {'}}]}, {"choices": [{"delta": {}}], "usage": None}]
    events = [f"data: {json.dumps(one)}\n\n".encode() for one in before]
    told = f"data: {json.dumps({'model': 'm', 'choices': [], 'usage': usage})}\n\n".encode()
    stream, meter, passed, at = b"".join([*events, told, b"data: [DONE]\n\n"]), HidingMeter(), b"", 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        passed += meter.passed(stream[at : at + size])
        at += size
    assert passed + meter.rest() == b"".join([*events, b"data: [DONE]\n\n"])
    assert meter.told() == Told("m", 11, 7, None)
    assert meter.saw_end


def test_a_stream_without_ends_is_passed_on_all_the_same() -> None:
    """Nothing is lost where the meter gives up."""
    meter, chunk = HidingMeter(), b"data: " + b"x" * 300_000
    passed = b"".join(meter.passed(chunk) for _ in range(5)) + meter.rest()
    assert passed == chunk * 5


def test_the_end_of_a_stream_is_seen() -> None:
    """So that a caller who hangs up at it is no caller who hung up."""
    for last in (b"data: [DONE]\n\n", b"event: message_stop\ndata: {}\n\n", b"event: response.completed\ndata: {}\n\n"):
        meter = StreamMeter(lambda _, so_far: so_far)
        meter.see(b'data: {"content": "data: [DONE]"}\n\n')
        assert not meter.saw_end
        meter.see(last)
        assert meter.saw_end
