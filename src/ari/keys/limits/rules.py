"""The rules of a key or consumer: rate limits and credits."""

from typing import Literal

import msgspec

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


class LimitRules(msgspec.Struct, frozen=True):
    """All rules of one key or consumer. ``revision`` grows with each change, so that counters keep the newest rules."""

    revision: int = 0
    limits: tuple[Limit, ...] = ()
    credits: Credits | None = None

    def __bool__(self) -> bool:
        return bool(self.limits) or self.credits is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a request can consume."""
        return (*(limit.name for limit in self.limits), *((CREDITS,) if self.credits is not None else ()))


NO_RULES = LimitRules()
