"""Reads don't wait for a large backlog: they show what is folded, and until when that is complete."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.instance import Instance
from ari.storage.usage import store
from ari.usage.model import Backlog
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, make_row


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _count(instance: Instance) -> int:
    totals = instance.usage_records.totals([KEY])
    return totals[KEY].request_count if totals else 0


def test_a_small_backlog_is_folded_by_the_read(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Committed requests are in the next read, up to the limit."""
    monkeypatch.setattr(store, "MAX_READ_ROWS", 3)
    usage = instance.database.usage
    usage.commit(Batch([make_row() for _ in range(3)]))
    assert usage.backlog().rows == 3
    assert instance.reports.complete_until_ms() is None
    assert usage.backlog() == Backlog(0, None)
    assert _count(instance) == 3


def test_a_large_backlog_is_reported(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are complete until its earliest request, whatever the order of commits; a fold completes them."""
    monkeypatch.setattr(store, "MAX_READ_ROWS", 3)
    usage = instance.database.usage
    usage.commit(Batch([make_row()]))
    assert _count(instance) == 1
    usage.commit(Batch([make_row(START_MS + n) for n in (50, 20, 70, 60)]))
    assert usage.backlog() == Backlog(4, START_MS + 50)
    assert instance.reports.complete_until_ms() == START_MS + 20
    assert _count(instance) == 1
    usage.fold_all()
    assert instance.reports.complete_until_ms() is None
    assert _count(instance) == 5


def test_a_read_does_not_wait_long_for_another_fold(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what is folded, and says so."""
    monkeypatch.setattr(store, "READ_LOCK_SECONDS", 0.05)
    usage = instance.database.usage
    usage.commit(Batch([make_row(START_MS + 5)]))
    with usage.begin_write():
        assert _count(instance) == 0
        assert instance.reports.complete_until_ms() == START_MS + 5
    assert _count(instance) == 1


def test_deleting_is_not_part_of_moving(instance: Instance) -> None:
    """Moved entries are counted once and no longer staged, before and after they are deleted."""
    usage = instance.database.usage
    usage.commit(Batch([make_row() for _ in range(5)]))
    assert (usage.move(3), usage.count_staged()) == (3, 2)
    assert (usage.move(3), usage.count_staged()) == (2, 0)
    usage.delete_folded()
    usage.delete_folded()
    assert (usage.move(3), usage.count_staged(), _count(instance)) == (0, 0, 5)
