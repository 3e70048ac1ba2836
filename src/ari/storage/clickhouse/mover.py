"""Moves rows that PostgreSQL has to ClickHouse: those from before ``ARI_USAGE_LOG_URL`` was set.

Each step inserts rows, then deletes them in one transaction of PostgreSQL. If the process ends in between, the next
step inserts them again, which changes nothing. Until all rows were moved, nothing reads single rows.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, Engine, delete, or_, select, tuple_

from ari.base.clock import HOUR_MS, Clock
from ari.base.errors import Unavailable
from ari.storage.clickhouse.sink import ClickHouseSink
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.tables import usage_log
from ari.storage.usage.logged_row import from_row
from ari.storage.usage.pages import read_rows, select_oldest
from ari.storage.usage.row_ids import lowest_at
from ari.storage.usage.rows_elsewhere import add_reduced, count_reduced, read_mark, set_mark
from ari.usage.model import MANY

ROWS_PER_STEP = 5_000
_TIDY_SECONDS = 60.0
FLOOD_MS = HOUR_MS
"""How long PostgreSQL keeps the count of a flood, which later entries go on from. A flood's row lasts a minute."""

_log = usage_log.c
_ID = _log.id_high, _log.id_low
Writing = Callable[[], AbstractContextManager[Connection]]


class RowMover:
    """Moves the rows of one log. ``writing`` begins a transaction of PostgreSQL that excludes folds."""

    def __init__(
        self,
        engine: Engine,
        writing: Writing,
        sink: ClickHouseSink,
        clock: Callable[[], Clock],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._writing = writing
        self._sink = sink
        self._clock = clock
        self._monotonic = monotonic
        self._is_done = False
        self._tidy_at = 0.0

    def require_all(self) -> None:
        """Raise ``Unavailable`` until ClickHouse has all rows. Moves a few itself: a small log is there at once."""
        if not self._is_known_done() and self.move_some():
            raise Unavailable(
                "The rows of the usage log are being moved to ClickHouse. Try again later.", retry_after_seconds=60
            )

    def move_some(self) -> bool:
        """Move some rows. Returns whether more are left. Once all are moved, this only removes old counts of floods.

        Raises ``Unavailable``.
        """
        if self._is_known_done():
            if self._monotonic() < self._tidy_at:
                return False
            self._tidy_at = self._monotonic() + _TIDY_SECONDS
        return self.move_old()

    def move_old(self) -> bool:
        """As ``move_some``, at any time."""
        self._sink.prepare()
        with faults_as_unavailable(), self._writing() as connection:
            is_more = self._step(connection)
        if not is_more:
            self._is_done = True
        return is_more

    def _step(self, connection: Connection) -> bool:
        counts_from = lowest_at(self._clock().now_ms() - FLOOD_MS)
        movable = or_(_log.method != MANY, _log.id_high < counts_from)
        rows = read_rows(connection, select_oldest(movable, ROWS_PER_STEP))
        logged = [from_row(row) for row in rows]
        if logged:
            if reduced := self._sink.add(logged):
                add_reduced(connection, reduced)
            last = max(row.row_id for row in logged)
            moved = movable, tuple_(*_ID) <= tuple_(*last), _log.id_high <= last.high
            connection.execute(delete(usage_log).where(*moved))
        if len(logged) == ROWS_PER_STEP:
            if read_mark(connection) is None:
                set_mark(connection, "moving")
            return True
        if read_mark(connection) != "moved":
            kept = read_rows(connection, select_oldest(_log.id_high >= counts_from, ROWS_PER_STEP))
            self._sink.add([from_row(row) for row in kept])
            set_mark(connection, "moved")
        return False

    def _is_known_done(self) -> bool:
        """A row is never moved back while a process runs that has this setting."""
        if not self._is_done:
            with faults_as_unavailable(), read_only(self._engine) as connection:
                self._is_done = read_mark(connection) == "moved"
        return self._is_done

    def count_left(self) -> int:
        """How many rows are not moved yet; a thousand at most are counted. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self._engine) as connection:
            if read_mark(connection) == "moved":
                return 0
            return len(connection.execute(select(_log.id_high).limit(1_000)).all())

    def count_reduced(self) -> int:
        """How many rows ever lost values that ClickHouse refused. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self._engine) as connection:
            return count_reduced(connection)
