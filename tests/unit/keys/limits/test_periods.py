"""The periods of budgets: each moment has one, and together they cover all time in every time zone."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.clock import DAY_MS, HOUR_MS, from_rfc3339, to_rfc3339
from ari.keys.limits.periods import ALL_TIME, find_period
from ari.keys.limits.rules import Budget, Period

CALENDAR: tuple[Period, ...] = ("day", "week", "month")
LONGEST_MS = {"day": 2 * DAY_MS, "week": 8 * DAY_MS, "month": 32 * DAY_MS}


def make_budget(period: Period, time_zone: str = "UTC") -> Budget:
    return Budget("b", 1, period=period, time_zone=time_zone)


@given(
    st.sampled_from(CALENDAR),
    st.sampled_from(sorted(available_timezones() - {"localtime"})),
    st.integers(from_rfc3339("1990-01-01T00:00:00Z"), from_rfc3339("2037-01-01T00:00:00Z")),
)
def test_each_moment_has_one_period(period: Period, time_zone: str, at_ms: int) -> None:
    """The period holds the moment, and all of its moments have the same period; the next one begins at its end."""
    budget = make_budget(period, time_zone)
    begins_ms, ends_ms = find_period(budget, at_ms)
    assert ends_ms is not None
    assert begins_ms <= at_ms < ends_ms <= begins_ms + LONGEST_MS[period]
    for moment in (begins_ms, (begins_ms + ends_ms) // 2, ends_ms - 1):
        assert find_period(budget, moment) == (begins_ms, ends_ms)
    assert find_period(budget, ends_ms).begins_ms == ends_ms
    assert find_period(budget, begins_ms - 1).ends_ms == begins_ms


@pytest.mark.parametrize(
    ("period", "time_zone", "at", "begins", "ends"),
    [
        ("month", "UTC", "2026-11-29T12:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("month", "Asia/Tokyo", "2026-11-30T15:00:00Z", "2026-11-30T15:00:00Z", "2026-12-31T15:00:00Z"),
        ("month", "America/New_York", "2026-12-01T04:59:59Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
        ("week", "Europe/Berlin", "2026-11-29T22:59:59Z", "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z"),
        ("week", "Europe/Berlin", "2026-11-29T23:00:00Z", "2026-11-29T23:00:00Z", "2026-12-06T23:00:00Z"),
    ],
)
def test_periods_follow_the_calendar_of_their_time_zone(
    period: Period, time_zone: str, at: str, begins: str, ends: str
) -> None:
    """The end of a month in another time zone, and a week that begins on Monday there."""
    found = find_period(make_budget(period, time_zone), from_rfc3339(at))
    assert found.ends_ms is not None
    assert [to_rfc3339(moment)[:19] for moment in found if moment is not None] == [begins[:19], ends[:19]]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_are_shorter_and_longer_when_the_clock_changes(day: str, hours: int) -> None:
    """The daily budget of such a day lasts 23 or 25 hours."""
    found = find_period(make_budget("day", "Europe/Berlin"), from_rfc3339(f"{day}T12:00:00Z"))
    assert found.ends_ms is not None
    assert found.ends_ms - found.begins_ms == hours * HOUR_MS


def test_a_period_that_never_ends() -> None:
    """For totals and rolling budgets, and for a clock that is thousands of years off."""
    assert find_period(make_budget("total"), 0) == ALL_TIME
    assert find_period(make_budget("rolling"), 0) == ALL_TIME
    assert find_period(make_budget("day"), 2**53) == ALL_TIME
    assert find_period(make_budget("day"), 0) == ALL_TIME
