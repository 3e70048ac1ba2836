"""The counter of one owner of rules: how much of its limits, credits and budgets is used.

- Its time never runs backward while anything is counted, whatever the clock does.
- It keeps the newest rules it has seen: a request that read the rules before a change is decided by the changed ones.
"""

from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from ari.base.clock import MINUTE_MS
from ari.keys.limits.refills import last_refill_day, next_refill_ms
from ari.keys.limits.rules import CREDITS, Budget, Credits, Limit, LimitRules
from ari.keys.limits.spending import Amounts, BudgetState, Crossing, Held, Shortage, Spending
from ari.keys.limits.window import Window


class Remaining(msgspec.Struct, frozen=True):
    """The units left under one name. For credits, ``limit`` is the refill, or all that was granted, without a window.

    ``more_in_ms`` is how long it takes until there is more; ``None`` if nothing is used, or credits have no refill.
    """

    name: str
    remaining: int
    limit: int
    window_ms: int | None = None
    more_in_ms: int | None = None


class Exceeded(msgspec.Struct, frozen=True):
    """A name that lacks units; ``wait_ms`` until they fit, ``None`` if waiting never helps.

    ``limit`` is ``None`` for credits and budgets.
    """

    name: str
    reason: Literal["rate_limited", "credits_exhausted", "budget_exhausted"]
    wait_ms: int | None
    limit: Limit | None = None
    budget: Budget | None = None
    shortage: Shortage | None = None


class Balance(msgspec.Struct):
    """The state of credits; ``filled_day`` is the day of the last refill, so that none happens twice."""

    epoch: int = 0
    consumed: int = 0
    refilled: int = 0
    filled_day: int = 0

    def refill(self, rules: Credits, at_ms: int) -> int:
        """Add the refill that is due, if any. Returns what is left."""
        left, rule = rules.granted + self.refilled - self.consumed, rules.refill
        if rule is None:
            return left
        day = last_refill_day(rule, at_ms)
        if day > self.filled_day and day > last_refill_day(rule, rule.since_ms):
            added = max(0, rule.amount - left)
            self.filled_day, self.refilled = day, self.refilled + added
            left += added
        return left


class Counter(msgspec.Struct):
    """The state of all limits, credits and budgets of one owner, as it is stored."""

    at_ms: int = 0
    rules: LimitRules = LimitRules(revision=-1)
    windows: dict[str, Window] = {}
    balance: Balance | None = None
    spending: dict[str, Spending] = {}

    def advance(self, rules: LimitRules, now_ms: int) -> None:
        """Move to this time and take over these rules, each unless the counter is already further."""
        self.at_ms = max(self.at_ms, now_ms)
        if rules.revision > self.rules.revision:
            self._take_over(rules, now_ms)
        for window in self.windows.values():
            window.advance(self.at_ms)
        for budget in self.rules.budgets:
            self.spending[budget.name].advance(budget, self.at_ms)

    def find_exceeded(self, units: int, names: Collection[str] | None) -> Iterator[Exceeded]:
        """The names under which so many units do not fit. ``names`` ``None`` = all."""
        at_ms = self.at_ms
        for limit in self.rules.limits:
            if names is None or limit.name in names:
                fits_at_ms = self.windows[limit.name].find_fit(units, limit.limit)
                if fits_at_ms != 0:
                    wait_ms = None if fits_at_ms is None else fits_at_ms - at_ms
                    yield Exceeded(limit.name, "rate_limited", wait_ms, limit)
        left = self._find_credits()
        if left is not None and units > left and (names is None or CREDITS in names):
            refill = None if self.rules.credits is None else self.rules.credits.refill
            helps = refill is not None and units <= refill.amount
            wait_ms = next_refill_ms(refill, at_ms) - at_ms if refill is not None and helps else None
            yield Exceeded(CREDITS, "credits_exhausted", wait_ms)

    def find_exhausted(self, amounts: Amounts) -> Iterator[Exceeded]:
        """The hard budgets without room for these amounts."""
        for budget in self.rules.budgets:
            if budget.is_hard:
                spending, asked = self.spending[budget.name], amounts.of(budget.unit)
                wait_ms = spending.find_wait(budget, asked, self.at_ms)
                if wait_ms != 0:
                    limit = budget.find_limit(self.at_ms)
                    shortage = Shortage(asked, max(0, limit - spending.used), limit)
                    yield Exceeded(budget.name, "budget_exhausted", wait_ms, budget=budget, shortage=shortage)

    def reserve(self, owner_id: str, amounts: Amounts, lease_ms: int) -> Iterator[Held]:
        """Reserve the amounts in all budgets, for as long as the request may take."""
        lease_minute = -(-(self.at_ms + lease_ms) // MINUTE_MS)
        for budget in self.rules.budgets:
            amount = amounts.of(budget.unit)
            spending = self.spending[budget.name]
            spending.add(amount, self.at_ms, lease_minute)
            yield Held(owner_id, budget.name, budget.unit, amount, self.at_ms, lease_minute, spending.epoch)

    def settle(self, held: Held, amount: int) -> bool:
        """Replace a reservation by the real amount. Returns whether it still counts."""
        spending = self.spending.get(held.name)
        return spending is not None and spending.settle(held, amount, self.at_ms)

    def list_crossings(self, owner_id: str, refusing: Collection[str] = ()) -> list[Crossing]:
        """The thresholds of budgets that were reached since the last call; ``refusing`` names those without room."""
        found = [
            self.spending[one.name].find_crossing(owner_id, one, self.at_ms, refuses=one.name in refusing)
            for one in self.rules.budgets
        ]
        return [crossing for crossing in found if crossing is not None]

    def list_budgets(self, prefix: str) -> list[BudgetState]:
        """The state of each budget now."""
        return [self.spending[one.name].describe(prefix, one, self.at_ms) for one in self.rules.budgets]

    def consume(self, units: int, names: Collection[str] | None) -> dict[str, int]:
        """Count the units under all of these names. Returns them by name."""
        used: dict[str, int] = {}
        for name, window in self.windows.items():
            if names is None or name in names:
                window.add(units, self.at_ms)
                used[name] = units
        if self.balance is not None and (names is None or CREDITS in names):
            self.balance.consumed += units
            used[CREDITS] = units
        return used

    def list_remaining(self) -> list[Remaining]:
        """The units left now, limits first."""
        at_ms, found = self.at_ms, []
        for limit in self.rules.limits:
            window = self.windows[limit.name]
            left, frees_at_ms = max(0, limit.limit - window.used), window.frees_at()
            more_in_ms = None if frees_at_ms is None else frees_at_ms - at_ms
            found.append(Remaining(limit.name, left, limit.limit, limit.window_ms, more_in_ms))
        rule = self.rules.credits
        credits_left = self._find_credits()
        if rule is not None and credits_left is not None:
            refill = rule.refill
            whole = rule.granted if refill is None else refill.amount
            refills = refill is not None and credits_left < refill.amount
            more_in_ms = next_refill_ms(refill, at_ms) - at_ms if refill is not None and refills else None
            found.append(Remaining(CREDITS, credits_left, whole, None, more_in_ms))
        return found

    def _find_credits(self) -> int | None:
        """The credits left, ``None`` if there are none to count."""
        rule = self.rules.credits
        if rule is None or self.balance is None:
            return None
        return max(0, self.balance.refill(rule, self.at_ms))

    def _take_over(self, rules: LimitRules, now_ms: int) -> None:
        windows: dict[str, Window] = {}
        for limit in rules.limits:
            window = self.windows.get(limit.name)
            if window is None or window.epoch < limit.epoch:
                window = Window(limit.window_ms, limit.epoch)
            elif window.window_ms != limit.window_ms:
                window.resize(limit.window_ms, self.at_ms)
            windows[limit.name] = window
        balance = self.balance if rules.credits is not None else None
        if rules.credits is not None and (balance is None or balance.epoch < rules.credits.epoch):
            balance = Balance(rules.credits.epoch)
        spending = {budget.name: self._follow(budget) for budget in rules.budgets}
        if not any(window.used for window in windows.values()) and not any(one.used for one in spending.values()):
            self.at_ms = now_ms  # a reset also ends the effect of a clock that was far ahead
        self.rules, self.windows, self.balance, self.spending = rules, windows, balance, spending

    def _follow(self, budget: Budget) -> Spending:
        spending = self.spending.get(budget.name)
        if spending is None or spending.epoch < budget.epoch:
            spending = Spending(budget.epoch)
        else:
            before = next(one for one in self.rules.budgets if one.name == budget.name)
            spending.advance(before, self.at_ms)
            if (limit := budget.find_limit(self.at_ms)) > before.find_limit(self.at_ms):
                spending.take_increase(limit)
        spending.follow(budget, self.at_ms)
        return spending
