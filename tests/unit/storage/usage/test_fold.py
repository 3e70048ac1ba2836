"""The staging file of SQLite: callers never wait long for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import event

from ari.instance import Instance
from ari.storage.engine import STAGING_FILE
from ari.storage.usage import fold
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.usage import KEY, make_row, read_sums, rows_of


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


def test_a_running_fold_lets_the_wal_restart(instance: Instance) -> None:
    """It copies its entries first: a fold that read the staging file to its end would keep all commits in the WAL."""
    _commit(instance, 30)
    store, frames = instance.database.usage, list[int]()

    @event.listens_for(instance.database.folder.engine, "before_cursor_execute")
    def _commit_meanwhile(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO usage_totals") and not frames:
            store.checkpoint()
            _commit(instance, 1)
            frames.append(_frames(instance))

    assert store.fold() == 30
    assert 0 < frames[0] < 10
    assert store.fold() == 1
    assert read_sums(instance.database) == {KEY: (31, 0)}


def test_a_request_of_a_new_version_has_no_text_for_what_is_usual(instance: Instance) -> None:
    """Its id is two numbers; its request id and path are left out where they are the id and the route."""
    usual, own = (
        make_row(path="/api/me", route="/api/me"),
        make_row(request_id="own", path="/api/keys/1", route="/api/keys"),
    )
    instance.database.usage.commit(Batch([replace(usual, request_id=usual.id), own]))
    with closing(sqlite3.connect(instance.settings.data_dir / STAGING_FILE)) as connection:
        staged = connection.execute("SELECT id, request_id, path FROM usage_staging ORDER BY seq").fetchall()
    assert staged == [(None, None, None), (None, "own", "/api/keys/1")]
    assert {row.id: row.path for row in rows_of(instance.database)} == {usual.id: "/api/me", own.id: "/api/keys/1"}


def test_entries_leave_in_small_steps_and_all_of_them(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """For any number of entries per step; none is counted twice."""
    monkeypatch.setattr(fold, "MAX_DELETED", 4)
    for count in (1, 4, 5, 11):
        _commit(instance, count)
        assert instance.database.usage.fold() == count
        with closing(sqlite3.connect(instance.settings.data_dir / STAGING_FILE)) as connection:
            assert connection.execute("SELECT count(*) FROM usage_staging").fetchone() == (0,)
    assert read_sums(instance.database) == {KEY: (21, 0)}
