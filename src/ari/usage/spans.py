"""Spans of time for reports, and their parts: hours, days or weeks in the viewer's time zone.

Rollups are by UTC hour, so every span begins and ends with one. In a zone with a half-hour offset, days begin at the
UTC hour before.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.errors import Invalid, Problem
from ari.keys.reasons import ACCEPTED
from ari.usage.model import HourCount

Unit = Literal["hour", "day", "week"]
UNITS: tuple[Unit, ...] = ("hour", "day", "week")
PRESETS: dict[str, int] = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
"""The spans that end now, in days."""
DEFAULT_PRESET = "7d"
MAX_DAYS = 400
_MAX_PARTS = 400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_370_764_800_000
"""The start of year 9999: in every zone, dates exist before and after it."""
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_LONGEST_ZONE = 64
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """``since_ms`` ≤ at < ``until_ms``, divided by ``unit``. ``name`` is a preset or ``custom``."""

    name: str
    since_ms: int
    until_ms: int
    unit: Unit
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How many requests of one hour ended with this code, or attempts with this reason."""

    hour_ms: int
    code: str
    count: int


@lru_cache(64)
def find_zone(name: str | None) -> tzinfo:
    """The zone with this IANA name; UTC if the name is missing or unknown."""
    if name is None or len(name) > _LONGEST_ZONE or not _ZONE.fullmatch(name):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # a folder of the zone database is an OSError
        return UTC


def zone_name(name: str | None) -> str:
    """The name of the zone that ``find_zone`` returns."""
    zone = find_zone(name)
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def preset(name: str, now_ms: int, zone: str = "UTC", unit: Unit | None = None) -> Span:
    """A span that ends with the current hour: ``24h`` is 24 whole hours, ``7d`` is today and the six days before.

    Raises ``Invalid`` for a name not in ``PRESETS``.
    """
    days = PRESETS.get(name)
    if days is None:
        raise Invalid(Problem("range", f"Choose one of {', '.join(PRESETS)}, or enter dates."))
    until_ms = _hour(now_ms) + HOUR_MS
    if days == 1:
        return _with_unit(Span(name, until_ms - DAY_MS, until_ms, "hour", zone), unit)
    today = _local_date(now_ms, zone)
    return _with_unit(Span(name, _midnight(today - timedelta(days=days - 1), zone), until_ms, "day", zone), unit)


def between_dates(first: str, last: str, now_ms: int, zone: str = "UTC", unit: Unit | None = None) -> Span:
    """Whole days in the viewer's zone, including both. Raises ``Invalid``."""
    begin, end = _date("from", first), _date("to", last)
    if end < begin:
        raise Invalid(Problem("to", "The last day can't be before the first."))
    if begin > _local_date(now_ms, zone):
        raise Invalid(Problem("from", "The first day is in the future."))
    if (end - begin).days >= MAX_DAYS:
        raise Invalid(Problem("from", f"Choose at most {MAX_DAYS} days."))
    until_ms = min(_midnight(end + timedelta(days=1), zone), _hour(now_ms) + HOUR_MS)
    return _with_unit(Span("custom", _midnight(begin, zone), until_ms, "day", zone), unit)


def bounds_of_dates(first: str | None, last: str | None, zone: str = "UTC") -> tuple[int | None, int | None]:
    """The start of the first and the end of the last of these days in the viewer's zone. Raises ``Invalid``."""
    begin = None if first is None else _date("from", first)
    end = None if last is None else _date("to", last)
    if begin is not None and end is not None and end < begin:
        raise Invalid(Problem("to", "The last day can't be before the first."))
    since_ms = None if begin is None else _midnight(begin, zone)
    return since_ms, None if end is None else _midnight(end + timedelta(days=1), zone)


def between(since_ms: int, until_ms: int, zone: str = "UTC", unit: Unit | None = None) -> Span:
    """The whole hours around these times, by hour for two days or less.

    Raises ``Invalid`` if empty, too long, or outside 1970–9998.
    """
    for field, at_ms in (("until", until_ms), ("since", since_ms)):
        if not 0 <= at_ms <= _LAST_MS:
            raise Invalid(Problem(field, "Use a time between the years 1970 and 9998."))
    if until_ms <= since_ms:
        raise Invalid(Problem("until", "Must be after since."))
    if until_ms - since_ms > MAX_DAYS * DAY_MS:
        raise Invalid(Problem("since", f"Choose at most {MAX_DAYS} days."))
    default: Unit = "hour" if until_ms - since_ms <= 2 * DAY_MS else "day"
    span = Span("custom", _hour(since_ms), -_hour(-until_ms), default, zone)
    return _with_unit(span, unit)


def units_of(span: Span) -> tuple[Unit, ...]:
    """The units that divide the span into at least two parts and no more than a chart can show."""
    hours = (span.until_ms - span.since_ms) // HOUR_MS
    fitting: list[Unit] = []
    for unit, length in (("hour", 1), ("day", 24), ("week", 168)):
        if hours <= _MAX_PARTS * length and (hours > length or unit == "hour"):
            fitting.append(unit)  # type: ignore[arg-type]  # the names above are units
    return tuple(fitting)


def starts(span: Span) -> list[int]:
    """The start of each part. The first begins with the span, the others with an hour, a day or a Monday."""
    if span.unit == "hour":
        return list(range(span.since_ms, span.until_ms, HOUR_MS))
    found = [span.since_ms]
    day = _local_date(span.since_ms, span.zone)
    step = timedelta(days=1)
    if span.unit == "week":
        day -= timedelta(days=day.weekday())
        step = timedelta(days=7)
    while True:
        day += step
        start = _midnight(day, span.zone)
        if start >= span.until_ms:
            return found
        if start > found[-1]:
            found.append(start)


def count_parts(span: Span, counts: Iterable[CodeCount]) -> list[HourCount]:
    """Accepted and refused requests of every part, including empty ones; ``hour_ms`` is its start."""
    begins = starts(span)
    parts = [[0, 0] for _ in begins]
    for one in counts:
        place = bisect_right(begins, one.hour_ms) - 1
        if place >= 0 and one.hour_ms < span.until_ms:
            parts[place][0 if one.code == ACCEPTED else 1] += one.count
    return [HourCount(begin, *part) for begin, part in zip(begins, parts, strict=True)]


def by_code(counts: Iterable[CodeCount]) -> list[tuple[str, int]]:
    """The counts of each code, the largest first."""
    sums: dict[str, int] = {}
    for one in counts:
        sums[one.code] = sums.get(one.code, 0) + one.count
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


def top(counts: Sequence[tuple[str, int]], most: int) -> tuple[list[tuple[str, int]], int]:
    """The first ``most`` of the sorted counts, and the sum of the others."""
    return list(counts[:most]), sum(count for _, count in counts[most:])


def local_date(at_ms: int, zone: str) -> date:
    """The date in the viewer's zone."""
    return _local_date(at_ms, zone)


def local_time(at_ms: int, zone: str) -> datetime:
    """The time in the viewer's zone."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(find_zone(zone))


def _with_unit(span: Span, unit: Unit | None) -> Span:
    fitting = units_of(span)
    if unit in fitting:
        return replace(span, unit=unit)
    return span if span.unit in fitting else replace(span, unit=fitting[0])


def _date(field: str, text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            found = date.fromisoformat(text)
            if 1970 < found.year < 9999:
                return found
    except ValueError:
        pass
    raise Invalid(Problem(field, "Enter a date such as 2027-01-31."))


def _local_date(at_ms: int, zone: str) -> date:
    return local_time(at_ms, zone).date()


def _midnight(day: date, zone: str) -> int:
    moment = datetime(day.year, day.month, day.day, tzinfo=find_zone(zone))
    return _hour(round((moment - _EPOCH).total_seconds() * 1000))


def _hour(at_ms: int) -> int:
    return at_ms - at_ms % HOUR_MS
