"""The amounts used of one budget: the state that its owner's counter stores.

- A request reserves its estimated amount before it is sent, and settles the real amount afterwards.
- A reservation that is never settled stays used: the provider may charge for a request whose sender was killed.
- An amount belongs to the period in which it was reserved, however late it is settled.
"""

from typing import Literal, NamedTuple

import msgspec

from ari.base.clock import MINUTE_MS
from ari.keys.limits.periods import find_period
from ari.keys.limits.rules import Budget, Unit
from ari.keys.limits.window import Window

Threshold = Literal[50, 80, 100]
THRESHOLDS: tuple[Threshold, ...] = (50, 80, 100)
"""The percentages of a budget whose use causes a warning, once in each period."""

MAX_AMOUNT = 2**42
"""The most that one request reserves or settles: 4.4 million US dollars. Callers and providers choose the numbers."""
_MAX_USED = 2**62
"""The most that counts as used, so that no database and no sum overflows: the commit is shared by all requests."""


class Amounts(NamedTuple):
    """Amounts of one request: millionths of a US dollar, and tokens."""

    money: int
    tokens: int

    def of(self, unit: Unit) -> int:
        """The amount in this unit, at most ``MAX_AMOUNT``."""
        return min(MAX_AMOUNT, self.money if unit == "money" else self.tokens)


NOTHING = Amounts(0, 0)


class Held(NamedTuple):
    """The amount that one request has reserved from one budget, by the time of its counter."""

    owner_id: str
    name: str
    unit: Unit
    amount: int
    at_ms: int
    lease_minute: int
    epoch: int


class Shortage(NamedTuple):
    """The amount that a request asks of a budget, what is left of it, and all of it with its increases."""

    asked: int
    left: int
    limit: int


class Crossing(NamedTuple):
    """A budget of which a threshold was reached, in the period that began at ``period_ms``."""

    owner_id: str
    name: str
    threshold: Threshold
    period_ms: int
    unit: Unit
    used: int
    limit: int


class BudgetState(NamedTuple):
    """A budget as its owner sees it, named with the owner's prefix. ``limit`` has the increases of this period.

    ``used`` includes ``reserved``, the estimates of requests that are still running. ``ends_ms`` is when the period
    ends, or when a rolling budget has more again; ``None`` = never, or nothing is used.
    """

    name: str
    budget: Budget
    limit: int
    used: int
    reserved: int
    ends_ms: int | None

    @property
    def remaining(self) -> int:
        """The amount that is left, never less than nothing."""
        return max(0, self.limit - self.used)

    @property
    def increase(self) -> int:
        """The one-time increases of this period."""
        return self.limit - self.budget.amount


class Spending(msgspec.Struct, omit_defaults=True):
    """The amounts of one budget.

    ``period_ms`` is when the current period began, ``since_ms`` the time from which reservations are in ``used``: it is
    earlier if the period was changed. ``reserved`` has amounts in use by the minute in which their lease ends.
    ``window`` is there for a rolling budget only. ``reached`` is the last threshold that caused a warning.
    """

    epoch: int = 0
    period_ms: int = 0
    since_ms: int = 0
    spent: int = 0
    reserved: dict[int, int] = {}
    window: Window | None = None
    reached: int = 0

    @property
    def used(self) -> int:
        """All that counts now, with what is reserved."""
        return self.spent if self.window is None else self.window.used

    @property
    def in_flight(self) -> int:
        """The part of ``used`` that requests which may still run have reserved."""
        return min(self.used, sum(self.reserved.values()))

    def follow(self, budget: Budget, at_ms: int) -> None:
        """Take over a changed period; what was used stays used."""
        if budget.period == "rolling":
            if self.window is None:
                self.window = Window(budget.window_ms)
                self.window.add(self.spent, at_ms)
                self.spent = 0
            elif self.window.window_ms != budget.window_ms:
                self.window.resize(budget.window_ms, at_ms)
        elif self.window is not None:
            self.window.advance(at_ms)
            self.spent, self.window = self.window.used, None
        self.period_ms = find_period(budget, at_ms).begins_ms

    def take_increase(self, limit: int) -> None:
        """Let thresholds be reached again after the budget was increased to this limit."""
        if self.reached:
            self.reached = min(self.reached, find_threshold(self.used - self.in_flight, limit) or 0)

    def advance(self, budget: Budget, at_ms: int) -> None:
        """Move to this time: end leases, and begin a period if the one before is over."""
        minute = at_ms // MINUTE_MS
        if self.reserved and min(self.reserved) < minute:
            self.reserved = {ends: amount for ends, amount in self.reserved.items() if ends >= minute}
        if self.window is not None:
            self.window.advance(at_ms)
            if self.window.used * 100 < budget.find_limit(at_ms) * THRESHOLDS[0]:
                self.reached = 0
            return
        period_ms = find_period(budget, at_ms).begins_ms
        if period_ms != self.period_ms:
            self.period_ms = self.since_ms = period_ms
            self.spent, self.reserved, self.reached = 0, {}, 0

    def add(self, amount: int, at_ms: int, lease_minute: int) -> None:
        """Reserve an amount."""
        amount = min(amount, _MAX_USED - self.used)
        if amount > 0:
            self._count(amount, at_ms)
            self.reserved[lease_minute] = self.reserved.get(lease_minute, 0) + amount

    def settle(self, held: Held, amount: int, at_ms: int) -> bool:
        """Replace a reservation by the real amount. Returns whether it still counts."""
        if held.epoch != self.epoch or held.at_ms < self.since_ms:
            return False
        left = self.reserved.pop(held.lease_minute, 0) - held.amount
        if left > 0:
            self.reserved[held.lease_minute] = left
        change = min(amount - held.amount, _MAX_USED - self.used)
        if self.window is not None:
            self.window.adjust(change, held.at_ms, at_ms)
        else:
            self.spent = max(0, self.spent + change)
        return True

    def find_wait(self, budget: Budget, amount: int, at_ms: int) -> int | None:
        """Milliseconds until the amount fits; 0 if it does now, ``None`` if it never does. Nothing always fits."""
        limit = budget.find_limit(at_ms)
        if not amount or self.used + amount <= limit:
            return 0
        if amount > budget.amount:
            return None
        if self.window is not None:
            fits_at_ms = self.window.find_fit(amount, limit)
            return None if fits_at_ms is None else max(1, fits_at_ms - at_ms)
        ends_ms = find_period(budget, at_ms).ends_ms
        return None if ends_ms is None else ends_ms - at_ms

    def describe(self, prefix: str, budget: Budget, at_ms: int) -> BudgetState:
        """The state now."""
        ends_ms = find_period(budget, at_ms).ends_ms if self.window is None else self.window.frees_at()
        limit = budget.find_limit(at_ms)
        return BudgetState(prefix + budget.name, budget, limit, self.used, self.in_flight, ends_ms)

    def find_crossing(self, owner_id: str, budget: Budget, at_ms: int, *, refuses: bool) -> Crossing | None:
        """The highest threshold that was reached since the last call. What is only reserved does not count.

        A hard budget that ``refuses`` requests after 80 % counts as used up: its last request rarely fits exactly.
        """
        limit, used = budget.find_limit(at_ms), self.used - self.in_flight
        found = find_threshold(used, limit)
        if refuses and found == 80:
            found = 100
        if found is None or found <= self.reached:
            return None
        self.reached = found
        period_ms = at_ms if self.window is not None else self.period_ms
        return Crossing(owner_id, budget.name, found, period_ms, budget.unit, used, limit)

    def _count(self, amount: int, at_ms: int) -> None:
        if self.window is None:
            self.spent += amount
        else:
            self.window.add(amount, at_ms)


def find_threshold(used: int, limit: int) -> Threshold | None:
    """The highest threshold that this amount reaches."""
    return next((one for one in reversed(THRESHOLDS) if used * 100 >= limit * one), None)
