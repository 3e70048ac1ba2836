"""The small chart of a row: bars inside their picture, and the same in words."""

from ari.base.clock import DAY_MS
from ari.usage.daily import Day
from ari.web.pages.settings_api.chart import HEIGHT, WIDTH, chart_of

START = 1_800_057_600_000


def days(*counts: tuple[int, int]) -> list[Day]:
    """One day after the other."""
    return [Day(START + place * DAY_MS, *count) for place, count in enumerate(counts)]


def test_bars_stay_inside_and_refused_ones_stand_on_top() -> None:
    """Also when one count dwarfs the others, which are still seen."""
    chart = chart_of(days((1_000_000, 1), (0, 5), (1, 0), *[(0, 0)] * 10, (3, 3)))
    assert all(0 <= bar.y <= bar.y + bar.height <= HEIGHT and bar.height > 0 for bar in chart.bars)
    assert all(0 <= bar.x <= WIDTH - chart.bar_width for bar in chart.bars)
    assert [bar.kind for bar in chart.bars] == ["accepted", "refused", "refused", "accepted", "accepted", "refused"]
    below, above = chart.bars[0], chart.bars[1]
    assert above.y + above.height == below.y


def test_the_words_say_what_the_picture_shows() -> None:
    """For those who do not see it."""
    assert chart_of(days((3, 0), (1_200, 4))).text == "1,203 requests in 2 days, most on 17 Jan: 1,204; 4 refused"
    assert chart_of(days((1, 0), (0, 0))).text == "1 request in 2 days, most on 16 Jan: 1"


def test_no_requests_are_no_picture() -> None:
    """Words alone."""
    assert not chart_of(days((0, 0))).bars
    assert chart_of(days(*[(0, 0)] * 14)).text == "No requests in 14 days"
