"""Commits pause only where folds can't keep up, and never for long."""

import pytest

from ari.base.errors import Unavailable
from ari.usage.back_pressure import MAX_PAUSE_SECONDS, BackPressure
from tests.support.clock import FrozenClock


def _pauses(*backlogs: int | Exception) -> list[float]:
    """The pause at each of these backlogs, with a limit of 1,000; one is what reading it raises."""
    clock, left = FrozenClock(0), list(backlogs)

    def count() -> int:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    pressure = BackPressure(count, 1_000, clock.monotonic)
    pauses = []
    for _ in backlogs:
        clock.advance(1)
        pauses += [pressure.pause_seconds(), pressure.pause_seconds()]
    assert pauses[::2] == pauses[1::2]  # asked once a second
    return pauses[::2]


def test_the_pause_grows_with_the_backlog() -> None:
    """From nothing at a tenth of the limit to its longest at the limit, and ends with the backlog."""
    half = MAX_PAUSE_SECONDS / 2
    assert _pauses(0, 100, 550, 1_000, 9_000, 99) == [0, 0, half, MAX_PAUSE_SECONDS, MAX_PAUSE_SECONDS, 0]


def test_a_small_excess_costs_milliseconds() -> None:
    """What slows 64 callers at once to 7,000 requests a second is a thousandth of the limit's pause for each row."""
    [pause] = _pauses(117)
    assert 0.009 < pause < 0.010


@pytest.mark.parametrize("error", [Unavailable("gone"), OSError("gone"), ValueError("a defect")])
def test_a_backlog_that_cannot_be_read_slows_nobody(error: Exception) -> None:
    """The commit itself reports the database. Without the thread that pauses, nothing would be logged any more."""
    assert _pauses(2_000, error) == [MAX_PAUSE_SECONDS, 0]
