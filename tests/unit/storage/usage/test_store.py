"""The usage log as a whole: a read sees every commit, and a fault never quotes what a caller sent."""

import pytest
from sqlalchemy import text

from ari.base.clock import MINUTE_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.usage.fold import Folder
from ari.usage.model import Attempt, KeyTotals
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row, rows_of


def test_every_read_sees_what_was_committed_before_it(instance: Instance) -> None:
    """Also what no fold has moved yet: a caller's request is in the log before its response."""
    store = instance.database.usage
    first, second = make_row(), make_row(START_MS + 1, code="expired")
    store.commit(Batch([first]))
    assert store.totals([KEY, OTHER_KEY]) == {KEY: KeyTotals(1, 0, START_MS, START_MS)}
    store.commit(Batch([second]))
    assert store.totals([KEY, OTHER_KEY]) == {KEY: KeyTotals(1, 1, START_MS, START_MS)}


def test_attempts_begin_with_a_whole_minute(instance: Instance) -> None:
    """The newest minute first, and in it the largest count."""
    minute = START_MS - START_MS % MINUTE_MS
    counts = [
        Attempt(minute, "unknown", "a", 1),
        Attempt(minute, "missing", "b", 2),
        Attempt(minute - 1, "unknown", "a"),
    ]
    store = instance.database.usage
    store.commit(Batch([], [], [*counts, Attempt(minute + MINUTE_MS, "unknown", "a")]))
    found = [(one.at_ms, one.address, one.count) for one in store.attempts(minute + 7, 9)]
    assert found == [(minute + MINUTE_MS, "a", 1), (minute, "b", 2), (minute, "a", 1)]
    assert len(store.attempts(minute, 1)) == 1


def test_totals_of_more_keys_than_one_statement_takes(instance: Instance) -> None:
    """The last of many is found as well as the first."""
    ids = [f"key_{number:026d}" for number in range(1_201)]
    store = instance.database.usage
    store.commit(Batch([make_row(key_id=ids[0]), make_row(key_id=ids[-1])]))
    assert set(store.totals(ids)) == {ids[0], ids[-1]}


def test_a_fault_is_one_plain_sentence(instance: Instance) -> None:
    """The driver's own message could quote a row's texts into a response or a log."""
    store = instance.database.usage
    store.commit(Batch([make_row(path="/secret-path")]))
    with instance.database.log.begin() as connection:
        connection.execute(text("ALTER TABLE usage_totals RENAME TO elsewhere"))
    with pytest.raises(Unavailable) as failure:
        store.totals([KEY])
    assert "secret-path" not in str(failure.value)
    assert failure.value.__suppress_context__


def test_a_log_that_cannot_be_folded_can_still_be_read(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk stops folds; the owner still sees the log."""
    store = instance.database.usage
    store.commit(Batch([make_row()]))
    store.fold_all()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "fold", full)
    assert store.totals([KEY])[KEY].request_count == 1
    assert len(rows_of(instance.database)) == 1
    with pytest.raises(Unavailable, match="No space left"):
        store.fold_all()
