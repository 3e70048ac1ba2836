"""A budget is used to 50, 80 or 100 percent: reported once for each in a period.

Commits store the warnings together with the counter that reached the threshold, so none is lost. A warning is removed
after it was reported, and its mark keeps it from being reported twice if the process dies in between.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ari.base.clock import DAY_MS
from ari.keys.limits.budget_fields import describe_amount
from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.rules import Unit
from ari.usage.watch.model import MutedMarks, WatchFinding

MAX_WARNINGS = 200
"""Reported by one scan."""
_REMEMBERED_MS = 400 * DAY_MS


class BudgetWarning(NamedTuple):
    """A threshold, in percent, that a budget reached in the period that began at ``period_ms``.

    ``owner_id`` is that of a key or consumer, ``provider:<name>``, or ``instance``. ``used`` and ``amount`` are in the
    budget's unit: millionths of a US dollar, or tokens.
    """

    owner_id: str
    name: str
    period_ms: int
    threshold: int
    unit: Unit
    used: int
    amount: int
    at_ms: int

    @property
    def mark(self) -> str:
        """Identifies the threshold of this period, and the amount: it is reached again after an increase."""
        return f"budget:{self.owner_id}:{self.name}:{self.period_ms}:{self.threshold}:{self.amount}"


def compare_to_limits(warnings: Sequence[BudgetWarning], rules: Sequence[RuleOwner], at_ms: int) -> list[BudgetWarning]:
    """The warnings that are still true with the limits of this time: a budget may have been increased.

    Those of a budget that is gone stay as they are.
    """
    limits = {(one.id, budget.name): budget.find_limit(at_ms) for one in rules for budget in one.rules.budgets}
    found = list[BudgetWarning]()
    for one in warnings:
        limit = limits.get((one.owner_id, one.name))
        if limit is None or limit <= one.amount:
            found.append(one)
        elif one.used * 100 >= limit * one.threshold:
            found.append(one._replace(amount=limit))
    return found


def find_budget_warnings(
    warnings: Sequence[BudgetWarning], owners: Mapping[str, Mapping[str, str]], muted: MutedMarks
) -> list[WatchFinding]:
    """One finding for each budget and period with warnings that were not reported: the highest threshold.

    ``owners`` has the name of each owner, by ID.
    """
    unreported: dict[tuple[str, str, int], list[BudgetWarning]] = {}
    for one in warnings:
        if one.mark not in muted:
            unreported.setdefault((one.owner_id, one.name, one.period_ms), []).append(one)
    return [_make_finding(some, owners.get(owner_id, {})) for (owner_id, _, _), some in unreported.items()]


def _make_finding(some: Sequence[BudgetWarning], owner: Mapping[str, str]) -> WatchFinding:
    one = max(some, key=lambda warning: warning.threshold)
    amounts = describe_amount("used", one.used, one.unit) | describe_amount("limit", one.amount, one.unit)
    share = {"threshold": one.threshold, "used_percent": one.used * 100 // one.amount}
    detail = {**owner, "budget": one.name, **share, **amounts}
    return WatchFinding(
        "budget_threshold_reached", one.owner_id, detail, {other.mark: _REMEMBERED_MS for other in some}
    )
