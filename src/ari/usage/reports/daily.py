"""Daily request counts for the small charts in lists."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ari.base.clock import DAY_MS

CHART_DAYS = 14


class Day(NamedTuple):
    """The requests of one UTC day, which begins at ``day_ms``."""

    day_ms: int
    accepted: int = 0
    refused: int = 0


class DailyUse(Protocol):
    """Queries of the usage log for these charts."""

    def days(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[Day]]:
        """The days with requests of each key, from the day of ``since_ms``, in one query."""


def first_day_ms(now_ms: int) -> int:
    """The first day of the chart, which ends today."""
    return now_ms - now_ms % DAY_MS - (CHART_DAYS - 1) * DAY_MS


def every_day(found: Sequence[Day], now_ms: int) -> list[Day]:
    """All days of the chart, including those without requests."""
    by_day: Mapping[int, Day] = {day.day_ms: day for day in found}
    first = first_day_ms(now_ms)
    return [by_day.get(at_ms, Day(at_ms)) for at_ms in range(first, first + CHART_DAYS * DAY_MS, DAY_MS)]
