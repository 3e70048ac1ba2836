"""Costs of forwarded requests after their end: refused and free requests cost nothing, others what they used."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from ari.gateway.content_size import ContentSize
from ari.gateway.costs import RequestPrices, estimate_start_micros, is_refused, read_tier
from ari.gateway.route import Target
from ari.integrations.ai_rules.prices import OwnPrice, PriceRules
from ari.integrations.providers import get_provider
from ari.outbound.http import FaultWord
from ari.prices.book import Cost, PriceBook
from ari.prices.library import library_version
from ari.usage.ai import UNKNOWN_USAGE, TokenUsage

BOOK = PriceBook()
USED = TokenUsage("gpt-5", 1_000, 100)
FREE = Cost(0, library_version())


def prices(method: str = "POST", path: str = "/v1/chat/completions", provider: str = "openai") -> RequestPrices:
    return RequestPrices(BOOK, PriceRules(), Target(get_provider(provider), path), method, 1_795_000_000_000)


def test_a_response_costs_what_it_used() -> None:
    """Also one that the caller did not read to its end, if the usage was reported."""
    assert prices().final_cost(200, None, USED) == Cost(2_250, library_version())
    assert prices().final_cost(200, None, UNKNOWN_USAGE) is None
    assert prices().final_cost(200, "broken", TokenUsage("gpt-5", 1_000)) is None


@pytest.mark.parametrize(
    ("provider", "requested", "reported", "micros"),
    [
        ("openai", "gpt-5", "gpt-5-nano", 2_250),
        ("openai", "gpt-5-nano", "gpt-5", 2_250),
        ("openai", "gpt-5", "gpt-5-2025-08-07", 2_250),
        ("openai", "unknown", "gpt-5", 2_250),
        ("openrouter", "openrouter/auto", "openai/gpt-5-nano", 90),
    ],
)
def test_a_response_cannot_lower_the_price(provider: str, requested: str, reported: str, micros: int) -> None:
    """The requested model's is the least, unless the provider may choose the model."""
    asked = RequestPrices(
        BOOK, PriceRules(), Target(get_provider(provider), "/v1/chat/completions"), "POST", 1_795_000_000_000, requested
    )
    assert asked.final_cost(200, None, TokenUsage(reported, 1_000, 100)) == Cost(micros, library_version())


def test_a_price_that_is_not_for_tokens_is_estimated_by_size() -> None:
    """By images, by text to be read aloud, and by the length of a recording."""
    assert estimate_start_micros("/v1/images/generations", 100, 10) == 1_200_000
    assert estimate_start_micros("/v1/audio/speech", 4_000, 1) == 120_000
    assert estimate_start_micros("/v1/audio/transcriptions", 24_000_000, 1) == 3_200_000
    wav = ContentSize(300, 1, 24_000_000, 750)
    assert estimate_start_micros("/v1/audio/transcriptions", 24_000_300, 1, wav) == 75_040
    assert estimate_start_micros("/v1/chat/completions", 100, 1) == 20_000


@pytest.mark.parametrize("status", [304, 400, 401, 429, 500])
def test_what_the_provider_refused_costs_nothing(status: int) -> None:
    """Whatever its response says."""
    assert prices().final_cost(status, None, USED) == FREE


@pytest.mark.parametrize(
    ("fault", "cost"),
    [
        ("unreachable", FREE),
        ("refused_address", FREE),
        ("tls", FREE),
        ("timed_out", None),
        ("broken", None),
        (None, None),
    ],
)
def test_without_a_response_the_cost_is_unknown(fault: FaultWord | None, cost: Cost | None) -> None:
    """The provider may have worked and charged for it, unless nothing was sent."""
    assert prices().final_cost(None, fault, UNKNOWN_USAGE) == cost


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("openai", "GET", "/v1/responses/resp_1"),
        ("openai", "DELETE", "/v1/responses/resp_1"),
        ("anthropic", "POST", "/v1/messages/count_tokens"),
        ("anthropic", "POST", "/v1/messages/batches/batch_1/cancel"),
        ("gemini", "POST", "/v1beta/models/gemini-3-pro:countTokens"),
        ("openai", "POST", "/v1/responses/input_tokens"),
        ("openai", "POST", "/v1/responses/resp_1/cancel"),
        ("openai", "POST", "/v1/batches/batch_1/cancel"),
        ("openai_compatible", "POST", "/v1/messages/count_tokens"),
        ("ollama", "POST", "/api/show"),
    ],
)
def test_free_requests(provider: str, method: str, path: str) -> None:
    """Reading, counting and cancelling; a response that is read again was paid for when it was made."""
    assert prices(method, path, provider).is_free
    assert prices(method, path, provider).final_cost(200, None, USED) == FREE


@pytest.mark.parametrize(
    "path",
    [
        "/v1/count_tokens/chat",
        "/v1/chat/completions/cancel",
        "/v1/chat/completions;x/cancel",
        "/v1/chat/completions%23/cancel",
        "/v1/chat/completions;/api/show",
        "/v1/responses/..;a/cancel",
        "/v1/responses/%2e%2e%23/cancel",
    ],
)
def test_an_unknown_path_is_not_free(path: str) -> None:
    """Its end alone doesn't say what a server does, which could end the path earlier."""
    assert not prices("POST", path).is_free


def test_geminis_tier_is_in_a_header() -> None:
    """The tier that was used, not the one that was requested; no other text chooses a price."""
    assert read_tier([(b"content-type", b"x"), (b"X-Gemini-Service-Tier", b"FLEX")]) == "flex"
    for value in (b"standard", b"", b"\xff", b"flex" * 9_000):
        assert read_tier([(b"x-gemini-service-tier", value)]) is None
    usage = TokenUsage("gpt-5", 1_000_000, 0)
    found = [prices().final_cost(200, None, usage, tier) for tier in (None, "flex")]
    assert [cost and cost.micros for cost in found] == [1_250_000, 625_000]


def test_tokens_that_stay_in_the_us_cost_a_tenth_more() -> None:
    """As the response of Anthropic says; the fee of its searches stays the same."""
    book = PriceBook()
    book.load()
    target = Target(get_provider("anthropic"), "/v1/messages")
    prices = RequestPrices(book, PriceRules(), target, "POST", 1_795_000_000_000, "claude-opus-4-6")
    usage = TokenUsage("claude-opus-4-6", 100_000, 1_000, 0, 0)
    us = (("inference_geo", "us"),)
    plain, raised = prices.cost_of(usage), prices.cost_of(replace(usage, price_context=us))
    assert plain is not None
    assert raised is not None
    assert raised.micros * 10 == plain.micros * 11


@pytest.mark.parametrize(
    ("status", "refused"),
    [(200, False), (302, True), (404, True), (599, True), (600, False), (999, False)],
)
def test_a_refusal_has_a_status_for_it(status: int, refused: bool) -> None:
    """A provider that sends an invalid status may have done the work."""
    assert is_refused(status, None) is refused


def test_each_call_of_a_model_has_its_own_price() -> None:
    """Neither another model's nor that of a longer input; unknown if one of them is."""
    own = PriceRules(
        (OwnPrice("anthropic/c", Decimal(1), Decimal(2)), OwnPrice("anthropic/adviser", Decimal(10), Decimal(20)))
    )
    found = RequestPrices(BOOK, own, Target(get_provider("anthropic"), "/v1/messages"), "POST", 1_795_000_000_000, "c")
    calls = [TokenUsage("c", 100, 10), TokenUsage("adviser", 100, 10)]
    whole = TokenUsage("c", 200, 20, parts=tuple(calls))
    cost = found.cost_of(whole)
    assert cost is not None
    assert cost.micros == 120 + 1_200
    assert found.cost_of(replace(whole, parts=(*calls, TokenUsage("unknown", 1, 1)))) is None
