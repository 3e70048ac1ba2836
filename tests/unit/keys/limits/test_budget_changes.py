"""Changes to budgets: what was spent and increased stays where it should, and looser ones are recognized."""

import pytest
from msgspec.structs import replace

from ari.base.clock import DAY_MS, from_rfc3339
from ari.base.errors import Conflict, Invalid, NotFound
from ari.keys.limits.budget_changes import (
    MAX_INCREASES,
    increase_budget,
    loosens_budgets,
    replace_budgets,
    reset_budgets,
)
from ari.keys.limits.rules import NO_RULES, Budget, Increase, LimitRules

NOW = from_rfc3339("2026-11-29T12:00:00Z")
END = from_rfc3339("2026-12-01T00:00:00Z")
BUDGET = Budget("b", 100)


def test_a_budget_keeps_its_epoch_while_its_unit_is_the_same() -> None:
    """A new name or unit begins at nothing; the same budgets make no new revision."""
    first = replace_budgets(NO_RULES, (BUDGET,))
    assert (first.revision, first.budgets[0].epoch) == (1, 1)
    assert replace_budgets(first, (BUDGET,)) is first
    larger = replace_budgets(first, (replace(BUDGET, amount=200),))
    assert (larger.revision, larger.budgets[0].epoch) == (2, 1)
    tokens = replace_budgets(larger, (replace(BUDGET, unit="tokens"), replace(BUDGET, name="c")))
    assert [one.epoch for one in tokens.budgets] == [3, 3]


def test_an_increase_lasts_until_the_period_ends() -> None:
    """It stays if the amount changes, and ends with another period; increases that ended are left out."""
    rules = increase_budget(replace_budgets(NO_RULES, (BUDGET,)), "b", {"amount_usd": "0.00005"}, NOW)
    assert rules.budgets[0].increases == (Increase(50, END),)
    larger = replace_budgets(rules, (replace(BUDGET, amount=200),))
    assert larger.budgets[0].increases == (Increase(50, END),)
    assert replace_budgets(larger, (replace(BUDGET, period="day"),)).budgets[0].increases == ()
    again = increase_budget(rules, "b", {"amount_usd": "0.00001"}, END)
    assert [one.amount for one in again.budgets[0].increases] == [10]


def test_an_increase_of_nothing_ends_the_others() -> None:
    """In either unit, and as often as it is sent."""
    for amount, unit in (("amount_usd", "money"), ("amount_tokens", "tokens")):
        rules = replace_budgets(NO_RULES, (replace(BUDGET, unit=unit),))
        more, nothing = ({"amount_usd": "1"}, {"amount_usd": "0"}) if unit == "money" else ({amount: 1}, {amount: 0})
        rules = increase_budget(increase_budget(rules, "b", more, NOW), "b", more, NOW)
        for _ in range(2):
            rules = increase_budget(rules, "b", nothing, NOW)
            assert rules.budgets[0].increases == ()


def test_increases_of_rolling_and_total_budgets() -> None:
    """For the length of the window, and for all time."""
    rules = LimitRules(1, budgets=(Budget("r", 1, "tokens", "rolling", DAY_MS), Budget("t", 1, "tokens", "total")))
    rules = increase_budget(increase_budget(rules, "r", {"amount_tokens": 5}, NOW), "t", {"amount_tokens": 6}, NOW)
    assert [one.increases for one in rules.budgets] == [(Increase(5, NOW + DAY_MS),), (Increase(6),)]


def test_increases_that_are_wrong() -> None:
    """An unknown name, another unit, too much, or too many in one period."""
    rules = replace_budgets(NO_RULES, (BUDGET,))
    with pytest.raises(NotFound):
        increase_budget(rules, "other", {"amount_usd": "1"}, NOW)
    with pytest.raises(Invalid, match="needs amount_usd"):
        increase_budget(rules, "b", {"amount_tokens": 1}, NOW)
    with pytest.raises(Invalid, match="too large"):
        increase_budget(rules, "b", {"amount_usd": "1000000000"}, NOW)
    for _ in range(MAX_INCREASES):
        rules = increase_budget(rules, "b", {"amount_usd": "1"}, NOW)
    with pytest.raises(Conflict):
        increase_budget(rules, "b", {"amount_usd": "1"}, NOW)


def test_a_reset_begins_a_new_epoch() -> None:
    """Of the named budgets, or of all; names must exist."""
    rules = replace_budgets(NO_RULES, (BUDGET, replace(BUDGET, name="c")))
    assert [one.epoch for one in reset_budgets(rules, ["c"]).budgets] == [1, 2]
    assert [one.epoch for one in reset_budgets(rules, None).budgets] == [2, 2]
    for names in ([], ["other"]):
        with pytest.raises(Invalid):
            reset_budgets(rules, names)
    with pytest.raises(Conflict):
        reset_budgets(NO_RULES, None)


@pytest.mark.parametrize(
    ("after", "loosens"),
    [
        (replace(BUDGET, amount=99), False),
        (BUDGET, False),
        (replace(BUDGET, amount=101), True),
        (replace(BUDGET, is_hard=False), True),
        (replace(BUDGET, period="day"), True),
        (replace(BUDGET, time_zone="Asia/Tokyo"), True),
        (replace(BUDGET, unit="tokens"), True),
        (replace(BUDGET, epoch=1), True),
        (replace(BUDGET, increases=(Increase(1),)), True),
        (replace(BUDGET, name="c"), True),
    ],
)
def test_looser_budgets_are_recognized(after: Budget, loosens: bool) -> None:
    """A key must not loosen its own budget, so whatever may allow more counts as looser."""
    before = LimitRules(1, budgets=(BUDGET,))
    assert loosens_budgets(before, LimitRules(2, budgets=(after,))) is loosens
    assert not loosens_budgets(NO_RULES, before)


def test_a_name_with_a_prefix_gets_advice() -> None:
    """Reports name shared budgets so; the budget is changed at its owner, by its own name."""
    rules = replace_budgets(NO_RULES, (BUDGET,))
    with pytest.raises(Invalid, match="Leave out the prefix"):
        increase_budget(rules, "instance:b", {"amount_usd": "1"}, NOW)
    with pytest.raises(Invalid, match="Leave out the prefix"):
        reset_budgets(rules, ["instance:b"])
