"""OpenAI's format, and the variants of servers that speak it."""

from typing import Any

from ari.usage.ai import UNKNOWN_USAGE, TokenUsage
from tests.unit.gateway.metering import EVENTS, USAGE, event, feed, read_whole


def test_openai() -> None:
    """Chat, embeddings, responses, transcriptions, images; and the names that others have for the same."""
    chat = {"model": "m", "choices": [{"finish_reason": "stop"}], "usage": USAGE}
    assert read_whole(chat) == TokenUsage("m", 11, 7, 3)
    assert read_whole({"model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}}) == TokenUsage(
        "e", 4, None, None
    )
    usage: Any = {"input_tokens": 21, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 9}
    assert read_whole({"object": "response", "model": "r", "usage": usage}) == TokenUsage("r", 21, 9, 8)
    assert read_whole(
        {"text": "Hi", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 5}}
    ) == TokenUsage(None, 14, 5)
    assert read_whole({"text": "Hi", "usage": {"type": "duration", "seconds": 9}}) == UNKNOWN_USAGE
    deepseek = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_cache_hit_tokens": 2}
    assert read_whole({"model": "d", "usage": deepseek}) == TokenUsage("d", 5, 1, 2)
    assert feed(EVENTS, event({"choices": [], "x_groq": {"usage": USAGE}})).usage(whole=True) == TokenUsage(
        None, 11, 7, 3
    )


def test_reasoning_that_is_not_among_the_completion() -> None:
    """xAI's total shows it; OpenAI's completion holds it already."""
    details = {"completion_tokens_details": {"reasoning_tokens": 300}}
    xai = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 321, **details}
    assert read_whole({"model": "g", "usage": xai}).output_tokens == 309
    openai = {"prompt_tokens": 12, "completion_tokens": 309, "total_tokens": 321, **details}
    assert read_whole({"model": "o", "usage": openai}).output_tokens == 309
