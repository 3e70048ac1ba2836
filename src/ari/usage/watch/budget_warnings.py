"""A budget is used to 50, 80 or 100 percent: reported once for each in a period.

Commits store the warnings together with the counter that reached the threshold, so none is lost. A warning is removed
after it was reported, and its mark keeps it from being reported twice if the process dies in between.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ari.base.clock import DAY_MS
from ari.usage.watch.model import MutedMarks

REMEMBERED_MS = 400 * DAY_MS


class BudgetWarning(NamedTuple):
    """A threshold, in percent, that a budget reached in the period that began at ``period_ms``.

    ``used`` and ``amount`` are in the budget's unit: millionths of a US dollar, or tokens.
    """

    owner_id: str
    name: str
    period_ms: int
    threshold: int
    used: int
    amount: int
    at_ms: int

    @property
    def mark(self) -> str:
        """Identifies the threshold of this period."""
        return f"budget:{self.owner_id}:{self.name}:{self.period_ms}:{self.threshold}"


def find_reported(warnings: Iterable[BudgetWarning], muted: MutedMarks) -> list[BudgetWarning]:
    """The warnings that were reported and can be removed."""
    return [one for one in warnings if one.mark in muted]
