"""The small chart of a table row: daily requests as bars, refused ones on top, and a text that says the same."""

from collections.abc import Sequence
from typing import NamedTuple

from ari.usage.reports.daily import CHART_DAYS, Day
from ari.web import words

HEIGHT = 28
_STEP = 8
_BAR = 6
WIDTH = _STEP * CHART_DAYS - (_STEP - _BAR)
_LEAST = 2
"""The height of the smallest bar."""


class Sparkline(NamedTuple):
    """Two SVG paths, empty without requests; ``text`` describes them."""

    accepted: str
    refused: str
    text: str
    width: int = WIDTH
    height: int = HEIGHT


def draw_sparkline(days: Sequence[Day]) -> Sparkline:
    """The chart of these days, on its own scale."""
    most = max((day.accepted + day.refused for day in days), default=0)
    shapes = {"accepted": "", "refused": ""}
    for place, day in enumerate(days):
        top = HEIGHT
        for kind, count in (("accepted", day.accepted), ("refused", day.refused)):
            if count:
                height = min(top, max(_LEAST, round(count / most * (HEIGHT - _LEAST))))
                top -= height
                shapes[kind] += f"M{place * _STEP} {top}h{_BAR}v{height}h-{_BAR}z"
    return Sparkline(shapes["accepted"], shapes["refused"], _words(days))


def _words(days: Sequence[Day]) -> str:
    accepted, refused = sum(day.accepted for day in days), sum(day.refused for day in days)
    if not accepted + refused:
        return f"No requests in {len(days)} days"
    busiest = max(days, key=lambda day: day.accepted + day.refused)
    counts = f"{words.pluralize(accepted, 'request')} allowed" + (f", {refused:,} refused" if refused else "")
    most = f"most on {words.day(busiest.day_ms)}: {busiest.accepted + busiest.refused:,}"
    return f"{counts} in {len(days)} days; {most}"
