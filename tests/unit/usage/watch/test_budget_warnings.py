"""Warnings of budgets: one finding for each, and none that was reported."""

from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.rules import Budget, Increase, LimitRules
from ari.usage.watch.budget_warnings import BudgetWarning, compare_to_limits, find_budget_warnings

WARNING = BudgetWarning("con_1", "monthly", 0, 80, "money", 20_400_000, 25_000_000, 5)


def test_a_warning_is_a_finding_about_its_owner() -> None:
    """With the amounts as callers write them."""
    [finding] = find_budget_warnings([WARNING], {"con_1": {"name": "ana"}}, set())
    assert (finding.name, finding.subject) == ("budget_threshold_reached", "con_1")
    assert finding.detail == {
        "name": "ana",
        "budget": "monthly",
        "threshold": 80,
        "used_percent": 81,
        "used_usd": "20.40",
        "used_tokens": None,
        "limit_usd": "25.00",
        "limit_tokens": None,
    }
    assert list(finding.marks) == [WARNING.mark]


def test_thresholds_that_were_reached_together_are_one_finding() -> None:
    """The highest, in any order; the others are muted with it."""
    some = [WARNING, WARNING._replace(threshold=50, used=13_000_000), WARNING._replace(threshold=100, used=22_000_000)]
    for warnings in (some, some[::-1]):
        [finding] = find_budget_warnings(warnings, {}, set())
        assert (finding.detail["threshold"], finding.detail["used_usd"]) == (100, "22.00")
        assert set(finding.marks) == {one.mark for one in some}


def test_a_reported_warning_is_muted() -> None:
    """The same threshold of another period, or another threshold, is not."""
    muted = {WARNING.mark}
    others = [WARNING._replace(period_ms=1), WARNING._replace(threshold=100), WARNING._replace(owner_id="con_2")]
    assert len(find_budget_warnings([WARNING, *others], {}, muted)) == 3


def test_a_warning_that_an_increase_made_false_is_dropped() -> None:
    """One that is still true has the current limit; one of a budget that was removed stays."""
    half, refused = WARNING._replace(threshold=50), WARNING._replace(threshold=100)

    def compare(amount: int, increase: int) -> list[BudgetWarning]:
        budget = Budget("monthly", amount, increases=(Increase(increase),) if increase else ())
        return compare_to_limits([half, WARNING, refused], [RuleOwner("con_1", LimitRules(1, budgets=(budget,)))], 5)

    assert compare(25_000_000, 0) == [half, WARNING, refused]
    assert compare(20_000_000, 0) == [half, WARNING, refused]
    assert compare(25_000_000, 10_000_000) == [half._replace(amount=35_000_000)]
    assert compare(25_000_000, 50_000_000) == []
    assert compare_to_limits([WARNING], [RuleOwner("con_1", LimitRules(1))], 5) == [WARNING]


def test_a_threshold_that_is_reached_again_after_an_increase_is_reported() -> None:
    """Its amount is another one."""
    assert len(find_budget_warnings([WARNING._replace(amount=30_000_000)], {}, {WARNING.mark})) == 1
