"""Bars: within their frame, on each other, with their labels."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, from_rfc3339
from ari.usage import spans
from ari.usage.reports.summary import Counts
from ari.usage.spans import CodeCount, Span, Unit
from ari.web import charts

START_MS = from_rfc3339("2026-11-23T00:00:00Z")


def _counts(unit: Unit, hours: int, *counts: CodeCount, zone: str = "UTC") -> Counts:
    span = Span("custom", START_MS, START_MS + hours * HOUR_MS, unit, zone)
    return Counts(span, spans.count_parts(span, counts), spans.by_code(counts))


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (9, 10), (11, 20), (41, 50), (130, 200), (999_999, 10**6)],
)
def test_the_scale_ends_in_a_round_number(highest: int, top: int) -> None:
    """With a whole number at its half."""
    assert charts.round_up(highest) == top


def test_refused_are_above_accepted() -> None:
    """The heights are shares of the scale, and both together end where the scale says."""
    chart = charts.draw_bars(_counts("hour", 2, CodeCount(START_MS, "ok", 3), CodeCount(START_MS, "expired", 1)))
    bar, empty = chart.bars
    assert chart.scale == [4, 2, 0]
    assert (bar.refused_y, bar.refused_height, bar.accepted_y) == ("0%", "25%", "25%")
    assert (bar.x, empty.x, chart.bar_width) == ("0%", "50%", "50%")
    assert (empty.accepted, empty.refused, empty.accepted_y) == (0, 0, "100%")
    assert not chart.is_empty
    assert charts.draw_bars(_counts("hour", 2)).is_empty
    assert charts.draw_bars(_counts("hour", 2), 40).scale == [40, 20, 0]
    many = _counts("hour", 2, CodeCount(START_MS, "ok", 7))
    assert charts.find_highest([_counts("hour", 2), many]) == charts.draw_bars(many).scale[0] == 10


def test_labels_are_of_the_viewers_zone() -> None:
    """Hours, days and weeks; below the chart a few of them."""
    hours = charts.draw_bars(_counts("hour", 24, zone="Europe/Berlin"))
    assert hours.bars[0].label == "Mon, Nov 23, 01:00"
    assert [label.text for label in hours.labels][:2] == ["01:00", "05:00"]
    assert [(label.x, label.is_first) for label in hours.labels][:2] == [("0%", True), ("18.75%", False)]
    days = charts.draw_bars(_counts("day", 24 * 30))
    assert days.bars[1].label == "Tue, Nov 24"
    assert len(days.labels) <= 7
    assert charts.draw_bars(_counts("day", 24 * 7)).labels[0].x == "7.14%"
    weeks = charts.draw_bars(_counts("week", 24 * 30))
    assert [bar.label for bar in weeks.bars][:2] == ["Week of Nov 23", "Week of Nov 30"]
    assert weeks.bars[1].since_ms == START_MS + 7 * DAY_MS
