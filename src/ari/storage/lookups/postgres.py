"""Lookups on PostgreSQL that share round trips: one connection, one statement at a time, never inside a transaction."""

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ari.base.errors import Unavailable
from ari.storage.failover.link import Link
from ari.storage.postgres_reasons import log_reason, reason_of

if TYPE_CHECKING:
    import psycopg

_CLOSE_SECONDS = 0.2
_Row = tuple[Any, ...]
V = TypeVar("V")


class PostgresBatchLookup(Generic[V]):
    """Concurrent lookups share one round trip: all that arrive while a statement runs go into the next ``ask``.

    A dropped connection (the server restarted) is replaced once per batch; reading twice is harmless. No lookup waits
    longer than ``timeout_seconds``.
    """

    def __init__(self, link: Link, gone: str, timeout_seconds: float) -> None:
        self.link = link
        self._gone = gone
        self._timeout_seconds = timeout_seconds
        self._connection: psycopg.AsyncConnection[_Row] | None = None
        self._cursor: psycopg.AsyncCursor[_Row]
        self.opened = 0
        """How many connections were opened so far."""
        self._waiting: list[tuple[Any, asyncio.Future[V | None]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._asking: asyncio.Future[dict[Any, V]] | None = None
        self.reason: str | None = None
        """The reason of the last failure."""
        self._failure: BaseException | None = None

    async def row(self, key: bytes | str) -> V | None:
        """The value with this key, as committed now. Raises ``Unavailable``."""
        return await self.enqueue(key)

    def enqueue(self, key: bytes | str) -> asyncio.Future[V | None]:
        """The future result of ``row``; all that are enqueued in one tick share a statement."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            found = await self._ask_until_timeout([key for key, _ in batch])
            if found is None:
                # Fail the lookups queued during the timeout too; retrying would time out again.
                batch, self._waiting = batch + self._waiting, []
            for key, future in batch:
                if future.done():
                    continue
                if found is None:
                    future.set_exception(self._refusal())
                else:
                    future.set_result(found.get(key))

    def _refusal(self) -> Unavailable:
        """The last failure as callers see it; one about an untrusted database keeps its words."""
        failure = self._failure
        return failure if isinstance(failure, Unavailable) else Unavailable(self._gone, reason=self.reason)

    async def _ask_until_timeout(self, keys: list[Any]) -> dict[Any, V] | None:
        """The result of ``ask``, or ``None`` if it failed or took too long."""
        self._asking = asking = asyncio.ensure_future(self._ask_twice(keys))
        await asyncio.wait((asking,), timeout=self._timeout_seconds)
        if asking.done() and not asking.cancelled() and asking.exception() is None:
            return asking.result()
        if not asking.done() and self._connection is not None:
            self.link.silent(self._connection)
        self._failure = asking.exception() if asking.done() and not asking.cancelled() else None
        self.reason = _reason_of(asking, self._timeout_seconds)
        log_reason(self.reason)
        await self._give_up()
        return None

    async def _give_up(self) -> None:
        """End the running statement and close the connection.

        A canceled psycopg call first asks the server to cancel, and a hanging server never responds. Shutting down the
        socket wakes the call instead. The socket is closed only afterwards: uvloop aborts the process if a socket
        that it is about to watch is closed, and another connection could get the same file descriptor.
        """
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        (asking, connection), self._asking, self._connection = (self._asking, self._connection), None, None
        if asking is not None and not asking.done():
            if connection is None:
                asking.cancel()
            else:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as same:
                    same.shutdown(socket.SHUT_RDWR)
            await asyncio.wait((asking,), timeout=_CLOSE_SECONDS)
            if not asking.done():
                return  # the call that still watches the socket closes it when it ends
            if not asking.cancelled():
                asking.exception()
        if connection is not None:
            connection.pgconn.finish()

    async def _ask_twice(self, keys: list[Any]) -> dict[Any, V]:
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

    async def ask(self, keys: list[Any]) -> dict[Any, V]:
        """The values with these keys, in one statement."""
        raise NotImplementedError

    async def open(self) -> None:
        """Open the connection if there is none."""
        if self._connection is None:
            self._connection = await self.link.aconnect("ari verify", self._timeout_seconds)
            self._cursor = self._connection.cursor(binary=True)
            self.opened += 1

    async def rows(self, query: str, *keys: list[Any] | str) -> list[_Row]:
        """Run ``query``, whose parameters are lists of keys, or arrays as PostgreSQL writes them."""
        self.link.history.require_trust()
        await self.open()
        cursor = self._cursor
        await cursor.execute(query, keys, prepare=True)
        return await cursor.fetchall()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()

    async def close(self) -> None:
        """Close the connection; lookups that still wait raise ``Unavailable``."""
        if self._runner is not None:
            self._runner.cancel()
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable(self._gone))
        self._waiting = []
        await self._give_up()


def _reason_of(asking: "asyncio.Future[Any]", timeout_seconds: float) -> str | None:
    if asking.done() and not asking.cancelled():
        return reason_of(asking.exception())
    return f"PostgreSQL did not respond within {timeout_seconds:g} seconds."
