"""Point reads of a SQLite file on the event loop: what was committed before the call, from the file that is there."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.storage.commit_counter import CommitCounter
from ari.storage.lookups.sqlite import SqliteLookup


@pytest.fixture
def file(data_dir: Path) -> Path:
    path = data_dir / "a b?.db"
    _write(path, "CREATE TABLE t (name TEXT PRIMARY KEY, value)", "INSERT INTO t VALUES ('a', 1)")
    return path


def _write(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in statements:
            connection.execute(statement)


def _lookup(path: Path, commits: CommitCounter | None = None) -> SqliteLookup:
    return SqliteLookup(path, "SELECT value FROM t WHERE name = ?", "It cannot be read.", commits or CommitCounter())


def test_every_call_reads_what_was_committed(file: Path) -> None:
    """Rows are never held; a missing one is ``None``."""

    async def run() -> None:
        lookup = _lookup(file)
        assert lookup.row("a") == (1,)
        assert lookup.row("b") is None
        _write(file, "UPDATE t SET value = 2", "INSERT INTO t VALUES ('b', 3)")
        assert (lookup.row("a"), lookup.row("b")) == ((2,), (3,))
        lookup.close()

    asyncio.run(run())


def test_a_commit_is_noticed_by_the_next_turn_of_the_loop(file: Path) -> None:
    """One of this process at once: its counter says so."""

    async def run() -> None:
        commits = CommitCounter()
        lookup = _lookup(file, commits)
        lookup.row("a")
        state = lookup.state
        assert lookup.is_unchanged_since(state)
        await asyncio.sleep(0)
        assert lookup.is_unchanged_since(state)
        _write(file, "UPDATE t SET value = 2")
        commits.count += 1
        assert not lookup.is_unchanged_since(state)
        state = lookup.state
        _write(file, "UPDATE t SET value = 3")
        await asyncio.sleep(0)
        assert not lookup.is_unchanged_since(state)
        lookup.close()

    asyncio.run(run())


def test_a_replaced_file_is_read_from_the_next_turn_on(file: Path, data_dir: Path) -> None:
    """An open connection would read the old one for ever; what was read from it counts no more."""

    async def run() -> None:
        lookup = _lookup(file)
        assert lookup.row("a") == (1,)
        state = lookup.state
        new = data_dir / "new.db"
        _write(new, "CREATE TABLE t (name TEXT PRIMARY KEY, value)", "INSERT INTO t VALUES ('a', 9)")
        new.replace(file)
        await asyncio.sleep(0)
        assert not lookup.is_unchanged_since(state)
        assert lookup.row("a") == (9,)
        lookup.close()

    asyncio.run(run())


def test_a_file_that_is_not_trusted_gives_no_row(file: Path) -> None:
    """It is looked at before anything is read from it."""

    def refuse(_connection: sqlite3.Connection) -> None:
        raise Unavailable("went back")

    async def run() -> None:
        lookup = _lookup(file)
        lookup.examine = refuse
        for _ in range(2):
            with pytest.raises(Unavailable, match="went back"):
                lookup.row("a")
        lookup.close()

    asyncio.run(run())


def test_nothing_is_made_or_written(file: Path, data_dir: Path) -> None:
    """A missing file is an error, not an empty database."""

    async def run() -> None:
        with pytest.raises(Unavailable, match=r"It cannot be read\."):
            _lookup(data_dir / "missing.db").row("a")
        assert not (data_dir / "missing.db").exists()
        writing = SqliteLookup(file, "DELETE FROM t WHERE name = ?", "It cannot be read.", CommitCounter())
        with pytest.raises(Unavailable):
            writing.row("a")
        lookup = _lookup(file)
        assert lookup.row("a") == (1,)
        lookup.close()

    asyncio.run(run())
