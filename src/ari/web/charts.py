"""Bar charts as templates draw them. Positions are in percent, so a chart is as wide as its column."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ari.usage import spans
from ari.usage.model import HourCount
from ari.usage.reports.summary import Counts
from ari.usage.spans import Span, Unit
from ari.web.words import DateShape, date_text

_MAX_LABELS = 7
_MAX_WIDE_BARS = 12
"""Of more bars, the label of the first begins at the edge: centered, it would reach into the scale."""
_STEPS = (1, 2, 4, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of the span, which begins at ``x``; ``y`` is the distance from the top."""

    label: str
    since_ms: int
    accepted: int
    refused: int
    x: str
    accepted_y: str
    refused_y: str
    refused_height: str


class Label(NamedTuple):
    """A date below a bar; ``shape`` lets a script show it in the viewer's locale.

    One that ``is_first`` begins at ``x``, others are centered there.
    """

    x: str
    text: str
    at_ms: int
    shape: DateShape
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars, the numbers of the scale from the top, and labels below some of the bars; dates are in ``zone``."""

    bars: list[Bar]
    bar_width: str
    scale: list[int]
    labels: list[Label]
    unit: Unit
    zone: str

    @property
    def is_empty(self) -> bool:
        return not any(bar.accepted or bar.refused for bar in self.bars)


def draw_bars(counts: Counts, highest: int | None = None) -> BarChart:
    """The chart of these counts; ``highest`` is the top of the scale, if not that of the highest bar."""
    span, parts = counts.span, counts.parts
    highest = find_highest([counts]) if highest is None else highest
    bars = [_bar(span, part, number, len(parts), highest) for number, part in enumerate(parts)]
    return BarChart(
        bars, _percent(100 / len(parts)), [highest, highest // 2, 0], _labels(span, parts), span.unit, span.zone
    )


def find_highest(charted: Iterable[Counts]) -> int:
    """The top of a scale for all of these counts."""
    return round_up(max(part.accepted_count + part.refused_count for counts in charted for part in counts.parts))


def round_up(highest: int) -> int:
    """The next round, even number."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= highest and step * power % 2 == 0:
                return step * power
        power *= 10


def _bar(span: Span, part: HourCount, number: int, parts: int, highest: int) -> Bar:
    accepted, refused = (100 * count / highest for count in (part.accepted_count, part.refused_count))
    return Bar(
        label_of(span, part.hour_ms),
        part.hour_ms,
        part.accepted_count,
        part.refused_count,
        _percent(100 * number / parts),
        _percent(100 - accepted),
        _percent(100 - accepted - refused),
        _percent(refused),
    )


def label_of(span: Span, at_ms: int) -> str:
    """``Mon, Nov 23``, ``Mon, Nov 23, 14:00``, ``Week of Nov 23``."""
    return date_text(spans.local_time(at_ms, span.zone), span.unit)


def _labels(span: Span, parts: list[HourCount]) -> list[Label]:
    """Short labels for some of the bars, evenly spaced."""
    every = -(-len(parts) // _MAX_LABELS)
    shape: DateShape = "time" if span.unit == "hour" and len(parts) <= 48 else "date"
    labels = []
    for number in range(0, len(parts), every):
        at_ms = parts[number].hour_ms
        text = date_text(spans.local_time(at_ms, span.zone), shape)
        is_first = number == 0 and len(parts) > _MAX_WIDE_BARS
        x = "0%" if is_first else _percent((number + 0.5) * 100 / len(parts))
        labels.append(Label(x, text, at_ms, shape, is_first))
    return labels


def _percent(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") + "%"
