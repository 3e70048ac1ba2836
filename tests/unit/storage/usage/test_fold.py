"""The staging file of SQLite: callers never wait long for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ari.instance import Instance
from ari.storage.engine import STAGING_FILE
from ari.storage.usage import fold
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.usage import KEY, make_row, read_sums


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as found:
        yield found


def _frames(instance: Instance) -> int:
    """The length of the staging file's WAL, in pages."""
    with closing(sqlite3.connect(instance.settings.data_dir / STAGING_FILE)) as connection:
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(frames)


def _commit(instance: Instance, commits: int) -> None:
    for _ in range(commits):
        instance.database.usage.commit(Batch([make_row()]))


def test_a_checkpoint_lets_the_wal_restart(instance: Instance) -> None:
    """However many commits there were, so that no caller's commit checkpoints."""
    _commit(instance, 30)
    instance.database.usage.checkpoint()
    _commit(instance, 1)
    assert _frames(instance) < 10


def test_entries_leave_in_small_steps_and_all_of_them(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """For any number of entries per step; none is counted twice."""
    monkeypatch.setattr(fold, "MAX_DELETED", 4)
    for count in (1, 4, 5, 11):
        _commit(instance, count)
        assert instance.database.usage.fold() == count
        with closing(sqlite3.connect(instance.settings.data_dir / STAGING_FILE)) as connection:
            assert connection.execute("SELECT count(*) FROM usage_staging").fetchone() == (0,)
    assert read_sums(instance.database) == {KEY: (21, 0)}
