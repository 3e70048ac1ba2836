"""The rules of a key, a consumer, a provider or the instance: rate limits, credits and budgets."""

from typing import Literal

import msgspec

Unit = Literal["money", "tokens"]
Period = Literal["day", "week", "month", "rolling", "total"]

CREDITS = "credits"
"""The reserved name under which credits are counted."""


class Limit(msgspec.Struct, frozen=True):
    """At most ``limit`` units in any ``window_ms`` milliseconds.

    ``epoch`` is the revision of the rules that began the count: a higher one clears the counter.
    """

    name: str
    limit: int
    window_ms: int
    epoch: int = 0


class Refill(msgspec.Struct, frozen=True):
    """Raises the balance to ``amount`` each day, or on the first day of each month, at ``hour`` in ``time_zone``.

    Only days that begin after ``since_ms`` refill, the time at which the rule was set.
    """

    amount: int
    every: Literal["day", "month"]
    hour: int = 0
    time_zone: str = "UTC"
    since_ms: int = 0


class Credits(msgspec.Struct, frozen=True):
    """Units to use up: the balance is ``granted``, plus what refills added, less what was consumed.

    ``epoch`` is as in ``Limit``.
    """

    granted: int
    refill: Refill | None = None
    epoch: int = 0


class Increase(msgspec.Struct, frozen=True):
    """Raises a budget by ``amount`` once, until ``ends_ms``, the end of a period; ``None`` = for all time."""

    amount: int
    ends_ms: int | None = None


class Budget(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most ``amount`` in each period: millionths of a US dollar, or tokens of AI models.

    Days, weeks (from Monday) and months are those of ``time_zone``; ``rolling`` is any ``window_ms`` milliseconds. Only
    a hard budget refuses requests. ``epoch`` is as in ``Limit``.
    """

    name: str
    amount: int
    unit: Unit = "money"
    period: Period = "month"
    window_ms: int = 0
    time_zone: str = "UTC"
    is_hard: bool = True
    increases: tuple[Increase, ...] = ()
    epoch: int = 0

    def find_limit(self, at_ms: int) -> int:
        """The amount with the increases that hold at this time."""
        return self.amount + sum(one.amount for one in self.increases if one.ends_ms is None or at_ms < one.ends_ms)


class LimitRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """All rules of one owner. ``revision`` grows with each change, so that counters keep the newest rules."""

    revision: int = 0
    limits: tuple[Limit, ...] = ()
    credits: Credits | None = None
    budgets: tuple[Budget, ...] = ()

    def __bool__(self) -> bool:
        return self.counts_requests or bool(self.budgets)

    @property
    def counts_requests(self) -> bool:
        """Whether each request consumes units. Budgets count AI requests only."""
        return bool(self.limits) or self.credits is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a request can consume."""
        return (*(limit.name for limit in self.limits), *((CREDITS,) if self.credits is not None else ()))


NO_RULES = LimitRules()
