"""Changes to limits and credits: what keeps its count, what begins again, and what allows more."""

from typing import Any

import pytest

from ari.base.errors import Conflict, Invalid
from ari.keys.limits.changes import (
    MAX_GRANTED,
    add_credits,
    list_changes,
    loosens,
    replace_credits,
    replace_limits,
    reset_limits,
)
from ari.keys.limits.fields import MAX_UNITS, parse_limits
from ari.keys.limits.rules import NO_RULES, Budget, Credits, Limit, LimitRules, Refill

NOW = 1_764_000_000_000
MINUTE = {"limit": 5, "window": "1m"}
RULES = LimitRules(4, (Limit("a", 5, 60_000, 2), Limit("b", 5, 60_000, 3)), Credits(100, None, 1))


def test_a_limit_that_keeps_its_name_keeps_its_count() -> None:
    """New names begin with nothing used, also one that was removed before."""
    changed = replace_limits(RULES, parse_limits([MINUTE | {"name": "b", "limit": 9}, MINUTE | {"name": "c"}]))
    assert changed.revision == 5
    assert changed.limits == (Limit("b", 9, 60_000, 3), Limit("c", 5, 60_000, 5))
    assert changed.credits == RULES.credits
    again = replace_limits(changed, parse_limits([MINUTE | {"name": "a"}]))
    assert again.limits == (Limit("a", 5, 60_000, 6),)
    assert replace_limits(again, parse_limits([MINUTE | {"name": "a"}])) is again


def test_an_amount_is_the_new_balance() -> None:
    """Without it, the balance stays; a refill that stays keeps the time it was set."""
    refill = {"amount": 7, "every": "day"}
    first = replace_credits(NO_RULES, {"amount": 10, "refill": refill}, NOW)
    assert first.credits == Credits(10, Refill(7, "day", 0, "UTC", NOW), 1)
    same = replace_credits(first, {"refill": refill}, NOW + 1)
    assert same is first
    changed = replace_credits(first, {"refill": refill | {"hour": 3}}, NOW + 1)
    assert changed.credits == Credits(10, Refill(7, "day", 3, "UTC", NOW + 1), 1)
    begun = replace_credits(changed, {"amount": 10}, NOW + 2)
    assert begun.credits == Credits(10, Refill(7, "day", 3, "UTC", NOW + 1), 3)
    assert replace_credits(begun, {"refill": None}, NOW).credits == Credits(10, None, 3)
    assert replace_credits(begun, None, NOW).credits is None
    with pytest.raises(Invalid):
        replace_credits(NO_RULES, {"refill": refill}, NOW)


def test_a_reset_clears_the_named_counts() -> None:
    """All without names; a name that is not there is invalid."""
    assert [limit.epoch for limit in reset_limits(RULES, None).limits] == [5, 5]
    assert [limit.epoch for limit in reset_limits(RULES, ["b"]).limits] == [2, 5]
    for names in ([], ["c"], ["credits"]):
        with pytest.raises(Invalid):
            reset_limits(RULES, names)
    with pytest.raises(Conflict):
        reset_limits(NO_RULES, None)


def test_a_top_up_adds_within_bounds() -> None:
    """The sum of all grants stays a number that headers can hold."""
    assert add_credits(RULES, 5).credits == Credits(105, None, 1)
    bad: list[Any] = [0, -5, MAX_UNITS + 1, True, 1.5]
    for amount in bad:
        with pytest.raises(Invalid):
            add_credits(RULES, amount)
    full = LimitRules(1, (), Credits(MAX_GRANTED - 5))
    assert add_credits(full, 5).credits == Credits(MAX_GRANTED)
    with pytest.raises(Invalid):
        add_credits(full, 6)
    with pytest.raises(Conflict):
        add_credits(NO_RULES, 5)


@pytest.mark.parametrize(
    ("after", "allows_more"),
    [
        (RULES, False),
        (replace_limits(RULES, parse_limits([MINUTE | {"name": "a", "limit": 4}, MINUTE | {"name": "b"}])), False),
        (replace_limits(RULES, (*RULES.limits, Limit("c", 1, 1_000))), False),
        (replace_limits(RULES, parse_limits([MINUTE | {"name": "a", "limit": 6}, MINUTE | {"name": "b"}])), True),
        (replace_limits(RULES, parse_limits([MINUTE | {"name": "a", "window": "2m"}, MINUTE | {"name": "b"}])), True),
        (replace_limits(RULES, RULES.limits[:1]), True),
        (reset_limits(RULES, ["a"]), True),
        (add_credits(RULES, 1), True),
        (replace_credits(RULES, {"amount": 1}, NOW), True),
        (replace_credits(RULES, {"refill": {"amount": 1, "every": "day"}}, NOW), True),
        (replace_credits(RULES, None, NOW), True),
        (NO_RULES, True),
    ],
)
def test_what_allows_more(after: LimitRules, allows_more: bool) -> None:
    """A change that lets no request through that was refused before is no gain for the key."""
    assert loosens(RULES, after) is allows_more
    assert not loosens(NO_RULES, after)


def test_changed_budgets_are_an_event() -> None:
    """With the budgets before and after, as callers write them."""
    before, after = LimitRules(1, budgets=(Budget("b", 5),)), LimitRules(2)
    assert [name for name, _ in list_changes("key", before, after)] == ["key_budgets_changed"]
    assert loosens(before, after)
    assert not loosens(after, before)
