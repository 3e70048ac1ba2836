"""Point reads of a SQLite file on the event loop: what was committed before the call, from the file that is there."""

import asyncio
import ctypes
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.storage.commit_counter import CommitCounter
from ari.storage.lookups.sqlite import SqliteLookup
from tests.support.interrupts import interrupt_after


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


def test_an_interrupted_statement_keeps_no_file_open(file: Path) -> None:
    """SQLite closes a connection only when no statement of it is active. The last one that is closed removes the WAL.

    The traceback is alive in between, so nothing is closed for want of references.
    """
    wal = file.with_name(f"{file.name}-wal")
    lookup = SqliteLookup(file, "SELECT value FROM t WHERE name = ?", "Gone.", CommitCounter(), lambda _end: None)
    for read in (lambda: lookup.row("a"), lookup.look):
        assert lookup.row("a") == (1,)
        assert wal.exists()
        lookup.end_tick()
        with pytest.raises(KeyboardInterrupt) as interrupted, interrupt_after("execute"):
            read()
        assert interrupted.value.__traceback__ is not None
        assert not wal.exists()
    assert lookup.row("a") == (1,)
    lookup.close()


def test_an_abandoned_lookup_is_closed_unless_it_is_in_use(file: Path) -> None:
    """It never waits: a thread may have been interrupted while it held the lookup."""
    wal = file.with_name(f"{file.name}-wal")
    lookup = SqliteLookup(file, "SELECT value FROM t WHERE name = ?", "Gone.", CommitCounter(), lambda _end: None)
    assert lookup.row("a") == (1,)
    lookup.pause()
    try:
        lookup.abandon()
    finally:
        lookup.resume()
    assert lookup.row("a") == (1,)
    lookup.abandon()
    assert not wal.exists()


def test_a_child_that_was_forked_in_c_reads_nothing(file: Path) -> None:
    """No hook closed the connection, and its locks are the parent's. The child doesn't close it either."""
    child = os.fork()  # a process with one thread: locks that others hold at a fork in C are never released
    if child == 0:
        status = 1
        try:
            status = _read_in_c_child(file)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _read_in_c_child(file: Path) -> int:
    """0 if a child refuses and leaves the parent's connection as it is."""
    lookup = SqliteLookup(file, "SELECT value FROM t WHERE name = ?", "Gone.", CommitCounter(), lambda _end: None)
    lookup.row("a")
    lookup.end_tick()
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        before = _count_descriptors()
        try:
            lookup.row("a")
        except Unavailable:
            lookup.close()
            os._exit(2 if _count_descriptors() == before else 3)
        os._exit(4)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 0 if status == 2 and lookup.row("a") == (1,) else status


def _count_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


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
