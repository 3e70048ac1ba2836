"""Meters: what responses report is read exactly, what they do not report is unknown, whatever they look like."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.json_members import SMALL_BYTES
from ari.gateway.meter import Meter, meter_for
from ari.usage.ai import UNKNOWN_USAGE, TokenUsage

JSON, EVENTS, LINES = b"application/json", b"text/event-stream", b"application/x-ndjson"
LARGE = "x" * (SMALL_BYTES + 10)
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}


def event(document: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(document)}\n\n".encode()


def seen(kind: bytes, *chunks: bytes, hides: bool = False) -> Meter:
    meter = meter_for(kind, encoded=False, hides=hides)
    for chunk in chunks:
        meter.see(chunk)
    meter.finish()
    return meter


def whole(document: Any) -> TokenUsage:
    """What is known of a document, also if it is large, and comes in parts."""
    small = seen(JSON, json.dumps(document).encode()).usage(whole=True)
    data = json.dumps([{"x": LARGE}, document] if isinstance(document, list) else {"x": LARGE, **document}).encode()
    assert isinstance(document, list) or small == seen(JSON, data[:500], data[500:]).usage(whole=True)
    return small


def test_openai() -> None:
    """Chat, embeddings, responses, transcriptions, images; and the names that others have for the same."""
    chat = {"model": "m", "choices": [{"finish_reason": "stop"}], "usage": USAGE}
    assert whole(chat) == TokenUsage("m", 11, 7, 3)
    assert whole({"model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}}) == TokenUsage("e", 4, None, None)
    usage: Any = {"input_tokens": 21, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 9}
    assert whole({"object": "response", "model": "r", "usage": usage}) == TokenUsage("r", 21, 9, 8)
    assert whole({"text": "Hi", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 5}}) == TokenUsage(
        None, 14, 5
    )
    assert whole({"text": "Hi", "usage": {"type": "duration", "seconds": 9}}) == UNKNOWN_USAGE
    deepseek = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_cache_hit_tokens": 2}
    assert whole({"model": "d", "usage": deepseek}) == TokenUsage("d", 5, 1, 2)
    assert seen(EVENTS, event({"choices": [], "x_groq": {"usage": USAGE}})).usage(whole=True) == TokenUsage(
        None, 11, 7, 3
    )


def test_reasoning_that_is_not_among_the_completion() -> None:
    """xAI's total shows it; OpenAI's completion holds it already."""
    details = {"completion_tokens_details": {"reasoning_tokens": 300}}
    xai = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 321, **details}
    assert whole({"model": "g", "usage": xai}).output_tokens == 309
    openai = {"prompt_tokens": 12, "completion_tokens": 309, "total_tokens": 321, **details}
    assert whole({"model": "o", "usage": openai}).output_tokens == 309


ANTHROPIC = {"input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 2, "output_tokens": 6}


def test_anthropic() -> None:
    """Tokens read from and written to a cache are input too. Whoever the provider is."""
    assert whole({"type": "message", "model": "c", "usage": ANTHROPIC}) == TokenUsage("c", 42, 6, 30)
    assert whole({"model": "c", "usage": ANTHROPIC}) == TokenUsage("c", 42, 6, 30)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (ANTHROPIC | {"output_tokens": 1}, {"output_tokens": 6}, TokenUsage("c", 42, 6, 30)),
        ({"input_tokens": 0, "output_tokens": 0}, ANTHROPIC, TokenUsage("c", 42, 6, 30)),
        ({"input_tokens": 25, "output_tokens": 1}, {"input_tokens": 0, "output_tokens": 6}, TokenUsage("c", 25, 6)),
        ({"input_tokens": 25}, {"input_tokens": 90, "output_tokens": 6}, TokenUsage("c", 90, 6)),
    ],
)
def test_anthropic_streams(first: Any, last: Any, expected: TokenUsage) -> None:
    """Some servers have the input in the first event, others in the last; tools of the server's add to it."""
    chunks = [
        event({"type": "message_start", "message": {"model": "c", "usage": first}}, "message_start"),
        event({"type": "message_delta", "delta": {}, "usage": last}, "message_delta"),
        event({"type": "message_stop"}, "message_stop"),
    ]
    meter = seen(EVENTS, *chunks)
    assert meter.usage(whole=False) == expected
    assert meter.ended


def gemini(output: int, **more: Any) -> Any:
    usage = {"promptTokenCount": 12, "candidatesTokenCount": output, "thoughtsTokenCount": 2}
    return {"candidates": [more], "modelVersion": "g", "usageMetadata": usage}


def test_gemini() -> None:
    """Thinking is output; each part repeats what was used so far; an array of parts is a stream too."""
    parts = [gemini(1), gemini(5, finishReason="STOP")]
    assert whole(parts[1]) == TokenUsage("g", 12, 7)
    assert whole(parts) == TokenUsage("g", 12, 7)
    assert seen(EVENTS, *map(event, parts)).usage(whole=False) == TokenUsage("g", 12, 7)
    assert whole({"model": "g", "usage": USAGE}) == TokenUsage("g", 11, 7, 3)


def test_ollama() -> None:
    """Its own API, whole and in lines; a prompt that was in memory is not counted there, so it is unknown."""
    done = {"model": "l", "message": {"content": ""}, "done": True, "prompt_eval_count": 29, "eval_count": 25}
    assert whole(done) == TokenUsage("l", 29, 25)
    assert whole({"model": "l", "response": "Hi", "done": True, "eval_count": 3}) == TokenUsage("l", None, 3)
    assert whole({"model": "l", "embeddings": [[0.5]], "prompt_eval_count": 8}) == TokenUsage("l", 8, None)
    line = json.dumps({"model": "l", "message": {"content": "hi"}, "done": False}).encode() + b"\n"
    last = json.dumps(done).encode()
    for count in (1, 2_000):
        meter = seen(LINES, *([line] * count), last[:9], last[9:])
        assert (meter.usage(whole=False), meter.ended) == (TokenUsage("l", 29, 25), True)
    cut = seen(LINES, line, last[:-9])
    assert (cut.usage(whole=False), cut.unfinished) == (TokenUsage("l"), True)


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
    """Where a stream is cut off, or its caller leaves."""
    assert seen(EVENTS, *chunks).usage(whole=False) == TokenUsage("m", 25, None)


def test_the_last_word_may_come_without_its_end() -> None:
    """The stream's end ends the event; a part of a document says nothing."""
    last = event({"model": "m", "choices": [], "usage": USAGE})
    assert seen(EVENTS, last.rstrip()).usage(whole=False) == TokenUsage("m", 11, 7, 3)
    assert seen(EVENTS, last.rstrip()[:-1]).usage(whole=False) == UNKNOWN_USAGE


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
    meter = seen(kind, *(text[at : at + size] for at in range(0, len(text), size)))
    assert meter.usage(whole=True) == TokenUsage("m", 11, 7, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7), (7.0, 7), ("7", 7), (0, 0)] + [(v, None) for v in (-1, 7.5, "x", "", True, None, [], {}, 10**10, 10**400)],
)
def test_numbers(value: Any, expected: int | None) -> None:
    """What is no number of tokens is unknown, and does not hide the others."""
    document = {"model": "m", "usage": {"prompt_tokens": value, "completion_tokens": 7, "prompt_tokens_details": value}}
    assert whole(document) == TokenUsage("m", expected, 7, None)
    assert seen(JSON, b'{"usage":{"prompt_tokens":1e999,"completion_tokens":NaN}}').usage(whole=True) == UNKNOWN_USAGE


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
    assert seen(EVENTS if b"\n\n" in data else JSON, data).failed
    start = event({"model": "m", "choices": [{"delta": {"content": '"error": {'}, "error": None}], "error": None})
    assert not seen(EVENTS, start).failed
    if data[:1] not in b"{[\n":
        assert seen(EVENTS, start, data).failed


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
    ],
)
def test_the_end_of_a_stream(chunks: list[bytes], ended: bool, unfinished: bool) -> None:
    """A caller who leaves after it has all; a stream without it was cut, however well its connection ended."""
    meter = seen(EVENTS, *chunks)
    assert (meter.ended, meter.unfinished) == (ended, unfinished)


def test_other_responses_are_not_read() -> None:
    """Compressed ones, audio, pictures, text."""
    document = json.dumps({"model": "m", "usage": USAGE}).encode()
    for meter in (meter_for(JSON, encoded=True), meter_for(b"audio/mpeg", encoded=False)):
        assert meter.see(document) == document
        assert (meter.finish(), meter.usage(whole=True)) == (b"", UNKNOWN_USAGE)
    assert seen(b"application/octet-stream", b"\x00\x01", document).usage(whole=True) == UNKNOWN_USAGE


@given(st.binary(max_size=60), st.sampled_from([JSON, EVENTS]), st.booleans())
def test_nothing_makes_a_meter_fail(data: bytes, kind: bytes, hides: bool) -> None:
    """Whatever the bytes are: a meter never fails a request."""
    for text in (data, b"data: usage" + data, b'data: {"usage":' + data + b"\n\n", b'{"usage":{' + data):
        seen(kind, text, text, hides=hides).usage(whole=True)


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


def test_a_chunk_passes_before_its_end() -> None:
    """As soon as it has a choice, it cannot be the one to take out."""
    meter = meter_for(EVENTS, encoded=False, hides=True)
    assert meter.see(b'data: {"id":"x","choices":[') == b""
    assert meter.see(b'{"delta"') == b'data: {"id":"x","choices":[{"delta"'
    assert meter.see(b": ") == b": "
