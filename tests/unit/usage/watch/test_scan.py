"""One process scans about once a minute, and what it finds is recorded once (``test_year.py`` plays a year of it)."""

from typing import Any

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.usage.watch.model import Limits, WatchFinding
from ari.usage.watch.scan import Scan, WatchState, begin, find, find_scanned_ms, record
from tests.unit.usage.watch.fakes import FakeUnit, FakeUse
from tests.unit.usage.watch.samples import NOW_MS

FOUND = WatchFinding("key_expiring", "key_a", {}, {"mark": DAY_MS})


def _due(tx: Any, now_ms: int) -> Scan:
    due = begin(tx, now_ms)
    assert due is not None
    return due


def test_the_first_scan_only_notes_when_the_watch_began() -> None:
    """An instance that was upgraded must not report its whole past at once."""
    tx: Any = FakeUnit()
    use: Any = FakeUse()
    due = _due(tx, NOW_MS)
    assert find(tx, use, due, Limits()) == []
    assert find_scanned_ms(tx) is None
    assert record(tx, due, [])
    assert find_scanned_ms(tx) == NOW_MS
    assert begin(tx, NOW_MS + MINUTE_MS - 1) is None
    assert _due(tx, NOW_MS + MINUTE_MS).window.since_ms == NOW_MS


def test_of_two_processes_one_records() -> None:
    """The owner gets one email of it."""
    tx: Any = FakeUnit()
    record(tx, _due(tx, NOW_MS), [])
    first, second = (_due(tx, NOW_MS + MINUTE_MS) for _ in range(2))
    assert record(tx, first, [FOUND])
    assert not record(tx, second, [FOUND])
    assert [event.name for event in tx.events.page(None, None, 10)] == ["key_expiring"]
    assert tx.list_muted(NOW_MS + DAY_MS) == {"mark"}


def test_a_scan_that_was_interrupted_is_made_up_for() -> None:
    """The next one begins where the last recorded one ended."""
    tx: Any = FakeUnit()
    record(tx, _due(tx, NOW_MS), [])
    _due(tx, NOW_MS + MINUTE_MS)
    assert _due(tx, NOW_MS + 2 * MINUTE_MS).window.since_ms == NOW_MS


def test_a_clock_that_was_set_back_does_not_stop_the_watch() -> None:
    """It goes on from the present, not when the old time comes again."""
    tx: Any = FakeUnit()
    record(tx, _due(tx, NOW_MS), [])
    window = _due(tx, NOW_MS - DAY_MS).window
    assert window.since_ms == window.now_ms == NOW_MS - DAY_MS


def test_the_state_is_read_as_it_is_written() -> None:
    """It is stored as text."""
    state = WatchState(1, 2, 3)
    assert WatchState.parse(str(state)) == state
