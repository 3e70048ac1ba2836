"""Which process folds: the one that holds a lock, for as long as it lives. Another takes over when it ends.

On SQLite the lock is a ``flock`` on a file of the data directory, on PostgreSQL an advisory lock of a session. Behind a
pooler in transaction mode a session's lock would stay with the next client. Several processes may fold there; the lock
of each fold lets one at a time.
"""

import fcntl
import os
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, text

from ari.storage.database_errors import faults_as_unavailable
from ari.storage.postgres_sessions import LOCAL_SETTINGS

_LOCK = 0x41524935
FROZEN_SECONDS = 20
"""A leader asks every second. One that doesn't is frozen or cut off, and its server ends its session."""
_LIMIT_IDLE_TIME = text("SELECT set_config(name, :limit, false) FROM pg_settings WHERE name = 'idle_session_timeout'")
"""PostgreSQL 13 doesn't have it."""
_TRY = text("SELECT pg_try_advisory_lock(:key)")
_IS_HELD = text(
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = pg_backend_pid() "
    "AND classid = 0 AND objid = :key"
)


_leaders: "WeakSet[FoldLeader]" = WeakSet()


class FoldLeader:
    """The lock of one instance, for one process. ``lock_file`` is for SQLite."""

    def __init__(self, engine: Engine, lock_file: Path | None, frozen_seconds: int = FROZEN_SECONDS) -> None:
        self._limit = {"limit": f"{frozen_seconds}s"}
        self._engine = engine
        self._lock_file = lock_file
        self._descriptor: int | None = None
        self._connection: Connection | None = None
        self._inherited: list[Connection] = []
        _leaders.add(self)

    def acquire(self) -> bool:
        """Whether this process is the one that folds, now or still. Never waits. Raises ``Unavailable``."""
        with faults_as_unavailable():
            return self._lock_server() if self._lock_file is None else self._lock(self._lock_file)

    def release(self) -> None:
        """Let another process fold."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also where a forked process has a copy
            os.close(descriptor)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # ends the session, and its lock
            connection.close()

    def forget(self) -> None:
        """In a forked process: leave the lock to the parent, with which it must end."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        connection, self._connection = self._connection, None
        if connection is not None:
            self._inherited.append(connection)  # never freed: that would end the parent's session in order
            session: Any = connection.connection.driver_connection
            nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            os.dup2(nothing, session.fileno(), inheritable=False)
            os.close(nothing)

    def is_free(self) -> bool:
        """Whether no process folds now, not even this one. Raises ``Unavailable``."""
        if self._descriptor is not None or self._connection is not None:
            return False
        try:
            return self.acquire()
        finally:
            self.release()

    def _lock(self, lock_file: Path) -> bool:
        if self._descriptor is not None:
            if _is_same(self._descriptor, lock_file):
                return True
            self.release()  # the data directory was replaced
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def _lock_server(self) -> bool:
        if self._connection is not None:
            try:
                held: Any = self._connection.scalar(_IS_HELD, {"key": _LOCK})
            except Exception:
                self.release()
                raise
            if held:
                return True
            self.release()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        pooled = LOCAL_SETTINGS in connection.info
        try:
            if not pooled and connection.scalar(_TRY, {"key": _LOCK}):
                connection.execute(_LIMIT_IDLE_TIME, self._limit)
                self._connection = connection
        finally:
            if self._connection is None:
                connection.close()
        return pooled or self._connection is not None


def _forget_all() -> None:
    for leader in list(_leaders):
        leader.forget()


def _is_same(descriptor: int, file: Path) -> bool:
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (found.st_dev, found.st_ino)


os.register_at_fork(after_in_child=_forget_all)
