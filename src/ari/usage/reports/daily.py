"""The requests of each of the last days, for the small charts of a list."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ari.base.clock import DAY_MS

CHART_DAYS = 14


class Day(NamedTuple):
    """The requests of the day that begins at ``day_ms``, by UTC."""

    day_ms: int
    accepted: int = 0
    refused: int = 0


class DailyUse(Protocol):
    """What the charts ask the usage log."""

    def days(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[Day]]:
        """The days with requests of each key, from the day of ``since_ms`` on; one query whatever the number."""


def first_day_ms(now_ms: int) -> int:
    """Where the chart begins; today is its last day."""
    return now_ms - now_ms % DAY_MS - (CHART_DAYS - 1) * DAY_MS


def every_day(found: Sequence[Day], now_ms: int) -> list[Day]:
    """The days of the chart, those without requests among them."""
    by_day: Mapping[int, Day] = {day.day_ms: day for day in found}
    first = first_day_ms(now_ms)
    return [by_day.get(at_ms, Day(at_ms)) for at_ms in range(first, first + CHART_DAYS * DAY_MS, DAY_MS)]
