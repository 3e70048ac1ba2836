"""Point reads by primary key for the hot path: raw drivers, one statement each, never inside a transaction."""

import asyncio
import math
import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ari.base.errors import Unavailable

if TYPE_CHECKING:
    import psycopg

_BUSY_SECONDS = 0.2
_Row = tuple[Any, ...]


class Commits:
    """Counts what this process committed to a file, so that what it looked at before does not count afterwards."""

    count = 0


class SqlitePoints:
    """A synchronous read on the event loop: a few µs, less than any hand-over costs.

    The connection is in autocommit mode and every row is fetched, so no read transaction stays open and each call sees
    all that was committed before it. A file that was removed or replaced is noticed: an open connection would go on
    answering from the old one.

    Whether anything changed is asked once for each turn of the event loop. That is no cache: whoever is served in a
    turn had arrived before it looked, because the end of the turn is queued before the look, and the loop serves what
    came later after that. What this process itself commits meanwhile ends the turn at once.
    """

    def __init__(self, path: Path, query: str, gone: str, commits: Commits) -> None:
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


class PostgresPoints:
    """Concurrent reads share one round trip: all that wait while a query runs go into the next ``= ANY``.

    The primary key is the last column of ``query``. A connection that was dropped meanwhile (the server restarted) is
    replaced once for a batch: reading twice harms nothing. Nobody waits longer than ``timeout_seconds``.
    """

    def __init__(self, url: str, query: str, gone: str, timeout_seconds: float) -> None:
        self._url = url
        self._query = query
        self._gone = gone
        self._timeout_seconds = timeout_seconds
        self._connection: psycopg.AsyncConnection[_Row] | None = None
        self._cursor: psycopg.AsyncCursor[_Row]
        self._waiting: list[tuple[Any, asyncio.Future[_Row | None]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._asking: asyncio.Future[dict[Any, _Row]] | None = None

    async def row(self, key: bytes | str) -> _Row | None:
        """The row with this primary key without it, as committed now. Raises ``Unavailable``."""
        future: asyncio.Future[_Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            found = await self._bounded([key for key, _ in batch])
            if found is None:
                # Who came meanwhile has waited too, and would wait again as long for the same.
                batch, self._waiting = batch + self._waiting, []
            for key, future in batch:
                if future.done():
                    continue
                if found is None:
                    future.set_exception(Unavailable(self._gone))
                else:
                    future.set_result(found.get(key))

    async def _bounded(self, keys: list[Any]) -> dict[Any, _Row] | None:
        """What ``ask`` found, or ``None`` if it failed or took too long."""
        self._asking = asking = asyncio.ensure_future(self._twice(keys))
        await asyncio.wait((asking,), timeout=self._timeout_seconds)
        if asking.done() and not asking.cancelled() and asking.exception() is None:
            return asking.result()
        await self._give_up()
        return None

    async def _give_up(self) -> None:
        """End what is asked and let the connection go.

        A cancelled psycopg call first asks the server to cancel, which a hanging one never answers; so the socket is
        shut, which wakes who waits for it. It is closed only after that: uvloop aborts the process where a socket that
        it is about to watch is closed, and another connection could get the same number.
        """
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        (asking, connection), self._asking, self._connection = (self._asking, self._connection), None, None
        if asking is not None and not asking.done():
            if connection is None:
                asking.cancel()
            else:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as same:
                    same.shutdown(socket.SHUT_RDWR)
            await asyncio.wait((asking,), timeout=_BUSY_SECONDS)
            if not asking.done():
                return  # what still watches the socket lets it go when it ends
            if not asking.cancelled():
                asking.exception()
        if connection is not None:
            connection.pgconn.finish()

    async def _twice(self, keys: list[Any]) -> dict[Any, _Row]:
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        was_open = self._connection is not None
        try:
            return await self.ask(keys)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            given_up = self._connection is None
            self._drop()
            if given_up or not was_open:
                raise
            return await self.ask(keys)

    async def ask(self, keys: list[Any]) -> dict[Any, _Row]:
        """One statement for all these keys."""
        if self._connection is None:
            import psycopg  # noqa: PLC0415 - the extra "postgres"

            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=math.ceil(self._timeout_seconds),
                application_name="ari verify",
            )
        cursor = await self._connection.execute(self._query, (keys,), prepare=True, binary=True)
        return {row[-1]: row[:-1] for row in await cursor.fetchall()}

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()

    async def close(self) -> None:
        """Let the connection go; who still waits is told that nothing can be decided."""
        if self._runner is not None:
            self._runner.cancel()
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable(self._gone))
        self._waiting = []
        await self._give_up()
