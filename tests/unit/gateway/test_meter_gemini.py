"""Gemini's format, whole and streamed."""

from typing import Any

from ari.usage.ai import TokenUsage
from tests.unit.gateway.metering import EVENTS, USAGE, event, feed, read_whole


def gemini(output: int, **more: Any) -> Any:
    usage = {"promptTokenCount": 12, "candidatesTokenCount": output, "thoughtsTokenCount": 2}
    return {"candidates": [more], "modelVersion": "g", "usageMetadata": usage}


def test_gemini() -> None:
    """Thinking is output; each part repeats what was used so far; an array of parts is a stream too."""
    parts = [gemini(1), gemini(5, finishReason="STOP")]
    assert read_whole(parts[1]) == TokenUsage("g", 12, 7)
    assert read_whole(parts) == TokenUsage("g", 12, 7)
    assert feed(EVENTS, *map(event, parts)).usage(whole=False) == TokenUsage("g", 12, 7)
    assert read_whole({"model": "g", "usage": USAGE}) == TokenUsage("g", 11, 7, 3)
