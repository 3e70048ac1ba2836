"""Stages requests: commits them to a table without indexes or counts, so that a caller waits as little as possible.

``fold.py`` moves the entries into the tables that are read, many in one transaction. On SQLite the staging table has
its own file, since a file has one writer at a time and callers must not wait for a fold.
"""

import logging
import os
import select
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from ari.base.clock import MINUTE_MS, Clock
from ari.keys.limits.counter import Counter
from ari.storage.bulk import Insert
from ari.storage.database_errors import faults_as_unavailable, read_only, unavailable
from ari.storage.forks import GATE
from ari.storage.postgres_sessions import LOCAL_SETTINGS
from ari.storage.tables import usage_ai, usage_staging
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
from ari.storage.usage.rollups import AI_USE, ATTEMPTS, COMPLETION, FLOOD, REQUEST
from ari.storage.usage.row_ids import parse_id
from ari.storage.write_lock import write_lock
from ari.usage.ai import AiUse
from ari.usage.cleaning import clean_batch, clean_use
from ari.usage.floods import RefusalFlood
from ari.usage.limit_decisions import apply_decision, decide_batch, list_owners
from ari.usage.model import Attempt, Completion, UsageRow
from ari.usage.ports import Batch

REFUSALS = (UnicodeError, OverflowError)
"""How a driver refuses a value. A refusal by the database itself is raised as one of these."""

ROW_FIELDS = UsageRow.__struct_fields__[:-2]
"""The columns of a request. Of the last fields, ``ai`` has its own table, and ``charge`` is stored in the counters."""
_AI_FIELDS = tuple(usage_ai.c.keys())
_COLUMNS = ("kind", "id_high", "id_low", *dict.fromkeys((*ROW_FIELDS, *_AI_FIELDS)))
_INSERT_REQUESTS = Insert(usage_staging, ("kind", "id_high", "id_low", *ROW_FIELDS[1:]))
"""The id of a request is staged as two integers alone, and texts that are the usual one are left out."""
_INSERT = Insert(usage_staging, _COLUMNS)
_CHECK = """INSERT INTO usage_staging (kind) SELECT 'request'
    WHERE NOT has_sequence_privilege(pg_get_serial_sequence('usage_staging', 'seq'), 'USAGE, UPDATE')"""
"""Adds no row, and fails where one could not be added: no table, no privilege, or a read-only server."""
_EMPTY = dict.fromkeys(_COLUMNS)
_NO_AI_USE = (None,) * (len(_COLUMNS) - len(ROW_FIELDS) - 3)
_Entry = tuple[Any, ...]
_COMPLETION_FIELDS = ("id", "status", "duration_ms", "bytes")
_read_completion, _read_use = attrgetter(*_COMPLETION_FIELDS), attrgetter(*_AI_FIELDS)


def _place(fields: Sequence[str]) -> Callable[[_Entry], _Entry]:
    """Makes an entry of ``None``, its kind and these fields: 1 µs, where a dictionary takes 5."""
    given = ("kind", *fields)
    return itemgetter(*(given.index(name) + 1 if name in given else 0 for name in _COLUMNS))


_place_completion, _place_use = _place(("id_high", "id_low", *_COMPLETION_FIELDS)), _place(_AI_FIELDS)
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
                    insert, entries = _entries(batch, batch.rows)
                    with write_lock(self._lock_file), self._local_settings(connection):
                        insert.run(connection, entries)
            except self._faults() as error:
                self.close()
                raise (self._refusal(error) or unavailable(error)) from None
            except BaseException:
                self.close()  # a transaction may be open
                raise

    def _commit_charged(self, connection: Any, batch: Batch, owner_ids: list[str]) -> None:
        """Commit the batch and the counters it touches."""
        if self._files:
            with write_lock(self._lock_file):
                connection.execute("BEGIN IMMEDIATE")
                counters, now_ms = read_sqlite(connection, owner_ids), self._uptime_clock.now_ms(connection)
                settled = find_settled_sqlite(connection, self._files[1], batch)
                changes = decide_batch(batch, counters, now_ms, settled)
                insert, entries = _entries(batch, self._apply_decisions(batch))
                insert.add(connection, entries)
                save_sqlite(connection, counters, changes.owner_ids)
                save_warnings(connection, "?", changes.crossings, now_ms)
                connection.execute("COMMIT")
            return
        counters, now_ms = begin_postgres(connection, self._begin(), owner_ids)
        changes = decide_batch(batch, counters, now_ms, find_settled_postgres(connection, batch))
        insert, entries = _entries(batch, self._apply_decisions(batch))
        with connection.pipeline():
            insert.add(connection, entries)
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
        connection: Any = self._held.driver_connection
        return connection.closed or bool(select.select([connection], [], [], 0)[0])

    def _faults(self) -> tuple[type[Exception], ...]:
        dbapi: Any = self._engine.dialect.loaded_dbapi
        return dbapi.Error, OSError

    def _refusal(self, error: Exception) -> Exception | None:
        """A fault that is one of a value, not of the database."""
        dbapi: Any = self._engine.dialect.loaded_dbapi
        return UnicodeError("refused") if isinstance(error, dbapi.DataError | dbapi.IntegrityError) else None


def _identities(files: Iterable[Path]) -> list[tuple[int, int]]:
    return [(status.st_dev, status.st_ino) for status in map(os.stat, files)]


def _entries(batch: Batch, rows: Sequence[UsageRow]) -> tuple[Insert, list[_Entry]]:
    """The entries of a batch with these rows, and how to insert them."""
    entries = [_request(*astuple(row)) for row in rows]
    refused = [row.ai for row in rows if row.ai is not None and not row.accepted and row.count == 1]
    if not (batch.attempts or batch.completions or refused):
        return _INSERT_REQUESTS, entries
    entries = [(*entry[:3], None, *entry[3:], *_NO_AI_USE) for entry in entries]
    entries += _attempts(batch.attempts)
    entries += [_ai_use(clean_use(use)) for use in refused]
    entries += [_ai_use(done) if isinstance(done, AiUse) else _completion(done) for done in batch.completions]
    return _INSERT, entries


def _request(
    row_id: str, at_ms: int, request_id: str, key_id: str, key_hint: str, code: str, method: str, route: str, path: str,
    address: str | None, agent: str | None, status: int | None, duration_ms: float | None, size: int | None, count: int,
    source: str, secret_number: int | None, consumed: str | None, *_others: object,
) -> _Entry:  # fmt: skip
    """The entry of a row: 0.3 µs, where attributes would take 0.8."""
    return (
        REQUEST if count == 1 else FLOOD, *parse_id(row_id), at_ms, None if request_id == row_id else request_id,
        key_id, key_hint, code, method, route, None if path == route else path, address, agent, status, duration_ms,
        size, count, source, secret_number, consumed,
    )  # fmt: skip


def _attempts(attempts: Iterable[Attempt]) -> list[_Entry]:
    """One entry for those alike, so that a flood is staged as a few entries."""
    alike: dict[tuple[int, str, str], tuple[int, int]] = {}
    for attempt in attempts:
        bucket = (attempt.at_ms // MINUTE_MS, attempt.reason, attempt.address)
        count, last_ms = alike.get(bucket, (0, attempt.at_ms))
        alike[bucket] = (count + attempt.count, max(last_ms, attempt.at_ms))
    return [
        _entry(kind=ATTEMPTS, at_ms=last_ms, code=reason, client_address=address, count=count)
        for (_, reason, address), (count, last_ms) in alike.items()
    ]


def _completion(done: Completion) -> _Entry:
    return _place_completion((None, COMPLETION, *parse_id(done.id), *_read_completion(done)))


def _ai_use(use: AiUse) -> _Entry:
    return _place_use((None, AI_USE, *_read_use(use)))


def _entry(**values: Any) -> _Entry:
    return tuple((_EMPTY | values).values())
