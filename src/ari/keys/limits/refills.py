"""The calendar of refills. A day that the clock repeats or skips in part is still one day, with one refill."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ari.base.clock import MINUTE_MS
from ari.keys.limits.rules import Refill

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH = timedelta(days=31)


def last_refill_day(refill: Refill, at_ms: int) -> int:
    """The day of the last refill up to this minute, as an ordinal of ``date``.

    It identifies the refill: a day is filled once, whatever clocks, time zones and their rules do later.
    """
    return _around(refill, at_ms // MINUTE_MS)[0]


def next_refill_ms(refill: Refill, at_ms: int) -> int:
    """The time of the refill after this minute."""
    return _around(refill, at_ms // MINUTE_MS)[1]


@lru_cache(maxsize=1_024)
def _around(refill: Refill, minute: int) -> tuple[int, int]:
    """Cached: 20 µs that each request with credits would cost."""
    at_ms = minute * MINUTE_MS
    zone = find_zone(refill.time_zone)
    today = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()
    for day, following in pairwise(_days(refill, today)):
        time_ms = _time_ms(following, refill.hour, zone)
        if time_ms > at_ms:
            return day.toordinal(), time_ms
    raise AssertionError("the days reach past any time zone's offset")


def _days(refill: Refill, today: date) -> Iterator[date]:
    """The days of refills around today, from one that is certainly over to one that certainly lies ahead."""
    if refill.every == "day":
        yield from (today + timedelta(days=offset) for offset in range(-2, 4))
        return
    month = today.replace(day=1)
    yield (month - timedelta(days=1)).replace(day=1)
    yield month
    for _ in range(2):
        month = (month + _MONTH).replace(day=1)
        yield month


def _time_ms(day: date, hour: int, zone: ZoneInfo) -> int:
    """An hour that the clock skips counts as the moment of the change, one that it repeats as the first."""
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    return (moment - EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=1_024)
def find_zone(name: str) -> ZoneInfo:
    """UTC where this machine lacks the zone's data: a refill at another hour is better than none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
