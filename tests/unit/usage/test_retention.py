import threading
from collections.abc import Generator

from ari.base.clock import DAY_MS
from ari.usage.retention import remove_old
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS
from tests.unit.usage.fakes import FakeStore


class _Pauses(threading.Event):
    """Remembers how long it was waited for; set after so many times."""

    def __init__(self, most: int = 99) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(timeout)
        return len(self.waited) >= self._most


def test_zero_days_mean_for_ever() -> None:
    """The store is not even asked."""
    store = FakeStore()
    store.removals = [5]
    assert remove_old(store, FrozenClock(START_MS), 0, threading.Event()) == 0


def test_the_cutoff_is_so_many_days_ago() -> None:
    """And what went is summed up."""
    asked: list[int] = []

    class Store(FakeStore):
        def remove_before(self, before_ms: int) -> Generator[int]:
            asked.append(before_ms)
            yield from (500, 200)

    assert remove_old(Store(), FrozenClock(START_MS), 90, _Pauses()) == 700
    assert asked == [START_MS - 90 * DAY_MS]


def test_it_rests_four_times_as_long_as_it_works() -> None:
    """So it never takes more than a fifth of what the disk can do, however slow that is."""
    clock, pauses = FrozenClock(START_MS), _Pauses()

    class Store(FakeStore):
        def remove_before(self, before_ms: int) -> Generator[int]:
            for seconds in (0.5, 0, 2):
                clock.advance(seconds)
                yield 1

    remove_old(Store(), clock, 1, pauses)
    assert pauses.waited == [2, 0.01, 8]


def test_it_stops_after_its_present_step() -> None:
    """And lets the lock go, so that another can go on."""
    closed: list[bool] = []

    class Store(FakeStore):
        def remove_before(self, before_ms: int) -> Generator[int]:
            try:
                yield from (500, 500, 500)
            finally:
                closed.append(True)

    assert remove_old(Store(), FrozenClock(START_MS), 1, _Pauses(2)) == 1_000
    assert closed == [True]
