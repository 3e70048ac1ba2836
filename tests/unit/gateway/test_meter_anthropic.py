"""Anthropic's format, whole and streamed."""

from typing import Any

import pytest

from ari.usage.ai import TokenUsage
from tests.unit.gateway.metering import EVENTS, event, feed, read_whole

ANTHROPIC = {"input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 2, "output_tokens": 6}


def test_anthropic() -> None:
    """Tokens read from and written to a cache are input too. Of any provider."""
    assert read_whole({"type": "message", "model": "c", "usage": ANTHROPIC}) == TokenUsage("c", 42, 6, 30, 2)
    assert read_whole({"model": "c", "usage": ANTHROPIC}) == TokenUsage("c", 42, 6, 30, 2)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (ANTHROPIC | {"output_tokens": 1}, {"output_tokens": 6}, TokenUsage("c", 42, 6, 30, 2)),
        ({"input_tokens": 0, "output_tokens": 0}, ANTHROPIC, TokenUsage("c", 42, 6, 30, 2)),
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
    meter = feed(EVENTS, *chunks)
    assert meter.usage(whole=False) == expected
    assert meter.ended


def test_what_has_a_price_of_its_own() -> None:
    """Cache writes that last an hour, searches, fast mode, thinking, batches; in a stream and whole."""
    usage = ANTHROPIC | {
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 2},
        "server_tool_use": {"web_search_requests": 3},
        "output_tokens_details": {"thinking_tokens": 4},
        "speed": "fast",
        "service_tier": "batch",
    }
    details = {"cache_write_5m_tokens": 0, "cache_write_1h_tokens": 2, "web_searches": 3}
    context = (("speed", "fast"), ("processing", "batch"))
    expected = TokenUsage("c", 42, 6, 30, 2, 4, details, context)
    assert read_whole({"type": "message", "model": "c", "usage": usage}) == expected
    chunks = [
        event({"type": "message_start", "message": {"model": "c", "usage": usage}}),
        event({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 6, "output_tokens_details": None}}),
        event({"type": "message_stop"}),
    ]
    streamed = feed(EVENTS, *chunks).usage(whole=True)
    assert (streamed.details, streamed.price_context, streamed.cache_written_tokens) == (details, context, 2)


def _call(kind: str, read: int, made: int, **more: Any) -> dict[str, Any]:
    cache = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    return {"type": kind, "input_tokens": read, "output_tokens": made, **cache, **more}


COMPACTED = {
    "input_tokens": 23_000,
    "output_tokens": 1_000,
    "iterations": [_call("compaction", 180_000, 3_500), _call("message", 23_000, 1_000)],
}
"""The example of https://platform.claude.com/docs/en/build-with-claude/compaction."""


@pytest.mark.parametrize(
    ("usage", "read", "made", "parts"),
    [
        (COMPACTED, 203_000, 4_500, [("c", 23_000, 1_000), ("c", 180_000, 3_500)]),
        # Only the calls that the counts leave out are listed.
        (
            COMPACTED | {"iterations": [_call("compaction", 180_000, 3_500)]},
            203_000,
            4_500,
            [("c", 23_000, 1_000), ("c", 180_000, 3_500)],
        ),
        # Of an advised response, the counts have the input of the first call only.
        (
            {
                "input_tokens": 400,
                "output_tokens": 600,
                "iterations": [
                    _call("message", 400, 100),
                    _call("advisor_message", 800, 1_600, model="a"),
                    _call("message", 1_300, 500, cache_read_input_tokens=400),
                ],
            },
            2_900,
            2_200,
            [("c", 400, 100), ("c", 1_700, 500), ("a", 800, 1_600)],
        ),
        (COMPACTED | {"iterations": [_call("new", 99_000, 5_000)]}, 99_000, 5_000, [("c", 99_000, 5_000)]),
        (COMPACTED | {"iterations": []}, 23_000, 1_000, []),
        (COMPACTED | {"iterations": [None, 7]}, 23_000, 1_000, []),
        (COMPACTED | {"iterations": [{"type": "x", "input_tokens": "y"}]}, 23_000, 1_000, [("c", 23_000, 1_000)]),
    ],
)
def test_all_calls_of_models_count(usage: Any, read: int, made: int, parts: list[tuple[str, int, int]]) -> None:
    """Also those that the counts of the response leave out: compaction, and advice by another model."""
    whole = read_whole({"type": "message", "model": "c", "usage": usage})
    first = {"model": "c", "usage": {"input_tokens": usage["input_tokens"], "output_tokens": 1}}
    chunks = [
        event({"type": "message_start", "message": first}, "message_start"),
        event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}, "message_delta"),
    ]
    for found in (whole, feed(EVENTS, *chunks).usage(whole=False)):
        assert (found.input_tokens, found.output_tokens) == (read, made)
        assert [(one.model, one.input_tokens, one.output_tokens) for one in found.parts] == parts


def test_the_kinds_of_all_calls_count() -> None:
    """Tokens written to a cache by each call; searches are of the whole response, and count once."""
    written = {"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 5}}
    calls = [_call("compaction", 10, 1, **written), _call("message", 10, 1, **written)]
    usage = ANTHROPIC | written | {"cache_read_input_tokens": 0, "output_tokens": 1, "iterations": calls}
    found = read_whole({"model": "c", "usage": usage | {"server_tool_use": {"web_search_requests": 3}}})
    assert (found.input_tokens, found.cache_written_tokens) == (30, 10)
    assert found.details == {"cache_write_1h_tokens": 10, "web_searches": 3}
    assert sum(one.details.get("web_searches", 0) for one in found.parts) == 3
