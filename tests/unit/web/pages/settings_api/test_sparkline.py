"""The small chart of a row: bars inside their picture, and the same in words."""

import re

from ari.base.clock import DAY_MS
from ari.usage.reports.daily import Day
from ari.web.pages.settings_api.sparkline import HEIGHT, WIDTH, draw_sparkline

START = 1_800_057_600_000


def days(*counts: tuple[int, int]) -> list[Day]:
    """One day after the other."""
    return [Day(START + place * DAY_MS, *count) for place, count in enumerate(counts)]


def bars(shape: str) -> list[tuple[int, int, int]]:
    """Left, top and height of each bar of a shape."""
    return [(int(x), int(y), int(high)) for x, y, high in re.findall(r"M(\d+) (\d+)h6v(\d+)h-6z", shape)]


def test_bars_stay_inside_and_refused_ones_are_on_top() -> None:
    """Also when one count dwarfs the others, which are still seen."""
    chart = draw_sparkline(days((1_000_000, 1), (0, 5), (1, 0), *[(0, 0)] * 10, (3, 3)))
    accepted, refused = bars(chart.accepted), bars(chart.refused)
    assert [x for x, _, _ in accepted] == [0, 16, 104]
    assert [x for x, _, _ in refused] == [0, 8, 104]
    for x, top, height in accepted + refused:
        assert 0 <= x <= WIDTH - 6
        assert height > 0
        assert 0 <= top <= top + height <= HEIGHT
    assert refused[0][1] + refused[0][2] == accepted[0][1]


def test_the_words_say_what_the_picture_shows() -> None:
    """For those who do not see it."""
    assert (
        draw_sparkline(days((3, 0), (1_200, 4))).text
        == "1,203 requests allowed, 4 refused in 2 days; most on Jan 17: 1,204"
    )
    assert draw_sparkline(days((1, 0), (0, 0))).text == "1 request allowed in 2 days; most on Jan 16: 1"


def test_no_requests_are_no_picture() -> None:
    """Words alone."""
    assert not draw_sparkline(days((0, 0))).accepted + draw_sparkline(days((0, 0))).refused
    assert draw_sparkline(days(*[(0, 0)] * 14)).text == "No requests in 14 days"
