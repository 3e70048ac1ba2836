"""Meters: what responses report is read exactly, what they do not report is unknown, whatever they look like."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ari.gateway.meter import meter_for
from ari.usage.ai import UNKNOWN_USAGE, TokenUsage
from tests.unit.gateway.metering import EVENTS, JSON, LINES, USAGE, event, feed


@pytest.mark.parametrize(
    "chunks",
    [
        [
            event(
                {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 25, "output_tokens": 1}}}
            )
        ],
        [
            event({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 25}}}),
            event({"type": "message_delta", "usage": {"output_tokens": 9}}),
        ],
        [event({"model": "m", "choices": [{"delta": {}}], "usage": {"prompt_tokens": 25, "completion_tokens": 4}})],
        [
            event(
                {
                    "modelVersion": "m",
                    "candidates": [{}],
                    "usageMetadata": {"promptTokenCount": 25, "candidatesTokenCount": 4},
                }
            )
        ],
        [
            event(
                {
                    "type": "response.in_progress",
                    "response": {
                        "model": "m",
                        "status": "in_progress",
                        "usage": {"input_tokens": 25, "output_tokens": 1},
                    },
                }
            )
        ],
    ],
)
def test_a_count_that_is_not_final_is_unknown(chunks: list[bytes]) -> None:
    """When a stream is cut off, or its caller leaves. What was reported so far is the least."""
    usage = feed(EVENTS, *chunks).usage(whole=False)
    assert replace(usage, least_output_tokens=None) == TokenUsage("m", 25, None)
    assert usage.least_output_tokens in (None, 1, 4, 9)


def test_the_last_word_may_come_without_its_end() -> None:
    """The stream's end ends the event; a part of a document says nothing."""
    last = event({"model": "m", "choices": [], "usage": USAGE})
    assert feed(EVENTS, last.rstrip()).usage(whole=False) == TokenUsage("m", 11, 7, 3)
    assert feed(EVENTS, last.rstrip()[:-1]).usage(whole=False) == UNKNOWN_USAGE


@pytest.mark.parametrize(
    "data",
    [
        b"data:%s\r\n\r\n",
        b"data: %s\r\r",
        b"\xef\xbb\xbfdata: %s\n\n",
        b"\n\n: hi\n\nevent: x\nid: 1\ndata: %s\n\n",
        b"data: {\ndata: %s\ndata: }\n\n",
        b"data: %s\n\ndata: [DONE]\n\n",
        b"%s",
        b"[%s]",
        b"\xef\xbb\xbf \n%s\n%s\n",
    ],
)
@pytest.mark.parametrize("kind", [EVENTS, JSON, LINES, b"text/plain", b"application/octet-stream", b""])
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_framing_does_not_matter(data: bytes, kind: bytes, size: int) -> None:
    """Line ends, byte order marks, comments, lines of data, labels, cuts."""
    document = json.dumps({"model": "m", "choices": [], "usage": USAGE}).encode()
    if data.startswith(b"data: {"):
        document = document[1:-1]
    text = data.replace(b"%s", document)
    meter = feed(kind, *(text[at : at + size] for at in range(0, len(text), size)))
    assert meter.usage(whole=True) == TokenUsage("m", 11, 7, 3)


ERROR = {"message": "Overloaded", "type": "overloaded_error"}


@pytest.mark.parametrize(
    "data",
    [
        event({"type": "error", "error": ERROR}, "error"),
        event({"type": "error", "message": "x"}),
        event({"error": ERROR}),
        event({"error": "x"}),
        event({"object": "error", "message": "x"}),
        event("Overloaded", "error"),
        event({"id": 1, "choices": [{"finish_reason": "error"}], "error": {"code": 502}}),
        event({"type": "response.failed", "response": {"status": "failed", "error": ERROR}}),
        b'error: {"code": 500}\n\n',
        b'{"error": "model runner has unexpectedly stopped"}\n',
        b'[{"candidates": []},\n{"error": {"code": 503}}]',
        b"\n   \n" + json.dumps({"error": ERROR}).encode(),
        json.dumps({"object": "response", "status": "failed", "error": ERROR}).encode(),
    ],
)
def test_errors_in_a_good_response(data: bytes) -> None:
    """In every format, also after a good beginning."""
    assert feed(EVENTS if b"\n\n" in data else JSON, data).failed
    start = event({"model": "m", "choices": [{"delta": {"content": '"error": {'}, "error": None}], "error": None})
    assert not feed(EVENTS, start).failed
    if data[:1] not in b"{[\n":
        assert feed(EVENTS, start, data).failed


_RUNNING = event({"choices": [{"delta": {"content": "x"}, "finish_reason": None}], "usage": USAGE})
_CHAT_END = event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": USAGE})


@pytest.mark.parametrize(
    ("chunks", "ended", "unfinished"),
    [
        ([b"data: [DONE]\n\n"], True, False),
        ([b"data:[DONE]"], True, False),
        ([event({"choices": [{"delta": {"content": "data: [DONE]"}}]})], False, False),
        ([event({"type": "message_start", "message": {}})], False, True),
        ([event({"type": "message_start", "message": {}}), event({"type": "message_stop"})], True, False),
        ([event({"type": "response.created", "response": {}})], False, True),
        ([event({"type": "response.created", "response": {}}), event({"type": "response.incomplete"})], True, False),
        ([_RUNNING], False, True),
        ([_RUNNING, _CHAT_END], False, False),
        ([_RUNNING, _CHAT_END, _RUNNING], False, False),
        ([_RUNNING, event({"choices": [], "usage": USAGE})], False, False),
        ([_RUNNING, b"data: [DONE]\n\n"], True, False),
    ],
)
def test_the_end_of_a_stream(chunks: list[bytes], ended: bool, unfinished: bool) -> None:
    """A caller who leaves after it has all; a stream without it was cut, however well its connection ended."""
    meter = feed(EVENTS, *chunks)
    assert (meter.ended, meter.unfinished) == (ended, unfinished)


def test_other_responses_are_not_read() -> None:
    """Compressed ones, audio, pictures, text."""
    document = json.dumps({"model": "m", "usage": USAGE}).encode()
    for meter in (meter_for(JSON, encoded=True), meter_for(b"audio/mpeg", encoded=False)):
        assert meter.see(document) == document
        assert (meter.finish(), meter.usage(whole=True)) == (b"", UNKNOWN_USAGE)
    assert feed(b"application/octet-stream", b"\x00\x01", document).usage(whole=True) == UNKNOWN_USAGE


@given(st.binary(max_size=60), st.sampled_from([JSON, EVENTS]), st.booleans())
def test_nothing_makes_a_meter_fail(data: bytes, kind: bytes, hides: bool) -> None:
    """Whatever the bytes are: a meter never fails a request."""
    for text in (data, b"data: usage" + data, b'data: {"usage":' + data + b"\n\n", b'{"usage":{' + data):
        usage = feed(kind, text, text, hides=hides).usage(whole=True)
        counts = (usage.input_tokens, usage.output_tokens, usage.cached_tokens)
        assert all(count is None or count >= 0 for count in counts)


BEFORE = [
    {"choices": [{"delta": {"content": '"usage": {'}}]},
    {"choices": [{"delta": {}}], "usage": None},
    {"choices": []},
]


@given(
    st.lists(st.integers(1, 60), min_size=1),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([{"choices": []}, {"choices": None}, {}]),
    st.booleans(),
)
def test_the_chunk_that_only_reports_usage_is_taken_out(cuts: list[int], end: str, last: Any, ends: bool) -> None:
    """The caller gets byte for byte what it would have got without ARI, however the stream is cut."""
    events = [f": ping{end}data: {json.dumps(one)}{end}{end}".encode() for one in BEFORE]
    told = f"data: {json.dumps({'model': 'm', **last, 'usage': USAGE})}".encode()
    after = f"{end}{end}data: [DONE]{end}{end}".encode() if ends else b""
    stream, passed, at = b"".join([*events, told, after]), b"", 0
    meter = meter_for(EVENTS, encoded=False, hides=True)
    while at < len(stream):
        size = cuts[at % len(cuts)]
        passed += meter.see(stream[at : at + size])
        at += size
    passed += meter.finish()
    assert passed == b"".join([*events, f"data: [DONE]{end}{end}".encode() if ends else b""])
    assert meter.usage(whole=False) == TokenUsage("m", 11, 7, 3)
    assert meter.ended is ends


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [{"delta": {}}], "usage": USAGE},
        {"choices": [], "usage": None},
        {"choices": []},
        {"choices": [], "usage": USAGE, "error": {"message": "x"}},
        {"type": "response.completed", "usage": USAGE},
    ],
)
def test_other_chunks_pass(chunk: Any) -> None:
    """Those with a choice, an error, or no usage, and those of other formats."""
    data = event(chunk)
    meter = meter_for(EVENTS, encoded=False, hides=True)
    assert meter.see(data[:9]) + meter.see(data[9:]) + meter.finish() == data


@pytest.mark.parametrize("name", [b"", b"chunk"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [7, 1_000])
def test_a_chunk_that_has_more_passes_without_its_usage(size: int, end: bytes, name: bytes) -> None:
    """xAI sends its sources in the same one; what every chunk has, and ``null``, isn't more."""
    usual = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": "f"}
    head = b"event: " + name + end if name else b""
    for more, left in (({"citations": ["https://a.test"]}, True), ({"citations": None, "service_tier": "x"}, False)):
        chunk = usual | {"choices": [], "usage": USAGE} | more
        stream = head + b"data: " + json.dumps(chunk).encode() + end + end
        meter, passed = meter_for(EVENTS, encoded=False, hides=True), b""
        for at in range(0, len(stream), size):
            passed += meter.see(stream[at : at + size])
        passed += meter.finish()
        assert meter.usage(whole=True).input_tokens == 11
        if not left:
            assert passed == b""
            continue
        first, _, data = passed.rpartition(b"data: ")
        assert first == (b"event: " + name + b"\n" if name else b"")
        assert json.loads(data) == {key: value for key, value in chunk.items() if key != "usage"}
        assert data.endswith(b"\n\n")


def test_a_chunk_passes_before_its_end() -> None:
    """As soon as it has a choice, it cannot be the one to take out."""
    meter = meter_for(EVENTS, encoded=False, hides=True)
    assert meter.see(b'data: {"id":"x","choices":[') == b""
    assert meter.see(b'{"delta"') == b'data: {"id":"x","choices":[{"delta"'
    assert meter.see(b": ") == b": "
