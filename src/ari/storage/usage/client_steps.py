"""Adds what folds counted of clients to ``usage_seen``, in steps that others can wait for. Decision 76."""

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.usage import client_counts, rollups
from ari.storage.usage.fold import writing
from ari.storage.usage.statements import execute, fill, with_relations
from ari.storage.write_lock import LOCK_SECONDS

FIRST_COUNTS, MIN_COUNTS, MAX_COUNTS = 5_000, 100, 25_000
"""Of one step: 0.3 s for 5,000 new clients on PostgreSQL, which also limits the time of a statement."""
LONG_SECONDS, SHORT_SECONDS = 1.0, 0.25
"""A step that takes longer halves the next one, and one that takes less doubles it."""

_IN_STEPS = (*fill(client_counts.RELATIONS), *client_counts.ADD_CLIENTS)
_AT_ONCE = (
    *rollups.USE_INDEXES,
    *rollups.IN_MEMORY,
    with_relations(client_counts.RELATIONS_ON_POSTGRESQL, *client_counts.ADD_CLIENTS),
)


class ClientSteps:
    """Each step is a transaction of its own, so folds go on in between.

    ``engine`` is the folder's, ``lock_file`` the write lock of a SQLite file. ``monotonic`` returns seconds.
    """

    def __init__(self, engine: Engine, lock_file: Path | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._monotonic = monotonic
        self._most = FIRST_COUNTS

    def add_all(self, lock_seconds: float = LOCK_SECONDS) -> None:
        """Add all counts that wait now. Raises ``Unavailable``; then some may be added."""
        while self.add_some(lock_seconds):
            pass

    def add_some(self, lock_seconds: float = LOCK_SECONDS, most: int = MAX_COUNTS) -> bool:
        """Add about ``most`` counts, or fewer if that took long before. Returns whether more are left.

        Raises ``Unavailable``; then nothing changed, and the next step is half as long unless a lock was missing.
        """
        with faults_as_unavailable():
            with read_only(self._engine) as connection:
                if connection.scalar(text(client_counts.HAS_COUNTS)) is None:
                    return False
            with writing(self._engine, self._lock_file, lock_seconds) as connection:
                began, size = self._monotonic(), min(self._most, most, MAX_COUNTS)
                try:
                    is_more = self._add(connection, size)
                except BaseException:
                    self._most = max(MIN_COUNTS, size // 2)
                    raise
                seconds = self._monotonic() - began
        if seconds > LONG_SECONDS:
            self._most = max(MIN_COUNTS, size // 2)
        elif seconds < SHORT_SECONDS and size == self._most:
            self._most = min(MAX_COUNTS, size * 2)
        return is_more

    def _add(self, connection: Connection, size: int) -> bool:
        found = connection.execute(text(client_counts.FIND_LAST), {"most": size}).one_or_none()
        last = client_counts.LAST if found is None else {"last_key": found[0], "last_caller": found[1]}
        execute(connection, _AT_ONCE if self._lock_file is None else _IN_STEPS, last)
        return found is not None
