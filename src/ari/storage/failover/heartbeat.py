"""Check the database once a second, in its own thread: does it respond, is it the same server, do standbys confirm?

A server that is frozen or cut off keeps its connections open, and its kernel still acknowledges data, so neither TCP's
timeouts nor the server's own end waiting statements. When a heartbeat times out, every connection of this process to
that server is shut down; waiting statements fail, and reconnect to the server that took over.
"""

import asyncio
import fcntl
import logging
import os
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ari.base.errors import Unavailable
from ari.storage.failover import facts
from ari.storage.failover.history import NotTrusted, WentBack
from ari.storage.failover.link import Link
from ari.storage.failover.record import SeenEvent
from ari.storage.failover.replication import CANCEL_WAITS, STATE, ReplicationState
from ari.storage.postgres_sessions import is_pooled

if TYPE_CHECKING:
    import psycopg

BEAT_SECONDS = 1.0
SILENCE_SECONDS = 4.0
"""How long a heartbeat may take. Together with the interval and the connect timeout, this bounds a failover."""
POOLED_SILENCE_SECONDS = 35.0
"""The same through a pooler in transaction mode, where a beat also waits for a free server connection: longer than any
statement of ARI may take, so a pooler that is only busy is left alone."""
CONNECT_SECONDS = 2
_ENDING_SECONDS = 0.5
_BEATS_BETWEEN_STATES = 5
_OVERLAP = 50
"""Events read again: those that other nodes committed before this node's newest one."""
_SILENT_STANDBY_SECONDS = 60.0
"""How long PostgreSQL considers a silent standby connected (``wal_sender_timeout``)."""

_logger = logging.getLogger(__name__)


class Heartbeat:
    """One connection and one thread of a process; ``start`` and ``stop`` may be called again and again."""

    def __init__(self, link: Link, data_dir: Path) -> None:
        self._link = link
        self._lock_file = data_dir / "heartbeat.lock"
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._reporter = -1
        self.beats = 0
        """How many found the database as it should be."""
        self._is_serving = False
        self._canceled_at = float("-inf")
        self.replication = ReplicationState()

    def start(self, delay_seconds: float = 0.0) -> None:
        """Begin to beat. With a delay, for a short-lived process: it seldom connects, and logs nothing of standbys."""
        if self._thread is None:
            self._ended = threading.Event()  # a thread that did not end in time keeps its own
            self._is_serving = delay_seconds == 0
            work = (delay_seconds, self._ended)
            self._thread = threading.Thread(target=self._work, args=work, name="ari heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._ended.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(2 * _ENDING_SECONDS)

    def _work(self, delay_seconds: float, ended: threading.Event) -> None:
        if ended.wait(delay_seconds):
            return
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            while not ended.is_set():
                runner.run(self._beat())
                ended.wait(BEAT_SECONDS)
            self._drop()
        if self._reporter >= 0:
            os.close(self._reporter)
            self._reporter = -1

    async def _beat(self) -> None:
        try:
            await self._in_time(self._ask())
        except (NotTrusted, Unavailable) as error:
            self._distrust(error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a server or a disk does
            _logger.debug("A heartbeat failed with %s.", type(error).__name__)
            self._drop()

    async def _in_time(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        await asyncio.wait((task,), timeout=self._patience_seconds())
        if not task.done():
            self._shut_silent()
            await asyncio.wait((task,), timeout=_ENDING_SECONDS)
            if not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=_ENDING_SECONDS)
        if task.done() and not task.cancelled():
            task.result()

    def _patience_seconds(self) -> float:
        if self._connection is None:  # each server may take its time, and is tried
            return SILENCE_SECONDS + 10 * CONNECT_SECONDS
        return POOLED_SILENCE_SECONDS if is_pooled(self._connection) else SILENCE_SECONDS

    def _shut_silent(self) -> None:
        server = None if self._connection is None else self._link.sockets.server_of(self._connection)
        if server is None:
            return
        self._link.servers.record_failure(server)
        count = self._link.sockets.shut(server)
        _logger.error(
            "The database server %s did not respond for %g s: its %d connections were ended, and another is tried.",
            server,
            self._patience_seconds(),
            count,
        )

    def _distrust(self, error: Unavailable) -> None:
        """A server that is not the primary any more: end all connections to it."""
        connection, link = self._connection, self._link
        if connection is not None and isinstance(error, NotTrusted) and not isinstance(error, WentBack):
            server = link.sockets.server_of(connection)
            if server is not None:
                link.servers.record_failure(server)
                link.sockets.shut(server)
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()

    async def _ask(self) -> None:
        link = self._link
        if self._connection is None:
            self._connection = await link.aconnect("ari heartbeat", CONNECT_SECONDS, watching=True)
        connection = self._connection
        try:
            await link.aexamine(connection)
        except WentBack as error:
            await link.areport(connection, error)
            raise
        await self._learn(connection)
        link.history.persist()
        await self._cancel_waits(connection)
        if self.beats % _BEATS_BETWEEN_STATES == 0 or self.replication.must_confirm:
            await self._look_at_standbys(connection)
        self.beats += 1

    async def _cancel_waits(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        canceled = await (await connection.execute(CANCEL_WAITS)).fetchall()
        if canceled:
            if not self.standby_is_silent:
                _logger.warning("A synchronous standby did not confirm a commit in time; ARI's commits stop waiting.")
            self._canceled_at = time.monotonic()

    @property
    def standby_is_silent(self) -> bool:
        """Whether a commit lately waited in vain for a standby."""
        return time.monotonic() < self._canceled_at + _SILENT_STANDBY_SECONDS

    async def _learn(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        history = self._link.history
        record = history.file.load()
        if record is not None:
            rows = await (await connection.execute(facts.RECENT, (record.head.seq - _OVERLAP,))).fetchall()
            history.learn([SeenEvent(*row) for row in rows])

    async def _look_at_standbys(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        row = await (await connection.execute(STATE)).fetchone()
        assert row is not None
        before, self.replication = self.replication, ReplicationState.of(row)
        if self.replication.words != before.words and self._is_serving and self._reports():
            log = _logger.warning if self.replication.warning else _logger.info
            log("%s", self.replication.words)

    def _reports(self) -> bool:
        """Whether this process is the one of the node that logs what all of them see."""
        if self._reporter < 0:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._reporter = descriptor
                return True
            os.close(descriptor)
            return False
        return True
