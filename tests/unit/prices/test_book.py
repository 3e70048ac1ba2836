"""The price book: own prices before the library's, discounts on both, and each version named."""

from decimal import Decimal
from typing import Any

import pytest

from ari.base.clock import MINUTE_MS
from ari.integrations.ai_rules.prices import Discount, OwnPrice, PriceRules
from ari.prices.book import Cost, PriceBook, version_of
from ari.prices.library import library_version
from ari.usage.ai import TokenUsage

AT_MS = 1_795_000_000_000
NO_RULES = PriceRules()
USAGE = TokenUsage("gpt-5-2025-08-07", 1_000_000, 100_000)
GPT_5 = 1_250_000 + 1_000_000
"""In the library: $1.25 and $10 per million tokens."""


@pytest.fixture
def book() -> PriceBook:
    return PriceBook()


def own(model: str, **prices: str) -> OwnPrice:
    return OwnPrice(model, **{name: Decimal(price) for name, price in prices.items()})


def rules(*prices: OwnPrice, discounts: Any = (), revision: int = 3) -> PriceRules:
    return PriceRules(prices, tuple(Discount(model, Decimal(text)) for model, text in discounts), revision)


def test_the_library_prices_what_it_knows(book: PriceBook) -> None:
    """By the name in the response, else by the one requested."""
    version = library_version()
    assert book.cost_of("openai", "fast", USAGE, NO_RULES, AT_MS) == Cost(GPT_5, version)
    unnamed = TokenUsage(None, 1_000_000, 100_000)
    assert book.cost_of("openai", "gpt-5", unnamed, NO_RULES, AT_MS) == Cost(GPT_5, version)
    assert book.cost_of("openai", None, unnamed, NO_RULES, AT_MS) is None


@pytest.mark.parametrize("provider", ["openai_compatible", "ollama", "my-own-upstream"])
def test_a_server_of_your_own_has_only_own_prices(book: PriceBook, provider: str) -> None:
    """A model of OpenAI's name may be any other there."""
    assert book.cost_of(provider, "gpt-5", USAGE, NO_RULES, AT_MS) is None
    found = book.cost_of(provider, "gpt-5", USAGE, rules(own(f"{provider}/*", input="0", output="1")), AT_MS)
    assert found == Cost(100_000, f"{library_version()}+3")


def test_an_own_price_counts_before_the_librarys(book: PriceBook) -> None:
    """Also one for the name requested, which the response replaces by the name of a version."""
    assert book.cost_of("openai", "gpt-5", USAGE, rules(own("openai/gpt-5", input="1", output="2")), AT_MS) == Cost(
        1_200_000, f"{library_version()}+3"
    )


def test_the_longest_pattern_counts() -> None:
    """In whatever order they are listed; case does not count."""
    some = rules(own("openai/*", input="1"), own("openai/gpt-5-mini*", input="2"), own("openai/gpt-5*", input="3"))
    assert [found and found.input for found in (some.find_price("openai", name) for name in ("o3", "GPT-5-Mini"))] == [
        Decimal(1),
        Decimal(2),
    ]
    assert some.find_price("azure-openai", "gpt-5") is None


def test_a_discount_lowers_either_price(book: PriceBook) -> None:
    """For a provider or for single models."""
    some = rules(own("openai/my-model", input="4"), discounts=(("openai/*", "10"), ("openai/gpt-5*", "50")))
    assert book.cost_of("openai", "gpt-5", USAGE, some, AT_MS) == Cost(GPT_5 // 2, version_of(some))
    tuned = TokenUsage("my-model", 1_000_000, 0)
    assert book.cost_of("openai", None, tuned, some, AT_MS) == Cost(3_600_000, version_of(some))


def test_parts_of_an_own_price(book: PriceBook) -> None:
    """Cached and audio tokens have their own price, or that of other input; a request may have one too."""
    usage = TokenUsage("m", 100, 10, 40, details={"input_audio_tokens": 20, "cache_audio_read_tokens": 5})
    plain = rules(own("x/*", input="1", output="2"), revision=1)
    assert book.cost_of("x", "m", usage, plain, AT_MS) == Cost(120, version_of(plain))
    parts = rules(own("x/*", input="1", output="2", cached_input="0.5", input_audio="10", per_request="0.01"))
    expected = 10_000 + 45 + 40 // 2 + 15 * 10 + 20
    assert book.cost_of("x", "m", usage, parts, AT_MS) == Cost(expected, version_of(parts))


def test_the_price_is_that_of_the_time(book: PriceBook) -> None:
    """The price of o3 fell on 2025-06-10."""
    usage = TokenUsage("o3", 1_000_000, 0)
    june_9, june_10 = 1_749_427_200_000, 1_749_513_600_000
    costs = [book.cost_of("openai", "o3", usage, NO_RULES, at_ms) for at_ms in (june_9, june_10 - 1, june_10)]
    assert [cost and cost.micros for cost in costs] == [10_000_000, 10_000_000, 2_000_000]


def test_a_change_of_rules_counts_at_once(book: PriceBook) -> None:
    """And the rules of an earlier request still give its cost: a price that changes mid-stream doesn't change it."""
    old = rules(own("openai/*", input="1"), revision=1)
    new = rules(own("openai/*", input="2"), revision=2)
    usage = TokenUsage("gpt-5", 1_000_000, 0)
    found = [book.cost_of("openai", None, usage, one, AT_MS) for one in (old, new, old)]
    assert [cost and cost.micros for cost in found] == [1_000_000, 2_000_000, 1_000_000]


def test_a_10_kb_model_name_costs_nothing_to_look_up(book: PriceBook) -> None:
    """It is compared with no pattern, not even with one that matches everything."""
    name = "gpt-5" + "x" * 10_000
    usage = TokenUsage(name, 1, 1)
    assert book.cost_of("openai", name, usage, rules(own("openai/*", input="1")), AT_MS) is None
    assert book.cost_of("openai", "gpt-5", usage, NO_RULES, AT_MS + MINUTE_MS) is not None


def test_a_pattern_with_many_stars_is_fast(book: PriceBook) -> None:
    """Matched without a regular expression, which would not end; a star of the provider is for the provider only."""
    hostile = "a" * 60 + "b"
    stars = "openai/" + "*a" * 40
    discounts = [(stars, "50")]
    assert book.cost_of("openai", hostile, USAGE, rules(own(stars, input="1"), discounts=discounts), AT_MS) is not None
    usage = TokenUsage(None, 1_000_000, 0)
    assert book.cost_of("openai", hostile, usage, rules(own(stars, input="1")), AT_MS) is None
    assert book.cost_of("openrouter", "a/x-1", usage, rules(own("*/x-1", input="1")), AT_MS) is None
