"""The small chart of a row: daily requests as bars, refused ones on top, and the same in words."""

from collections.abc import Sequence
from typing import NamedTuple

from ari.usage.daily import CHART_DAYS, Day
from ari.web import words

HEIGHT = 28
_STEP = 8
_BAR = 6
WIDTH = _STEP * CHART_DAYS - (_STEP - _BAR)
_LEAST = 2.0
"""A bar that stands for anything is seen."""


class Bar(NamedTuple):
    """A rectangle of the picture; ``kind`` colours it: ``accepted`` or ``refused``."""

    x: int
    y: float
    height: float
    kind: str


class Chart(NamedTuple):
    """``text`` says what the picture shows; no bars: there were no requests."""

    bars: list[Bar]
    text: str
    width: int = WIDTH
    bar_width: int = _BAR
    height: int = HEIGHT


def chart_of(days: Sequence[Day]) -> Chart:
    """The picture of these days, each chart in a scale of its own."""
    most = max((day.accepted + day.refused for day in days), default=0)
    bars: list[Bar] = []
    for place, day in enumerate(days):
        top = float(HEIGHT)
        for kind, count in (("accepted", day.accepted), ("refused", day.refused)):
            if count:
                height = max(_LEAST, round(count / most * (HEIGHT - _LEAST), 1))
                height = min(height, top)
                top = round(top - height, 1)
                bars.append(Bar(place * _STEP, top, height, kind))
    return Chart(bars, _words(days))


def _words(days: Sequence[Day]) -> str:
    accepted, refused = sum(day.accepted for day in days), sum(day.refused for day in days)
    if not accepted + refused:
        return f"No requests in {len(days)} days"
    busiest = max(days, key=lambda day: day.accepted + day.refused)
    most = f"most on {words.day(busiest.day_ms)}: {busiest.accepted + busiest.refused:,}"
    said = f"{words.counted(accepted, 'request')} in {len(days)} days, {most}"
    return said + (f"; {refused:,} refused" if refused else "")
