"""OpenAI's format, and the variants of servers that speak it."""

from typing import Any

from ari.usage.ai import TokenUsage
from tests.unit.gateway.metering import EVENTS, USAGE, event, feed, read_whole


def test_openai() -> None:
    """Chat, embeddings, responses, transcriptions, images; and the names that others have for the same."""
    chat = {"model": "m", "choices": [{"finish_reason": "stop"}], "usage": USAGE}
    assert read_whole(chat) == TokenUsage("m", 11, 7, 3)
    assert read_whole({"model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}}) == TokenUsage("e", 4, 0)
    usage: Any = {"input_tokens": 21, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 9}
    assert read_whole({"object": "response", "model": "r", "usage": usage}) == TokenUsage("r", 21, 9, 8)
    assert read_whole(
        {"text": "Hi", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 5}}
    ) == TokenUsage(None, 14, 5)
    assert read_whole({"text": "Hi", "usage": {"type": "duration", "seconds": 8.2}}) == TokenUsage(
        details={"audio_seconds": 9}
    )
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


def test_what_has_a_price_of_its_own() -> None:
    """Cache writes, audio, images, reasoning and the service tier that was really used."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {
            "cached_tokens": 30,
            "cache_write_tokens": 10,
            "audio_tokens": 40,
            "cached_tokens_details": {"audio_tokens": 5},
        },
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 15, "text_tokens": 15},
    }
    details = {"input_audio_tokens": 40, "cache_audio_read_tokens": 5, "output_audio_tokens": 15}
    chat = {"model": "m", "choices": [{"finish_reason": "stop"}], "service_tier": "flex", "usage": usage}
    expected = TokenUsage("m", 100, 50, 30, 10, 20, details, (("service_tier", "flex"),))
    assert read_whole(chat) == expected
    assert expected.audio_tokens == 55
    assert read_whole(chat | {"service_tier": "x" * 9_000}).price_context == ()
    images = {"input_tokens": 9, "input_tokens_details": {"text_tokens": 4, "image_tokens": 5}, "output_tokens": 70}
    assert read_whole({"created": 1, "data": [], "usage": images}).details == {"input_image_tokens": 5}


def test_perplexity_counts_reasoning_and_citations_apart() -> None:
    """All of it is output; searches have their own price."""
    usage = {"prompt_tokens": 5, "completion_tokens": 10, "citation_tokens": 7, "reasoning_tokens": 20}
    found = read_whole(
        {"model": "sonar", "choices": [], "usage": usage | {"num_search_queries": 3, "total_tokens": 15}}
    )
    assert (found.output_tokens, found.reasoning_tokens) == (37, 20)
    assert found.details == {"web_searches": 3, "output_citation_tokens": 7}


def test_a_count_that_is_none_is_unknown() -> None:
    """A provider that lies about its details cannot make a cost negative or huge."""
    lies: tuple[Any, ...] = (-1, 10**12, "x", [], True, float("nan"), float("inf"))
    for lie in lies:
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"audio_tokens": lie}}
        assert read_whole({"model": "m", "choices": [], "usage": usage}).details == {}
        assert read_whole({"usage": {"type": "duration", "seconds": lie}}).details == {}
