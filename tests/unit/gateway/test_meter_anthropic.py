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
