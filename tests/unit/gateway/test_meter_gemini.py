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
    assert read_whole(parts[1]) == TokenUsage("g", 12, 7, reasoning_tokens=2)
    assert read_whole(parts) == TokenUsage("g", 12, 7, reasoning_tokens=2)
    assert feed(EVENTS, *map(event, parts)).usage(whole=False) == TokenUsage("g", 12, 7, reasoning_tokens=2)
    assert read_whole({"model": "g", "usage": USAGE}) == TokenUsage("g", 11, 7, 3)


def test_media_have_counts_of_their_own() -> None:
    """A document counts as an image; of what is not a list of counts, nothing is read."""
    usage = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 9,
        "cachedContentTokenCount": 30,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 40},
            {"modality": "AUDIO", "tokenCount": 25},
            {"modality": "IMAGE", "tokenCount": 20},
            {"modality": "DOCUMENT", "tokenCount": 5},
            {"modality": "VIDEO", "tokenCount": "10"},
        ],
        "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 9}, {"modality": "AUDIO", "tokenCount": -1}, 7],
        "cacheTokensDetails": {"modality": "AUDIO", "tokenCount": 30},
    }
    found = read_whole({"modelVersion": "g", "candidates": [], "usageMetadata": usage})
    assert found.details == {
        "input_audio_tokens": 26,
        "input_image_tokens": 25,
        "input_video_tokens": 10,
        "output_image_tokens": 9,
    }


def test_a_response_without_output_has_none() -> None:
    """Google leaves out zeros. A part that isn't the last says nothing about the output."""
    usage = {"promptTokenCount": 12, "totalTokenCount": 12}
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage}
    empty = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": usage}
    assert read_whole(blocked) == read_whole(empty) == TokenUsage(None, 12, 0)
    assert read_whole({"candidates": [{}], "usageMetadata": usage}) == TokenUsage(None, 12, None)
    assert read_whole({**empty, "usageMetadata": usage | {"totalTokenCount": 13}}) == TokenUsage(None, 12, None)
