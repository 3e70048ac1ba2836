"""Stages requests: commits them to a table without indexes or counts, so that a caller waits as little as possible.

``fold.py`` moves the entries into the tables that are read, many in one transaction. On SQLite the staging table has
its own file, since a file has one writer at a time and callers must not wait for a fold.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from ari.base.clock import Clock
from ari.keys.limits.counter import Counter
from ari.storage.database_errors import faults_as_unavailable, read_only, unavailable
from ari.storage.forks import GATE
from ari.storage.postgres_sessions import LOCAL_SETTINGS
from ari.storage.usage.budget_commits import find_settled_postgres, find_settled_sqlite, save_warnings
from ari.storage.usage.counters import (
    UptimeClock,
    begin_postgres,
    read_postgres,
    read_sqlite,
    read_with_budgets,
    save_postgres,
    save_sqlite,
)
from ari.storage.write_lock import write_lock
from ari.usage.ai import AiUse
from ari.usage.cleaning import clean_batch
from ari.usage.floods import RefusalFlood
from ari.usage.limit_decisions import apply_decision, decide_batch, list_owners
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch

REFUSALS = (UnicodeError, OverflowError)
"""How a driver refuses a value. A refusal by the database itself is raised as one of these."""

_CHECK = """INSERT INTO usage_staging (kind) SELECT 'request'
    WHERE NOT has_sequence_privilege(pg_get_serial_sequence('usage_staging', 'seq'), 'USAGE, UPDATE')"""
"""Adds no row, and fails where one could not be added: no table, no privilege, or a read-only server."""
_logger = logging.getLogger("ari.storage")


class Staging:
    """Holds one connection, used by one thread at a time.

    ``files`` are the staging file and the log's on SQLite, none on PostgreSQL. If either is missing, commits fail; if
    either was replaced, ``prepare`` is called before the next commit.
    """

    def __init__(
        self,
        engine: Engine,
        lock_file: Path | None,
        files: Sequence[Path],
        prepare: Callable[[], None],
        level: Callable[[], str] | None = None,
        *,
        clock: Callable[[], Clock],
    ) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._files = files
        self._prepare = prepare
        self._level = level
        """Returns the ``synchronous_commit`` to use now, where it can change while the connection is open."""
        self._level_set: str | None = None
        self._held: PoolProxiedConnection | None = None
        self._identities: list[tuple[int, int]] = []
        self._mutex = threading.Lock()
        if files:
            GATE.add(self)
        self._uptime_clock = UptimeClock(clock)
        self._refusals = RefusalFlood()
        self._clock = clock

    def append(self, batch: Batch) -> None:
        """Commit the batch, cleaned if the database refuses any of its values. Raises ``Unavailable``.

        Completions that it refuses all the same are left out: they would be retried, and fail every later commit.
        """
        with suppress(*REFUSALS):
            return self._commit(batch)
        batch = clean_batch(batch)
        with suppress(*REFUSALS):
            return self._commit(batch)
        if batch.completions:
            self._commit_most(batch.completions)
        return self._commit(replace(batch, completions=[]))

    def _commit_most(self, completions: Sequence[Completion | AiUse]) -> None:
        """Commit those that the database takes, each half on its own if it refuses them together."""
        with suppress(*REFUSALS):
            return self._commit(Batch(completions=[*completions]))
        if len(completions) == 1:
            _logger.error("The usage log refuses the end of a request. It is left out.")
            return None
        middle = len(completions) // 2
        self._commit_most(completions[:middle])
        return self._commit_most(completions[middle:])

    def check(self) -> None:
        """Ask PostgreSQL for what a commit needs, over the connection of commits. Raises ``Unavailable``.

        SQLite has no roles; where its file cannot be written, the next commit says so.
        """
        if self._files:
            return
        with self._mutex:
            try:
                connection = self._connection()
                with self._local_settings(connection):
                    connection.execute(_CHECK)
            except self._faults() as error:
                self.close()
                raise unavailable(error) from None

    def close(self) -> None:
        """Let the connection go."""
        held, self._held, self._level_set = self._held, None, None
        if held is not None:
            with suppress(*self._faults()):
                held.close() if self._files else held.invalidate()

    def pause(self) -> None:
        """Close the connection; nobody commits now."""
        self.close()

    def resume(self) -> None:
        """The next commit opens a connection."""

    def _commit(self, batch: Batch) -> None:
        with GATE.use() if self._files else nullcontext(), self._mutex:
            try:
                connection = self._connection()
                self._set_level(connection)
                owner_ids = list_owners(batch)
                if owner_ids:
                    self._commit_charged(connection, batch, owner_ids)
                else:
                    self._insert(connection, batch)
            except self._faults() as error:
                self.close()
                raise (self._refusal(error) or unavailable(error)) from None
            except BaseException:
                self.close()  # a transaction may be open
                raise

    def _insert(self, connection: Any, batch: Batch) -> None:
        """Commit the entries of the batch."""
        from ari.storage.usage.batch_entries import join_parts, make_parts  # noqa: PLC0415 - commands that read need none of it

        parts = make_parts(batch, batch.rows)
        if not parts:
            return
        with write_lock(self._lock_file), self._local_settings(connection):
            if len(parts) == 1 or not self._files:
                joined = join_parts(parts)
                joined.insert.run(connection, joined.entries)
                return
            connection.execute("BEGIN IMMEDIATE")
            for part in parts:
                part.insert.add(connection, part.entries)
            connection.execute("COMMIT")

    def _commit_charged(self, connection: Any, batch: Batch, owner_ids: list[str]) -> None:
        """Commit the batch and the counters it touches."""
        from ari.storage.usage.batch_entries import join_parts, make_parts  # noqa: PLC0415 - as above

        if self._files:
            with write_lock(self._lock_file):
                connection.execute("BEGIN IMMEDIATE")
                counters, now_ms = read_sqlite(connection, owner_ids), self._uptime_clock.now_ms(connection)
                settled = find_settled_sqlite(connection, self._files[1], batch)
                changes = decide_batch(batch, counters, now_ms, settled)
                for part in make_parts(batch, self._apply_decisions(batch)):
                    part.insert.add(connection, part.entries)
                save_sqlite(connection, counters, changes.owner_ids)
                save_warnings(connection, "?", changes.crossings, now_ms)
                connection.execute("COMMIT")
            return
        counters, now_ms = begin_postgres(connection, self._begin(), owner_ids)
        changes = decide_batch(batch, counters, now_ms, find_settled_postgres(connection, batch))
        joined = join_parts(make_parts(batch, self._apply_decisions(batch)))
        with connection.pipeline():
            joined.insert.add(connection, joined.entries)
            save_postgres(connection, counters, changes.owner_ids)
            save_warnings(connection, "%s", changes.crossings, now_ms)
            connection.execute("COMMIT")

    def _apply_decisions(self, batch: Batch) -> list[UsageRow]:
        """The rows to log. Of many refusals in a minute, most are only counted (security.md 18)."""
        rows = [apply_decision(row) for row in batch.rows]
        now_ms = self._clock().now_ms()
        return [
            row if row is before or row.accepted else self._refusals.row_for(row, now_ms, list_it=batch.list_refusals)
            for row, before in zip(rows, batch.rows, strict=True)
        ]

    def read_counters(self, owner_ids: Sequence[str]) -> tuple[dict[str, Counter], int]:
        """The counters of these owners as committed, and the time now. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self._engine) as connection:
            raw: Any = connection.connection.driver_connection
            if self._files:
                return read_sqlite(raw, owner_ids), self._uptime_clock.read_ms(raw)
            return read_postgres(raw, owner_ids)

    def read_budget_counters(self, most: int) -> tuple[dict[str, Counter], int]:
        """At most so many counters of owners whose budgets were used, and the time now. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self._engine) as connection:
            raw: Any = connection.connection.driver_connection
            now_ms = self._uptime_clock.read_ms(raw) if self._files else read_postgres(raw, ())[1]
            return read_with_budgets(raw, most), now_ms

    @contextmanager
    def _local_settings(self, connection: Any) -> Iterator[None]:
        """Through a pooler, settings hold for a transaction alone; elsewhere each statement is one."""
        assert self._held is not None
        if LOCAL_SETTINGS not in self._held.info:
            yield
            return
        connection.execute(self._begin())
        yield
        connection.execute("COMMIT")

    def _begin(self) -> str:
        assert self._held is not None
        local_settings = self._held.info.get(LOCAL_SETTINGS)
        if local_settings is None:
            return "BEGIN"
        level = "" if self._level_set is None else f"; SET LOCAL synchronous_commit TO {self._level_set}"
        return f"BEGIN; {local_settings}{level}"

    def _connection(self) -> Any:
        """The driver's own connection, each statement its own transaction."""
        if self._held is not None and not self._is_stale():
            return self._held.dbapi_connection
        was_open, self._identities = self._held is not None, _identities(self._files)
        self.close()
        if was_open and self._files:
            self._prepare()
        self._held = held = self._engine.raw_connection()
        connection: Any = held.dbapi_connection
        if self._files:
            held.detach()  # from the pool, for which it would be in use all the time
        else:
            connection.autocommit = True
        return connection

    def _set_level(self, connection: Any) -> None:
        """For the session; through a pooler each transaction sets its own."""
        assert self._held is not None
        level = None if self._level is None else self._level()
        if level is not None and level != self._level_set:
            if LOCAL_SETTINGS not in self._held.info:
                connection.execute(f"SET synchronous_commit TO {level}")
            self._level_set = level

    def _is_stale(self) -> bool:
        """Whether a file was replaced, or the server ended the connection: an idle one has nothing to say but that."""
        if self._files:
            return _identities(self._files) != self._identities
        assert self._held is not None
        from ari.base.readable import is_readable  # noqa: PLC0415 - commands on SQLite don't need it

        connection: Any = self._held.driver_connection
        return connection.closed or is_readable(connection)

    def _faults(self) -> tuple[type[Exception], ...]:
        dbapi: Any = self._engine.dialect.loaded_dbapi
        return dbapi.Error, OSError

    def _refusal(self, error: Exception) -> Exception | None:
        """A fault that is one of a value, not of the database."""
        dbapi: Any = self._engine.dialect.loaded_dbapi
        return UnicodeError("refused") if isinstance(error, dbapi.DataError | dbapi.IntegrityError) else None


def _identities(files: Iterable[Path]) -> list[tuple[int, int]]:
    return [(status.st_dev, status.st_ino) for status in map(os.stat, files)]
