"""Spans of time: the viewer's days and weeks, whole hours, gaps filled with zeros."""

from itertools import pairwise

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, from_rfc3339, to_rfc3339
from ari.base.errors import Invalid
from ari.usage import spans
from ari.usage.model import HourCount
from ari.usage.spans import CodeCount, Span

BERLIN = "Europe/Berlin"
NOW_MS = from_rfc3339("2026-11-23T14:20:31Z")


def at(text: str) -> int:
    return from_rfc3339(f"2026-{text}:00Z")


def test_a_day_is_24_whole_hours_with_the_present_one() -> None:
    """Whatever the zone."""
    for zone in ("UTC", BERLIN):
        span = spans.preset("24h", NOW_MS, zone)
        assert (span.since_ms, span.until_ms, span.unit) == (at("11-22T15:00"), at("11-23T15:00"), "hour")
        assert len(spans.starts(span)) == 24


@pytest.mark.parametrize(("name", "days"), [("7d", 7), ("30d", 30), ("90d", 90)])
def test_days_are_the_viewers(name: str, days: int) -> None:
    """Today so far and the days before, from local midnight, also where the clocks changed in between."""
    span = spans.preset(name, NOW_MS, BERLIN)
    starts = spans.starts(span)
    assert len(starts) == days
    assert all(spans.local_time(start, BERLIN).hour == 0 for start in starts)
    assert starts[-1] == at("11-22T23:00")
    assert span.until_ms == at("11-23T15:00")


def test_a_day_of_25_hours_is_one_day() -> None:
    """Clocks went back on 25 October."""
    span = spans.between_dates("2026-10-24", "2026-10-26", NOW_MS, BERLIN)
    starts = [*spans.starts(span), span.until_ms]
    assert [(b - a) // HOUR_MS for a, b in pairwise(starts)] == [24, 25, 24]


def test_weeks_begin_on_monday() -> None:
    """The first part begins with the span."""
    span = spans.preset("30d", NOW_MS, "UTC", "week")
    starts = spans.starts(span)
    assert starts[0] == span.since_ms
    assert [spans.local_time(start, "UTC").weekday() for start in starts[1:]] == [0] * (len(starts) - 1)
    assert span.since_ms < starts[1] <= span.since_ms + 7 * DAY_MS


def test_zones_half_an_hour_off_begin_with_the_hour_before() -> None:
    """Rollups are by hours of UTC."""
    span = spans.preset("7d", NOW_MS, "Asia/Kolkata")
    assert span.since_ms % HOUR_MS == 0
    assert spans.local_time(span.since_ms, "Asia/Kolkata").strftime("%H:%M") == "23:30"


@pytest.mark.parametrize(
    "name", [None, "", "Nowhere/City", "../../etc/passwd", "Europe", "x" * 99, "UTC\n", "posix/../x"]
)
def test_an_unknown_zone_is_utc(name: str | None) -> None:
    """A cookie may hold anything."""
    assert spans.zone_name(name) == "UTC"


def test_only_fitting_units_are_taken() -> None:
    """Neither one bar alone nor hundreds."""
    assert spans.units_of(spans.preset("24h", NOW_MS)) == ("hour",)
    assert spans.units_of(spans.preset("7d", NOW_MS)) == ("hour", "day")
    assert spans.units_of(spans.preset("90d", NOW_MS)) == ("day", "week")
    assert spans.preset("90d", NOW_MS, unit="hour").unit == "day"
    assert spans.preset("7d", NOW_MS, unit="hour").unit == "hour"
    assert spans.preset("24h", NOW_MS, unit="week").unit == "hour"
    assert spans.between_dates("2026-11-20", "2026-11-20", NOW_MS).unit == "hour"


def test_times_are_widened_to_whole_hours() -> None:
    """Rollups know no less."""
    span = spans.between(at("11-20T10:59"), at("11-20T12:01"))
    assert (span.since_ms, span.until_ms) == (at("11-20T10:00"), at("11-20T13:00"))


def test_two_days_are_listed_by_hour() -> None:
    """By day, the first 24 hours would look as if they began at midnight."""
    now = at("11-20T10:59")
    assert [spans.between(now - hours * HOUR_MS, now).unit for hours in (1, 24, 48, 49)] == ["hour"] * 3 + ["day"]
    day = spans.between(now - 24 * HOUR_MS, now)
    assert spans.starts(day)[0] == day.since_ms == at("11-19T10:00")


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-11-02", "2026-11-01", "to"),
        ("2026-12-01", "2026-12-02", "from"),
        ("2024-01-01", "2026-01-01", "from"),
        ("yesterday", "2026-11-01", "from"),
        ("2026-11-01", "2026-11-31", "to"),
        ("2026-11-01", "٢٠٢٦-١١-٠٢", "to"),
    ],
)
def test_bad_dates_are_named(first: str, last: str, field: str) -> None:
    """The sentence is next to its field."""
    with pytest.raises(Invalid) as raised:
        spans.between_dates(first, last, NOW_MS)
    assert raised.value.problems[0].location == field


def test_bad_times_and_names_are_refused() -> None:
    """At the API too."""
    for since, until in ((5, 5), (9, 5), (0, 401 * DAY_MS)):
        with pytest.raises(Invalid):
            spans.between(since, until)
    with pytest.raises(Invalid):
        spans.preset("8d", NOW_MS)


def test_gaps_are_filled_with_zeros() -> None:
    """Each count falls into the part that holds its hour; what lies outside is left out."""
    span = Span("custom", 0, 4 * HOUR_MS, "hour")
    counts = [CodeCount(HOUR_MS, "ok", 3), CodeCount(HOUR_MS, "expired", 2), CodeCount(HOUR_MS, "revoked", 1)]
    outside = [CodeCount(-HOUR_MS, "ok", 9), CodeCount(4 * HOUR_MS, "ok", 9)]
    assert spans.count_parts(span, counts + outside) == [
        HourCount(0, 0, 0),
        HourCount(HOUR_MS, 3, 3),
        HourCount(2 * HOUR_MS, 0, 0),
        HourCount(3 * HOUR_MS, 0, 0),
    ]


def test_codes_and_the_rest() -> None:
    """The largest first; what is cut off is one number."""
    counts = [CodeCount(0, "b", 2), CodeCount(1, "a", 2), CodeCount(2, "c", 1), CodeCount(3, "c", 4)]
    assert spans.by_code(counts) == [("c", 5), ("a", 2), ("b", 2)]
    assert spans.top(spans.by_code(counts), 1) == ([("c", 5)], 4)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_a_span_can_be_written_in_any_zone(zone: str) -> None:
    """Neither its own days nor those next to it leave the years that a date can have."""
    first, end = from_rfc3339("1970-01-01T00:00:00Z"), from_rfc3339("9999-01-01T00:00:00Z")
    for since_ms, until_ms in ((first, first + DAY_MS), (end - DAY_MS, end)):
        for unit in spans.UNITS:
            assert spans.starts(spans.between(since_ms, until_ms, zone, unit))
    for since_ms, until_ms, field in ((first - 1, first + 1, "since"), (end, end + 1, "until")):
        with pytest.raises(Invalid) as caught:
            spans.between(since_ms, until_ms, zone)
        assert caught.value.problems[0].location == field


def test_bounds_of_days_are_open_where_no_day_is_given() -> None:
    """Both days are included; unlike a span, they may be any time apart and in the future."""
    since_ms, until_ms = spans.bounds_of_dates("2027-01-31", "2031-02-01", "Europe/Berlin")
    assert since_ms is not None
    assert until_ms is not None
    assert to_rfc3339(since_ms) == "2027-01-30T23:00:00.000Z"
    assert to_rfc3339(until_ms) == "2031-02-01T23:00:00.000Z"
    assert spans.bounds_of_dates(None, None) == (None, None)
    for first, last in (("2027-02-01", "2027-01-31"), ("then", None), (None, "2027-02-30")):
        with pytest.raises(Invalid):
            spans.bounds_of_dates(first, last)
