"""The cost of a request: exact, rounded up, never negative, and unknown rather than wrong."""

from fractions import Fraction
from typing import Any

import pytest

from ari.prices.card import REQUESTS, Price, PriceCard
from ari.usage.ai import TokenUsage

MILLION = 1_000_000
INPUT = Price("input_tokens", Fraction(2, MILLION), is_required=True)
OUTPUT = Price("output_tokens", Fraction(10, MILLION), is_required=True)
CACHED = Price("cache_read_tokens", Fraction(1, 2 * MILLION), parents=frozenset(("input_tokens",)))
AUDIO = Price("input_audio_tokens", Fraction(40, MILLION), parents=frozenset(("input_tokens",)))
CACHED_AUDIO = Price(
    "cache_audio_read_tokens",
    Fraction(4, MILLION),
    parents=frozenset(("input_tokens", "cache_read_tokens", "input_audio_tokens")),
)
CHAT = PriceCard((INPUT, OUTPUT, CACHED))
SPEECH = PriceCard((INPUT, OUTPUT, CACHED, AUDIO, CACHED_AUDIO))


def test_each_token_is_charged_once_at_its_own_price() -> None:
    """Cached tokens are among the input; a kind without a price is charged as the kind that includes it."""
    assert CHAT.cost_micros(TokenUsage(None, 1_000, 100)) == 3_000
    assert CHAT.cost_micros(TokenUsage(None, 1_000, 100, 400)) == 600 * 2 + 200 + 1_000
    assert CHAT.cost_micros(TokenUsage(None, 1_000, 100, details={"input_audio_tokens": 900})) == 3_000
    usage = TokenUsage(None, 100, 0, 30, details={"input_audio_tokens": 50, "cache_audio_read_tokens": 10})
    assert SPEECH.cost_micros(usage) == 30 * 2 + 10 + 40 * 40 + 10 * 4


def test_a_cost_is_rounded_up() -> None:
    """Whatever costs anything costs at least a millionth; what costs nothing costs 0."""
    card = PriceCard((Price("input_tokens", Fraction(1, 50 * MILLION), is_required=True),))
    assert [card.cost_micros(TokenUsage(None, tokens)) for tokens in (0, 1, 50, 51)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    "usage",
    [
        TokenUsage(),
        TokenUsage(None, None, 5),
        TokenUsage(None, 5, None),
        TokenUsage(None, 5, 5, 6),
        TokenUsage(None, 100, 0, 10, details={"input_audio_tokens": 10}),
        TokenUsage(None, 10, 0, 10, details={"input_audio_tokens": 10, "cache_audio_read_tokens": 0}),
    ],
    ids=["nothing", "no input", "no output", "more cached than read", "cached or not", "more parts than whole"],
)
def test_a_cost_is_unknown_rather_than_wrong(usage: TokenUsage) -> None:
    """A missing or contradicting count has no cost; nor has audio of which an unknown part was cached."""
    assert SPEECH.cost_micros(usage) is None


def test_tiers_hold_for_all_tokens() -> None:
    """Beyond the threshold every token costs the higher price, as providers bill it."""
    tiered = Price("input_tokens", Fraction(1, MILLION), ((200, Fraction(3, MILLION)), (500, Fraction(5, MILLION))))
    card = PriceCard((tiered,))
    costs = [card.cost_micros(TokenUsage(None, tokens)) for tokens in (200, 201, 500, 501)]
    assert costs == [200, 603, 1_500, 2_505]
    assert card.cost_micros(TokenUsage()) is None


def test_a_request_may_have_a_price() -> None:
    """Besides its tokens, or alone; searches cost only if there were any."""
    searches = Price("web_searches", Fraction(1, 100))
    card = PriceCard((Price(REQUESTS, Fraction(1, 200)), searches))
    assert card.cost_micros(TokenUsage()) == 5_000
    assert card.cost_micros(TokenUsage(details={"web_searches": 2})) == 25_000


@pytest.mark.parametrize(("factor", "cost"), [(1, 3_000), (Fraction(85, 100), 2_550), (0, 0)])
def test_a_factor_changes_every_price(factor: Any, cost: int) -> None:
    """A discount, also one of 100 percent."""
    assert PriceCard((INPUT, OUTPUT), Fraction(factor)).cost_micros(TokenUsage(None, 1_000, 100)) == cost


def test_a_free_model_costs_nothing() -> None:
    """Also if it reports no usage."""
    assert PriceCard(()).cost_micros(TokenUsage()) == 0
