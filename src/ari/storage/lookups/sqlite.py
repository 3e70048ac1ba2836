"""Point reads by primary key for the hot path: raw drivers, one statement each, never inside a transaction."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ari.base.errors import Unavailable
from ari.storage.commit_counter import CommitCounter
from ari.storage.failover.link import Link
from ari.storage.forks import GATE, WAIT_SECONDS
from ari.storage.lookups.postgres import PostgresBatchLookup

_BUSY_SECONDS = 0.2
_Row = tuple[Any, ...]
AtTickEnd = Callable[[Callable[[], None]], object]
"""Has a function called at the end of the present tick."""


def call_at_loop_tick_end(end: Callable[[], None]) -> None:
    """For lookups of an event loop: its tick ends after what is queued now."""
    asyncio.get_running_loop().call_soon(end)


class SqliteLookup:
    """Reads rows synchronously on the event loop: a few µs, less than handing over to a thread costs.

    The connection is in autocommit mode and every row is fetched, so no read transaction stays open and each call sees
    everything committed before it. A file that was removed or replaced is noticed; an open connection would otherwise
    keep reading the old one.

    Whether anything changed is asked once per tick of the event loop. That is not a cache: the end of the tick is
    queued before the question, and the loop serves in order, so every request from the network that is served before
    that end had arrived before the question. A commit of this process ends the tick at once. (A client on the same loop
    that reads a commit of another process must yield to the loop before its next request.) Without an event loop, the
    tick is what ``at_tick_end`` makes of it: one verification (``thread_lookup.py``).
    """

    def __init__(
        self,
        path: Path,
        query: str,
        gone: str,
        commits: CommitCounter,
        at_tick_end: AtTickEnd = call_at_loop_tick_end,
    ) -> None:
        self._path = str(path)
        self._uri = f"{path.absolute().as_uri()}?mode=rw"
        self._query = query
        self._gone = gone
        self._commits = commits
        self._at_tick_end = at_tick_end
        self._counted = -1
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._execute: Callable[..., sqlite3.Cursor] = _refuse_closed
        self._file: tuple[int, int, int] | None = None
        """The file that is open and the process that opened it."""
        self._version: int | None = None
        self._in_tick = False
        self._looked = False
        self._mutex = threading.Lock()
        """Held while the connection is used, and by another thread while the process forks."""
        self._is_paused = False
        self.examine: Callable[[sqlite3.Connection], None] | None = None
        """Called with each connection that is opened; raises ``Unavailable`` for a file that is not to be trusted."""
        self.state = 0
        """A number for the content of the file at the last look; never used again once the content changed."""
        GATE.watch(path)
        GATE.add(self)

    def row(self, key: bytes | str) -> _Row | None:
        """The row with this primary key, as committed now. Raises ``Unavailable``."""
        with self._mutex:
            try:
                if not self._in_tick:
                    self._begin_tick()
                rows = self._execute(self._query, (key,)).fetchall()
            except (sqlite3.Error, OSError):
                self._close()
                raise Unavailable(self._gone) from None
            except BaseException:
                self._close()  # a statement that was interrupted would keep the file open
                raise
        return rows[0] if rows else None

    def is_unchanged_since(self, state: int) -> bool:
        """Whether nothing was committed to the file since ``state``, so rows read after it are still current.

        Reads ``PRAGMA data_version``, which changes with every commit of another connection in any process; this
        connection writes nothing. Versions of two connections cannot be compared. Raises ``Unavailable``.
        """
        return state == self.look()

    def look(self) -> int:
        """``state`` now; asks once in each tick, unless this process commits. Raises ``Unavailable``."""
        if not self._looked or self._commits.count != self._counted:
            with self._mutex:
                try:
                    self._look()
                except (sqlite3.Error, OSError):
                    self._close()
                    raise Unavailable(self._gone) from None
                except BaseException:
                    self._close()  # as above
                    raise
        return self.state

    def _look(self) -> None:
        if not self._in_tick:
            self._begin_tick()
        self._counted = self._commits.count
        [(version,)] = self._execute("PRAGMA data_version").fetchall()
        self._looked = True
        if version != self._version:
            self.state += 1  # first: what interrupts a thread in between must not leave a version that nobody looked at
            self._version = version

    def _begin_tick(self) -> None:
        self._at_tick_end(self.end_tick)
        status = os.stat(self._path)  # noqa: PTH116 - two thirds of the time of Path.stat
        if (status.st_ino, status.st_dev, os.getpid()) != self._file:
            self._open()
        self._in_tick = True

    def end_tick(self) -> None:
        """Compare the file with the one that is open before the next use."""
        self._in_tick = self._looked = False

    def _open(self) -> None:
        """A new connection, to the file that is there now. Raises ``Unavailable`` in a child that inherited one."""
        GATE.check()
        self._close()
        status = os.stat(self._path)  # noqa: PTH116 - as above
        self._connection = sqlite3.connect(
            self._uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
        )
        self._connection.execute("PRAGMA query_only=ON")
        if self.examine is not None:
            self.examine(self._connection)
        self._cursor = self._connection.cursor()
        self._execute = self._cursor.execute
        [(self._version,)] = self._execute("PRAGMA data_version").fetchall()
        self._file = (status.st_ino, status.st_dev, os.getpid())

    def trace(self, report: Callable[[str], None]) -> None:
        """Report every statement, for tests that count them."""
        if self._connection is None:
            self._open()
        assert self._connection is not None
        self._connection.set_trace_callback(report)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._mutex:
            self._close()

    def abandon(self) -> None:
        """Close the connection of a lookup that an exception interrupted and that nobody uses any more. Never waits:
        a fork that has the lock closes it, and an interrupted thread that left it locked frees it with the lookup."""
        if self._mutex.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._mutex.release()

    def pause(self) -> None:
        if not self._is_paused and self._mutex.acquire(timeout=WAIT_SECONDS):  # else the child refuses
            self._is_paused = True
            self._close()

    def resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._mutex.release()

    def _close(self) -> None:
        """Close the connection, and first its cursor: SQLite keeps a file open while a statement is active."""
        if GATE.refuses:
            return  # it is the parent's
        connection, self._connection, self._file = self._connection, None, None
        cursor, self._cursor, self._execute = self._cursor, None, _refuse_closed
        self.end_tick()
        self.state += 1
        if cursor is not None:
            cursor.close()
        if connection is not None:
            connection.close()


def _refuse_closed(*_: object) -> sqlite3.Cursor:
    raise sqlite3.ProgrammingError("The connection is closed.")


class PostgresLookup(PostgresBatchLookup[_Row]):
    """Rows by primary key, which is the last column of ``query`` and is left out of the rows."""

    def __init__(self, link: Link, query: str, gone: str, timeout_seconds: float) -> None:
        super().__init__(link, gone, timeout_seconds)
        self._query = query

    async def ask(self, keys: list[Any]) -> dict[Any, _Row]:
        """One statement for all these keys."""
        return {row[-1]: row[:-1] for row in await self.rows(self._query, keys)}
