"""Point reads by primary key for the hot path: raw drivers, one statement each, never inside a transaction."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ari.base.errors import Unavailable
from ari.storage.failover.link import Link
from ari.storage.lookups.postgres import PostgresBatchLookup

_BUSY_SECONDS = 0.2
_Row = tuple[Any, ...]


class CommitCounter:
    """Counts what this process committed to a file, so that what it looked at before does not count afterwards."""

    count = 0


class SqliteLookup:
    """A synchronous read on the event loop: a few µs, less than any hand-over costs.

    The connection is in autocommit mode and every row is fetched, so no read transaction stays open and each call sees
    all that was committed before it. A file that was removed or replaced is noticed: an open connection would go on
    answering from the old one.

    Whether anything changed is asked once for each turn of the event loop. That is no cache: whoever is served in a
    turn had arrived before it looked, because the end of the turn is queued before the look, and the loop serves what
    came later after that. What this process itself commits meanwhile ends the turn at once.
    """

    def __init__(self, path: Path, query: str, gone: str, commits: CommitCounter) -> None:
        self._path = str(path)
        self._uri = f"{path.absolute().as_uri()}?mode=rw"
        self._query = query
        self._gone = gone
        self._commits = commits
        self._counted = -1
        self._connection: sqlite3.Connection | None = None
        self._execute: Callable[..., sqlite3.Cursor]
        self._file: tuple[int, int] | None = None
        self._version: int | None = None
        self._in_turn = False
        self._looked = False
        self.examine: Callable[[sqlite3.Connection], None] | None = None
        """Raises ``Unavailable`` for a file that is not to be trusted; called for each that is opened."""
        self.state = 0
        """A number for what the file held when it was last looked at; it never comes back once that changed."""

    def row(self, key: bytes | str) -> _Row | None:
        """The row with this primary key, as committed now. Raises ``Unavailable``."""
        try:
            if not self._in_turn:
                self._begin_turn()
            rows = self._execute(self._query, (key,)).fetchall()
        except (sqlite3.Error, OSError):
            self.close()
            raise Unavailable(self._gone) from None
        return rows[0] if rows else None

    def still(self, state: int) -> bool:
        """Whether nothing was committed to the file since ``state``, so that rows read after it was taken hold still.

        Asks SQLite for ``data_version``, which tells of every commit of another connection, in whatever process; this
        connection writes nothing. Versions of two connections say nothing of each other. Raises ``Unavailable``.
        """
        if not self._looked or self._commits.count != self._counted:
            try:
                self._look()
            except (sqlite3.Error, OSError):
                self.close()
                raise Unavailable(self._gone) from None
        return state == self.state

    def _look(self) -> None:
        if not self._in_turn:
            self._begin_turn()
        self._counted = self._commits.count
        [(version,)] = self._execute("PRAGMA data_version").fetchall()
        self._looked = True
        if version != self._version:
            self._version = version
            self.state += 1

    def _begin_turn(self) -> None:
        asyncio.get_running_loop().call_soon(self._end_turn)
        status = os.stat(self._path)  # noqa: PTH116 - two thirds of the time of Path.stat
        if (status.st_ino, status.st_dev) != self._file:
            self._open()
        self._in_turn = True

    def _end_turn(self) -> None:
        self._in_turn = self._looked = False

    def _open(self) -> None:
        """A new connection, to the file that is there now."""
        self.close()
        status = os.stat(self._path)  # noqa: PTH116 - as above
        self._connection = sqlite3.connect(
            self._uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
        )
        self._connection.execute("PRAGMA query_only=ON")
        if self.examine is not None:
            self.examine(self._connection)
        self._execute = self._connection.cursor().execute
        [(self._version,)] = self._execute("PRAGMA data_version").fetchall()
        self._file = (status.st_ino, status.st_dev)

    def trace(self, told: Callable[[str], None]) -> None:
        """Tell every statement, for those who count them."""
        if self._connection is None:
            self._open()
        assert self._connection is not None
        self._connection.set_trace_callback(told)

    def close(self) -> None:
        """Let the connection go."""
        connection, self._connection, self._file = self._connection, None, None
        self._end_turn()
        self.state += 1
        if connection is not None:
            connection.close()


class PostgresLookup(PostgresBatchLookup[_Row]):
    """Rows by primary key, which is the last column of ``query`` and is left out of what is given."""

    def __init__(self, link: Link, query: str, gone: str, timeout_seconds: float) -> None:
        super().__init__(link, gone, timeout_seconds)
        self._query = query

    async def ask(self, keys: list[Any]) -> dict[Any, _Row]:
        """One statement for all these keys."""
        return {row[-1]: row[:-1] for row in await self.rows(self._query, keys)}
