"""The days of a small chart."""

from ari.base.clock import DAY_MS
from ari.usage.reports.daily import CHART_DAYS, Day, every_day, first_day_ms

MIDNIGHT = 1_800_057_600_000 - 1_800_057_600_000 % DAY_MS


def test_every_day_is_there_and_today_is_the_last() -> None:
    """Fourteen days by UTC, those without requests too."""
    now_ms = MIDNIGHT + 5
    days = every_day([Day(MIDNIGHT, 3, 1), Day(MIDNIGHT - 20 * DAY_MS, 9)], now_ms)
    assert len(days) == CHART_DAYS
    assert days[0] == Day(first_day_ms(now_ms)) == Day(MIDNIGHT - 13 * DAY_MS)
    assert days[-1] == Day(MIDNIGHT, 3, 1)
    assert sum(day.accepted for day in days) == 3
