"""Anthropic's format, whole and streamed."""

from typing import Any

import pytest

from ari.usage.ai import TokenUsage
from tests.unit.gateway.metering import EVENTS, event, feed, read_whole

ANTHROPIC = {"input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 2, "output_tokens": 6}


def test_anthropic() -> None:
    """Tokens read from and written to a cache are input too. Of any provider."""
    assert read_whole({"type": "message", "model": "c", "usage": ANTHROPIC}) == TokenUsage("c", 42, 6, 30)
    assert read_whole({"model": "c", "usage": ANTHROPIC}) == TokenUsage("c", 42, 6, 30)


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
    meter = feed(EVENTS, *chunks)
    assert meter.usage(whole=False) == expected
    assert meter.ended
