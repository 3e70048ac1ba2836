"""Own prices as people write them: exact text in US dollars, with a problem for each wrong field."""

from decimal import Decimal
from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.integrations.ai_rules.price_fields import MAX_ENTRIES, describe_price_rules, parse_price_rules
from ari.integrations.ai_rules.prices import Discount, OwnPrice, PriceRules

GIVEN: dict[str, Any] = {
    "prices": [{"model": "openai/gpt-5*", "input_usd": "1.10", "output_usd": "0", "per_request_usd": "0.000000001"}],
    "discounts": [{"model": "anthropic/*", "percent": "12.5"}],
}
RULES = PriceRules(
    (OwnPrice("openai/gpt-5*", input=Decimal("1.10"), output=Decimal(0), per_request=Decimal("0.000000001")),),
    (Discount("anthropic/*", Decimal("12.5")),),
)


def test_rules_survive_as_they_were_written() -> None:
    """Digit by digit, never with an exponent."""
    assert parse_price_rules(GIVEN) == RULES
    described = describe_price_rules(RULES)
    assert {name: value for name, value in described["prices"][0].items() if value is not None} == GIVEN["prices"][0]
    assert described["discounts"] == GIVEN["discounts"]
    assert parse_price_rules(described) == RULES
    assert parse_price_rules({}) == PriceRules()


@pytest.mark.parametrize(
    "amount", ["1 EUR", "€1", "$1", "-1", "1e3", "NaN", "inf", "1,5", "", "1000000.1", "0." + "1" * 10, 1]
)
def test_another_currency_or_form_is_refused(amount: Any) -> None:
    """Two currencies in one account could not be added up."""
    with pytest.raises(Invalid, match="US dollars") as raised:
        parse_price_rules({"prices": [{"model": "x/*", "input_usd": "1", "output_usd": amount}]})
    assert [one.location for one in raised.value.problems] == ["prices.0.output_usd"]


@pytest.mark.parametrize("percent", ["-1", "100.01", "15%", "1.234", "", None, 15])
def test_a_discount_is_a_percentage(percent: Any) -> None:
    """More than 100 would make a cost negative."""
    with pytest.raises(Invalid, match="from 0 to 100"):
        parse_price_rules({"discounts": [{"model": "x/*", "percent": percent}]})


@pytest.mark.parametrize("model", ["gpt-5", "/gpt-5", "openai/", "", None, "openai/" + "x" * 200, "open ai/x", "a/\n"])
def test_a_pattern_names_a_provider(model: Any) -> None:
    """A model of the same name may cost something else elsewhere."""
    with pytest.raises(Invalid, match="provider/model"):
        parse_price_rules({"prices": [{"model": model, "input_usd": "1"}]})


@pytest.mark.parametrize(
    ("price", "missing"),
    [
        ({"input_usd": "1"}, ["output"]),
        ({"output_usd": "1"}, ["input"]),
        ({"cached_input_usd": "1"}, ["input", "output"]),
    ],
)
def test_no_tokens_are_free_unless_the_price_says_so(price: dict[str, str], missing: list[str]) -> None:
    """A forgotten price would let a hard budget count nothing. A price per request needs none of tokens."""
    with pytest.raises(Invalid, match="0 is free") as raised:
        parse_price_rules({"prices": [{"model": "x/*", **price}]})
    assert [one.location for one in raised.value.problems] == [f"prices.0.{name}_usd" for name in missing]
    assert parse_price_rules({"prices": [{"model": "x/*", "per_request_usd": "1"}]}).prices[0].output is None


def test_all_problems_are_reported() -> None:
    """Entries without a price, repeated patterns, and too many."""
    typo = {"model": "x/*", "input_usd": "1", "output_usd": "1", "ouput_usd": "1"}
    given = {"prices": [{"model": "x/*"}, typo], "discounts": [{"model": "y"}]}
    with pytest.raises(Invalid) as raised:
        parse_price_rules(given)
    places = [one.location for one in raised.value.problems]
    assert places == ["prices.1.model", "prices.0", "prices.1.ouput_usd", "discounts.0.percent", "discounts.0.model"]
    with pytest.raises(Invalid, match="at most 500"):
        parse_price_rules({"prices": [{}] * (MAX_ENTRIES + 1)})
