"""Where requests are logged first: a list without indexes or counts, so that a caller waits for as little as can be.

``settle.py`` moves what is here into the tables that are read, many requests in one transaction. On SQLite the list is
a file of its own, since a file has one writer at a time, and callers must not wait for that move.
"""

import os
import select
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from ari.base.clock import MINUTE_MS
from ari.storage.bulk import Insert
from ari.storage.database_errors import unavailable
from ari.storage.postgres_sessions import LOCAL_SETTINGS
from ari.storage.tables import usage_inbox
from ari.storage.usage.commit import REFUSALS, ROW_FIELDS, row_values, without_texts
from ari.storage.write_lock import write_turn
from ari.usage.ai import AiUse
from ari.usage.model import OTHER_ADDRESSES, Attempt, Completion, UsageRow
from ari.usage.ports import Batch

ROW, ATTEMPTS, DONE, USED = "row", "attempts", "done", "used"
"""What an entry is: a request, how many attempts came from an address in a minute, how a logged request ended, what it
used at a provider."""

_COLUMNS = ("what", *ROW_FIELDS)
_INSERT = Insert(usage_inbox, _COLUMNS)
_TRY = """INSERT INTO usage_inbox (what) SELECT 'row'
    WHERE NOT has_sequence_privilege(pg_get_serial_sequence('usage_inbox', 'seq'), 'USAGE, UPDATE')"""
"""Adds no row, and fails where one could not be added: without the table, the right, or a server that writes."""
_use_values = attrgetter(*(field.name for field in fields(AiUse)))
_NOTHING = dict.fromkeys(_COLUMNS)
_Entry = tuple[Any, ...]
_PAGES_OF_A_COMMIT, _ENTRIES_OF_A_PAGE = 4, 10


class Staging:
    """Holds one connection, used by one thread at a time.

    ``files`` are SQLite's, of the inbox and of the log, none on PostgreSQL: where either is gone nothing is taken, and
    where one was replaced, ``prepare`` is called before more is.
    """

    def __init__(
        self,
        engine: Engine,
        lock_file: Path | None,
        files: Sequence[Path],
        prepare: Callable[[], None],
        level: Callable[[], str] | None = None,
    ) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._files = files
        self._prepare = prepare
        self._level = level
        """The ``synchronous_commit`` to use now, where it may change while the connection is open."""
        self._level_set: str | None = None
        self._held: PoolProxiedConnection | None = None
        self._identities: list[tuple[int, int]] = []
        self._mutex = threading.Lock()
        self.pages = 0
        """About how many SQLite added to the write-ahead log for what was committed here."""

    def append(self, batch: Batch) -> None:
        """Commit the batch. What the database refuses is kept without its caller's texts. Raises ``Unavailable``."""
        entries = [(ROW, *row_values(row)) for row in batch.rows]
        if batch.attempts:
            entries += _counted(batch.attempts)
        if batch.completions:
            entries += [_used(done) if isinstance(done, AiUse) else _done(done) for done in batch.completions]
        try:
            self._commit(entries)
        except REFUSALS:
            for entry in entries:
                self._commit_one(entry)

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
                    connection.execute(_TRY)
            except self._faults() as error:
                self.close()
                raise unavailable(error) from None

    def close(self) -> None:
        """Let the connection go."""
        held, self._held, self._level_set = self._held, None, None
        if held is not None:
            with suppress(*self._faults()):
                held.invalidate()

    def _commit_one(self, entry: _Entry) -> None:
        try:
            self._commit([entry])
        except REFUSALS:
            self._commit(_harmless(entry))

    def _commit(self, entries: Sequence[_Entry]) -> None:
        with self._mutex:
            try:
                connection = self._connection()
                self._set_level(connection)
                with write_turn(self._lock_file):
                    self._insert(connection, entries)
                self.pages += _PAGES_OF_A_COMMIT + len(entries) // _ENTRIES_OF_A_PAGE
            except self._faults() as error:
                self.close()
                refusal = self._refusal(error)
                raise (refusal or unavailable(error)) from None

    def _insert(self, connection: Any, entries: Sequence[_Entry]) -> None:
        with self._local_settings(connection):
            _INSERT.run(connection, entries)

    @contextmanager
    def _local_settings(self, connection: Any) -> Iterator[None]:
        """Through a pooler, settings hold for a transaction alone; elsewhere each statement is one."""
        assert self._held is not None
        local_settings = self._held.info.get(LOCAL_SETTINGS)
        if local_settings is None:
            yield
            return
        level = "" if self._level_set is None else f"; SET LOCAL synchronous_commit TO {self._level_set}"
        connection.execute(f"BEGIN; {local_settings}{level}")
        yield
        connection.execute("COMMIT")

    def _connection(self) -> Any:
        """The driver's own connection, each statement its own transaction."""
        if self._held is not None and not self._is_stale():
            return self._held.driver_connection
        was_open, self._identities = self._held is not None, _identities(self._files)
        self.close()
        if was_open and self._files:
            self._prepare()
        self._held = held = self._engine.raw_connection()
        connection: Any = held.driver_connection
        if not self._files:
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
        return UnicodeError("refused") if isinstance(error, dbapi.DataError) else None


def _identities(files: Iterable[Path]) -> list[tuple[int, int]]:
    return [(status.st_dev, status.st_ino) for status in map(os.stat, files)]


def _counted(attempts: Iterable[Attempt]) -> list[_Entry]:
    counts: dict[tuple[int, str, str], tuple[int, int]] = {}
    for attempt in attempts:
        bucket = (attempt.at_ms // MINUTE_MS, attempt.reason, attempt.address)
        count, last_ms = counts.get(bucket, (0, attempt.at_ms))
        counts[bucket] = (count + attempt.count, max(last_ms, attempt.at_ms))
    return [
        _entry(what=ATTEMPTS, at_ms=last_ms, code=reason, client_address=address, count=count)
        for (_, reason, address), (count, last_ms) in counts.items()
    ]


def _done(done: Completion) -> _Entry:
    return _entry(what=DONE, id=done.id, status=done.status, duration_ms=done.duration_ms, bytes=done.bytes)


def _used(use: AiUse) -> _Entry:
    """As JSON in the place of a row's path."""
    return _entry(what=USED, id=use.id, path=msgspec.json.encode(_use_values(use)).decode())


def _entry(**given: Any) -> _Entry:
    return tuple((_NOTHING | given).values())


def _harmless(entry: _Entry) -> list[_Entry]:
    """What is kept of an entry that the database refuses."""
    what, *values = entry
    if what == ROW:
        return [(ROW, *row_values(without_texts(UsageRow(*values))))]
    if what == ATTEMPTS:
        return [_entry(**dict(zip(_COLUMNS, entry, strict=True)) | {"client_address": OTHER_ADDRESSES})]
    return []


def batch_of(entries: Iterable[_Entry]) -> Batch:
    """Entries, as they were given, in the order of their coming."""
    batch = Batch()
    for what, *values in entries:
        row = UsageRow(*values)
        if what == ROW:
            batch.rows.append(row)
        elif what == DONE:
            assert row.status is not None
            assert row.duration_ms is not None
            batch.completions.append(Completion(row.id, row.status, row.duration_ms, row.bytes))
        elif what == USED:
            batch.completions.append(AiUse(*msgspec.json.decode(row.path)))
        else:
            assert row.client_address is not None
            batch.attempts.append(Attempt(row.at_ms, row.code, row.client_address, row.count))
    return batch
