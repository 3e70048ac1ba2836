"""The periods of budgets: days, weeks and months of a time zone."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.keys.limits.refills import EPOCH, find_zone
from ari.keys.limits.rules import Budget, Period

_LAST_MS = 250_000_000_000_000
"""In the year 9892; later dates are more than ``date`` can hold."""


class BudgetPeriod(NamedTuple):
    """``begins_ms`` ≤ time < ``ends_ms``; without an end for all time."""

    begins_ms: int
    ends_ms: int | None


ALL_TIME = BudgetPeriod(0, None)


def find_period(budget: Budget, at_ms: int) -> BudgetPeriod:
    """The period that holds this time: all time for a total, for a rolling budget, and by a clock that is far off."""
    if budget.period in ("rolling", "total") or not DAY_MS <= at_ms < _LAST_MS:
        return ALL_TIME
    return _find_period(budget.period, budget.time_zone, at_ms // MINUTE_MS)


@lru_cache(maxsize=1_024)
def _find_period(period: Period, time_zone: str, minute: int) -> BudgetPeriod:
    """Cached: 20 µs that each AI request would cost. No zone changes its offset within a minute."""
    today = (EPOCH + timedelta(minutes=minute)).astimezone(find_zone(time_zone)).date()
    first = today
    if period == "week":
        first -= timedelta(days=today.weekday())
    elif period == "month":
        first = today.replace(day=1)
    after = _next(period, first)
    begins_ms, ends_ms = _midnight_ms(first, time_zone), _midnight_ms(after, time_zone)
    # A day whose midnight the clock repeats: the second midnight belongs to the day that has begun.
    if minute * MINUTE_MS >= ends_ms:
        return BudgetPeriod(ends_ms, _midnight_ms(_next(period, after), time_zone))
    return BudgetPeriod(begins_ms, ends_ms)


def _next(period: Period, first: date) -> date:
    if period == "day":
        return first + timedelta(days=1)
    if period == "week":
        return first + timedelta(days=7)
    return (first + timedelta(days=31)).replace(day=1)


def _midnight_ms(day: date, time_zone: str) -> int:
    """A midnight that the clock skips counts as the moment of the change, one that it repeats as the first."""
    moment = datetime(day.year, day.month, day.day, tzinfo=find_zone(time_zone))
    return (moment - EPOCH) // timedelta(milliseconds=1)
