"""Budgets as people write them: what is wrong is reported with its field, and what is right comes back the same."""

from typing import Any

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Invalid
from ari.keys.limits.budget_fields import (
    budget_in_words,
    describe_budget,
    parse_budget_text,
    parse_budgets,
    shortage_in_words,
    write_budget_text,
)
from ari.keys.limits.rules import Budget, Increase
from ari.keys.limits.spending import Shortage

MONTHLY = {"name": "monthly", "amount_usd": "25.00", "period": "month", "time_zone": "Europe/Berlin", "hard": False}


def test_a_budget_in_money_and_one_in_tokens() -> None:
    """Each keeps its amount, period and time zone."""
    tokens = {"amount_tokens": 1_000_000, "period": "rolling", "window": "7d"}
    assert parse_budgets([MONTHLY, tokens]) == (
        Budget("monthly", 25_000_000, time_zone="Europe/Berlin", is_hard=False),
        Budget("default", 1_000_000, "tokens", "rolling", 7 * DAY_MS),
    )


def test_a_described_budget_can_be_given_again() -> None:
    """Callers may read budgets, change one and send all back."""
    [budget] = parse_budgets([MONTHLY])
    facts = describe_budget(budget)
    assert facts == MONTHLY | {"amount_tokens": None, "window": None, "increases": []}
    assert parse_budgets([facts]) == (budget,)
    increased = Budget("b", 5, "tokens", increases=(Increase(2, 0), Increase(1)))
    assert describe_budget(increased)["increases"] == [
        {"amount_usd": None, "amount_tokens": 2, "ends_at": "1970-01-01T00:00:00.000Z"},
        {"amount_usd": None, "amount_tokens": 1, "ends_at": None},
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Not a name"}, "name"),
        ({"name": "credits"}, "name"),
        ({"amount_usd": "0"}, "amount_usd"),
        ({"amount_usd": "25 EUR"}, "amount_usd"),
        ({"amount_usd": 25}, "amount_usd"),
        ({"amount_usd": None}, "amount_usd"),
        ({"amount_tokens": 5}, "amount_usd"),
        ({"amount_usd": None, "amount_tokens": 0}, "amount_tokens"),
        ({"amount_usd": None, "amount_tokens": True}, "amount_tokens"),
        ({"period": "year"}, "period"),
        ({"period": "rolling"}, "window"),
        ({"window": "7d"}, "window"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"hard": 1}, "hard"),
    ],
)
def test_what_is_wrong_is_reported_with_its_field(change: dict[str, Any], field: str) -> None:
    """One problem, at the field that causes it."""
    with pytest.raises(Invalid) as caught:
        parse_budgets([MONTHLY | change])
    assert [problem.location for problem in caught.value.problems] == [f"budgets.0.{field}"]


def test_names_are_unique_and_budgets_few() -> None:
    """Names identify budgets, and each costs time in every commit."""
    with pytest.raises(Invalid, match="Another budget has this name"):
        parse_budgets([MONTHLY, MONTHLY])
    with pytest.raises(Invalid, match="at most 10 budgets"):
        parse_budgets([MONTHLY] * 11)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("25usd/month", "25.00 US dollars per month"),
        ("name=1000000tokens/day", "1,000,000 tokens per day"),
        ("0.5usd/24h", "0.50 US dollars per day"),
        ("100usd/total", "100.00 US dollars in all"),
    ],
)
def test_budgets_in_short_form(text: str, words: str) -> None:
    """As the command line takes them; a question mark makes a soft budget."""
    [budget] = parse_budgets([parse_budget_text(text)])
    assert budget_in_words(budget) == words
    assert budget.is_hard
    [soft] = parse_budgets([parse_budget_text(text + "?")])
    assert not soft.is_hard
    for one in (budget, soft):
        assert parse_budgets([parse_budget_text(write_budget_text(one))]) == (one,)


@pytest.mark.parametrize("text", ["", "25/month", "=25usd/month", "25eur/month", "25usd", "xtokens/day", "1usd/year"])
def test_short_forms_that_are_wrong(text: str) -> None:
    """Refused with an example of the right form."""
    with pytest.raises(Invalid):
        parse_budgets([parse_budget_text(text)])


@pytest.mark.parametrize(
    ("shortage", "words"),
    [
        (Shortage(6_200_000, 5_000_000, 25_000_000), "has 5.00 US dollars left; this request may use 6.20 US dollars"),
        (
            Shortage(7, 0, 6),
            "has 0.00 US dollars left; this request may use 0.000007 US dollars, more than the whole budget",
        ),
    ],
)
def test_a_shortage_has_both_amounts(shortage: Shortage, words: str) -> None:
    """So that callers see whether a smaller request fits."""
    assert shortage_in_words(shortage, "money") == words
