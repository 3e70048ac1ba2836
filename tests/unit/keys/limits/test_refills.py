"""The calendar of refills: one a day or month, at a local hour, through changes of the clock."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.clock import DAY_MS, MINUTE_MS, from_rfc3339, to_rfc3339
from ari.keys.limits.refills import last_refill_day, next_refill_ms
from ari.keys.limits.rules import Refill

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
REFILLS = st.builds(
    Refill,
    amount=st.just(1),
    every=st.sampled_from(["day", "month"]),
    hour=st.integers(0, 23),
    time_zone=st.sampled_from(ZONES),
)
TIMES = st.integers(from_rfc3339("2005-01-01T00:00:00Z"), from_rfc3339("2035-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("at", "refill", "day", "following"),
    [
        ("2026-11-29T12:00:00Z", Refill(1, "day"), "2026-11-29", "2026-11-30T00:00:00.000Z"),
        ("2026-11-29T12:00:00Z", Refill(1, "day", 13), "2026-11-28", "2026-11-29T13:00:00.000Z"),
        ("2026-11-29T12:00:00Z", Refill(1, "day", 13, "Europe/Berlin"), "2026-11-29", "2026-11-30T12:00:00.000Z"),
        ("2026-12-01T00:00:00Z", Refill(1, "month"), "2026-12-01", "2027-01-01T00:00:00.000Z"),
        ("2026-11-30T23:59:59Z", Refill(1, "month"), "2026-11-01", "2026-12-01T00:00:00.000Z"),
        # 02:00 does not exist in Berlin on this day, and exists twice on the other.
        ("2026-03-29T00:59:59Z", Refill(1, "day", 2, "Europe/Berlin"), "2026-03-28", "2026-03-29T01:00:00.000Z"),
        ("2026-10-25T00:30:00Z", Refill(1, "day", 2, "Europe/Berlin"), "2026-10-25", "2026-10-26T01:00:00.000Z"),
        # Samoa had no 30 December 2011.
        ("2011-12-30T09:59:00Z", Refill(1, "day", 0, "Pacific/Apia"), "2011-12-29", "2011-12-30T10:00:00.000Z"),
        ("2011-12-30T10:00:00Z", Refill(1, "day", 0, "Pacific/Apia"), "2011-12-31", "2011-12-31T10:00:00.000Z"),
    ],
)
def test_known_days(at: str, refill: Refill, day: str, following: str) -> None:
    """By the local clock; an hour that it skips is the moment of the change, one that it repeats is the first."""
    at_ms = from_rfc3339(at)
    assert date.fromordinal(last_refill_day(refill, at_ms)).isoformat() == day
    assert to_rfc3339(next_refill_ms(refill, at_ms)) == following


@given(REFILLS, TIMES)
def test_the_next_refill_is_the_first_of_another_day(refill: Refill, at_ms: int) -> None:
    """Up to it the last day stays the same, from it on it is a later one."""
    day, following_ms = last_refill_day(refill, at_ms), next_refill_ms(refill, at_ms)
    assert at_ms // MINUTE_MS < following_ms // MINUTE_MS
    assert last_refill_day(refill, following_ms - 1) == day
    assert last_refill_day(refill, following_ms) > day
    assert following_ms - at_ms <= (32 if refill.every == "month" else 2) * DAY_MS


@given(REFILLS, TIMES, TIMES)
def test_days_are_in_order(refill: Refill, one_ms: int, other_ms: int) -> None:
    """A later time never has an earlier day, so a day that was filled stays filled."""
    first_ms, last_ms = sorted((one_ms, other_ms))
    assert last_refill_day(refill, first_ms) <= last_refill_day(refill, last_ms)


def test_a_zone_without_data_is_utc() -> None:
    """A node without the data still refills, on the same days."""
    at_ms = from_rfc3339("2026-11-29T12:00:00Z")
    unknown = Refill(1, "day", 3, "Mars/Olympus_Mons")
    assert next_refill_ms(unknown, at_ms) == from_rfc3339("2026-11-30T03:00:00Z")
    assert last_refill_day(unknown, at_ms) == datetime(2026, 11, 29, tzinfo=UTC).toordinal()
