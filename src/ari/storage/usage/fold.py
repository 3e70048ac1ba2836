"""Folds staged entries into rows and rollups, many in one transaction, so that totals = rollups = rows at any time.

On PostgreSQL entries leave the staging table in the same transaction. On SQLite the staging table has its own file, and
a process may be killed between the commits of two files. So the transaction records how far it came, and entries up to
there count as folded.
"""

# ruff: noqa: S608 - every name in these statements is our own

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, delete, func, inspect, select, text

from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.dialect import lock_for_migration
from ari.storage.postgres_sessions import set_limits
from ari.storage.tables import staging_file, usage_set_aside, usage_staging
from ari.storage.usage import client_counts, rollups, staged_entries
from ari.storage.usage.compact_sql import for_postgresql
from ari.storage.usage.copied_entries import copy_oldest, for_copies, number_new_texts
from ari.storage.usage.row_ids import ABOVE_ALL, BELOW_ALL
from ari.storage.usage.statements import execute, fill, with_relations
from ari.storage.write_lock import LOCK_SECONDS, write_lock
from ari.usage.model import Backlog

if TYPE_CHECKING:
    from ari.storage.usage.set_aside import SetAside
    from ari.storage.usage.shipping import RowSink

MAX_ENTRIES = 20_000
"""Of one transaction: more make each entry cheaper, fewer make others wait less."""
MAX_DELETED = 2_000
"""Entries deleted from SQLite's staging file in one transaction. Callers wait for it: about a millisecond."""
STAGING_CHECKPOINT_PAGES = 14_000
"""Length of the staging file's WAL, 58 MB, at which a caller's commit checkpoints it. ``checkpoint`` is earlier, unless
the process that folds has ended or gets no time."""

_WITH_ID = (rollups.REQUEST, rollups.FLOOD, rollups.COMPLETION, rollups.AI_USE)
_ANY_ID = {"first": BELOW_ALL.high, "last": ABOVE_ALL.high}
_staging = usage_staging.c
_LOW = "(SELECT coalesce(max(seq), 0) FROM usage_folds WHERE name = 'staging')"
_FIND_FIRST = f"SELECT seq FROM usage_staging WHERE seq > {_LOW} ORDER BY seq LIMIT 1"
_COUNT_STAGED = f"""SELECT (SELECT max(seq) FROM usage_staging) -
    (SELECT seq FROM usage_staging WHERE seq > {_LOW} ORDER BY seq LIMIT 1) + 1"""
"""An upper bound that reads two entries: numbers of failed commits are missing."""
_COUNT_UNREAD = f"SELECT ({_COUNT_STAGED}), EXISTS ({client_counts.HAS_COUNTS})"
_COUNT_SET_ASIDE = "SELECT count(*) FROM usage_set_aside"
_FIRST_STAGED = f"SELECT at_ms FROM usage_staging WHERE seq > {_LOW} AND at_ms IS NOT NULL ORDER BY seq LIMIT 1"
_EARLIEST_UNREAD = f"""SELECT min(at_ms) FROM (SELECT min(at_ms) AS at_ms FROM usage_staging WHERE seq > {_LOW}
    UNION ALL {client_counts.EARLIEST_MS}) AS earliest"""
_SAVE_HIGH = """INSERT INTO usage_folds (name, seq) VALUES ('staging', :high)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"""
_COUNT_FOLD = """INSERT INTO usage_folds (name, seq) VALUES ('count', 1)
    ON CONFLICT (name) DO UPDATE SET seq = usage_folds.seq + 1"""
"""On PostgreSQL, so that cached totals are known to be old. On SQLite the file itself shows it."""
_NEVER_REUSE_NUMBERS = (
    """INSERT INTO staging.sqlite_sequence (name, seq) SELECT 'usage_staging', 0
    WHERE NOT EXISTS (SELECT 1 FROM staging.sqlite_sequence WHERE name = 'usage_staging')""",
    f"UPDATE staging.sqlite_sequence SET seq = max(seq, {_LOW}) WHERE name = 'usage_staging'",
)
_RESTORE_COUNTERS = "INSERT OR IGNORE INTO staging.limit_counters SELECT * FROM main.limit_counters"
_SAVE_COUNTERS = "INSERT OR REPLACE INTO main.limit_counters SELECT * FROM staging.limit_counters"


_entries = staged_entries.RELATIONS
_relations = {**_entries, **rollups.RELATIONS, **staged_entries.TEXTS}
COUNT_AT_ONCE = with_relations(_relations, rollups.INSERT_REQUESTS, *staged_entries.COUNT_REQUESTS)
_NUMBER_TEXTS = (*staged_entries.PLANS, *staged_entries.ADD_TEXTS)
_COUNT_REQUESTS = (*_NUMBER_TEXTS, COUNT_AT_ONCE)
_COUNT_WITH_FLOODS = (
    *_NUMBER_TEXTS,
    with_relations(_entries, rollups.INSERT_REQUESTS),
    with_relations(_relations, *staged_entries.COUNT_REQUESTS),
    with_relations(_entries, rollups.UPSERT_FLOODS),
)
"""On PostgreSQL. The first request of a flood may be among the entries, and the others compare with its row."""
_COUNT_SHIPPED = (
    *_NUMBER_TEXTS,
    with_relations(_entries, rollups.INSERT_FLOOD_STARTS),
    with_relations(_relations, *staged_entries.COUNT_REQUESTS),
)
_COUNT_SHIPPED_WITH_FLOODS = (*_COUNT_SHIPPED, with_relations(_entries, rollups.UPSERT_FLOODS))
"""The same, where another engine stores the rows."""
_COMPLETE_ROWS = (*rollups.USE_INDEXES, rollups.COMPLETE_ROWS)
"""On PostgreSQL."""
_count_requests = rollups.count_requests(lambda column: rollups.text_of(f'"{column}"'))
_COUNT_IN_STEPS = (rollups.INSERT_REQUESTS, *fill(rollups.RELATIONS), *_count_requests)
"""On SQLite."""


class Folder:
    """Folds the staged entries of one usage log. Any number of processes stage entries; one at a time folds.

    ``engine`` is the log's. On SQLite it also has the staging file, and its transactions begin without a lock, so that
    they never block a commit to that file. ``sink`` is the other engine that stores the rows, if there is one.
    """

    def __init__(
        self,
        engine: Engine,
        lock_file: Path | None,
        staging: Engine,
        staging_lock: Path | None,
        sink: "RowSink | None" = None,
    ) -> None:
        self._sink = sink
        self.engine = engine
        self._lock_file = lock_file
        self.staging = staging
        self.staging_lock = staging_lock
        self._two_files = lock_file is not None

    @cached_property
    def set_aside(self) -> "SetAside":
        from ari.storage.usage.set_aside import SetAside  # noqa: PLC0415 - most commands fold nothing

        return SetAside(self.engine, self._lock_file, self.staging_lock)

    def prepare(self) -> None:
        """Create the staging tables if they are missing, and columns that an older version did not have.

        The numbers of entries continue where those of a lost file ended, and counters that are missing from the file
        are those of the last backup. Any number of processes may do this at once: one lock covers the check and the
        creation.
        """
        with write_lock(self.staging_lock), self.staging.begin() as connection:
            lock_for_migration(connection)
            usage_staging.create(connection, checkfirst=True)
            usage_set_aside.create(connection, checkfirst=True)
            _add_columns(connection)
            if self._two_files:
                staging_file.create_all(connection)
        if self._two_files:
            with write_lock(self.staging_lock), self.engine.begin() as connection:
                for statement in (*_NEVER_REUSE_NUMBERS, _RESTORE_COUNTERS):
                    connection.execute(text(statement))

    def save_counters(self) -> None:
        """Copy SQLite's counters into the log's file, which is what a backup reads. Raises ``Unavailable``."""
        if self._two_files:
            with faults_as_unavailable(), writing(self.engine, self._lock_file) as connection:
                connection.execute(text(_SAVE_COUNTERS))

    def fold(self, most: int = MAX_ENTRIES, lock_seconds: float = LOCK_SECONDS, *, sets_aside: bool = True) -> int:
        """Fold the oldest entries, at most ``most``. Returns how many. Entries that no fold takes are set aside.

        Raises ``Unavailable``, also if another process folds for longer than ``lock_seconds``.
        """
        count = self.move(most, lock_seconds, sets_aside=sets_aside)
        if count:
            self.delete_folded()
        return count

    def move(self, most: int = MAX_ENTRIES, lock_seconds: float = LOCK_SECONDS, *, sets_aside: bool = True) -> int:
        """Fold like ``fold``, but leave the folded entries in SQLite's staging file, where they don't count."""
        with faults_as_unavailable():
            run = self._fold_copies if self._two_files else self._fold_staged
            if self._sink is not None and self._find_first() is not None:
                self._sink.prepare()

            def fold(rows: int) -> int:
                return run(rows, lock_seconds)

            return self.set_aside.fold(fold, self._find_first, self._delete_repeated, most, sets_aside=sets_aside)

    def delete_folded(self) -> None:
        """Delete folded entries from SQLite's staging file, also those that a killed process left there.

        Callers' commits wait for each step. Raises ``Unavailable``.
        """
        if not self._two_files:
            return
        with faults_as_unavailable():
            with read_only(self.engine) as connection:
                high = connection.scalar(text(f"SELECT {_LOW}")) or 0
                first = connection.scalar(select(func.min(_staging.seq)))
            if first is None or first > high:
                return
            for end in range(first, high + MAX_DELETED, MAX_DELETED):
                with write_lock(self.staging_lock), self.staging.begin() as connection:
                    connection.execute(delete(usage_staging).where(_staging.seq <= min(end, high)))

    def count_unread(self) -> tuple[int, bool]:
        """About how many entries are staged, and whether there are counts of clients to add. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self.engine) as connection:
            staged, has_counts = connection.execute(text(_COUNT_UNREAD)).one()
            return staged or 0, bool(has_counts)

    def count_staged(self) -> int:
        """About how many entries are staged; never too few. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self.engine) as connection:
            return connection.scalar(text(_COUNT_STAGED)) or 0

    def backlog(self) -> Backlog:
        """The staged entries now, and when the first of them began. Raises ``Unavailable``."""
        with faults_as_unavailable(), read_only(self.engine) as connection:
            rows = connection.scalar(text(_COUNT_STAGED)) or 0
            first_ms = connection.scalar(text(_FIRST_STAGED)) if rows else None
            return Backlog(rows, first_ms, connection.scalar(text(_COUNT_SET_ASIDE)) or 0)

    def earliest_unread_ms(self) -> int | None:
        """When the earliest request began that is staged, or whose client waits to be counted; ``None`` if none is.

        Reads all of them, 0.1 µs each. Raises ``Unavailable``.
        """
        with faults_as_unavailable(), read_only(self.engine) as connection:
            earliest: int | None = connection.scalar(text(_EARLIEST_UNREAD))
            return earliest

    def checkpoint(self) -> None:
        """Checkpoint the staging file's WAL, first without the write lock, then again while holding it, so that SQLite
        can restart the WAL. Otherwise a caller's commit would do it, and every caller would wait for the disk."""
        if not self._two_files:
            return
        held = self.staging.raw_connection()
        connection: Any = held.driver_connection
        with closing(held), suppress(sqlite3.Error):  # the next call tries again
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            with write_lock(self.staging_lock):
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _find_first(self) -> int | None:
        with read_only(self.engine) as connection:
            first: int | None = connection.scalar(text(_FIND_FIRST))
            return first

    def _fold_copies(self, most: int, lock_seconds: float) -> int:
        """On SQLite: copy the entries in one transaction, and fold the copies in another."""
        with write_lock(self._lock_file, lock_seconds), self.engine.connect() as connection:
            with connection.begin():
                copied = copy_oldest(connection, connection.scalar(text(f"SELECT {_LOW}")) or 0, most)
            if copied is None:
                return 0
            with connection.begin():
                span = {"low": copied.low, "high": copied.high} | _ANY_ID
                _begin_write(connection)
                number_new_texts(connection)
                floods = [rollups.UPSERT_FLOODS] if rollups.FLOOD in copied.kinds else []
                count_requests = [*_COUNT_IN_STEPS, *floods]
                statements = _list_statements(copied.kinds, count_requests, [rollups.COMPLETE_ROWS])
                execute(connection, map(for_copies, statements), span)
                connection.execute(text(_SAVE_HIGH), {"high": copied.high})
        return copied.entries

    def _fold_staged(self, most: int, lock_seconds: float) -> int:
        """On PostgreSQL, where entries leave the staging table in the same transaction."""
        from ari.storage.usage import rows_elsewhere, shipping  # noqa: PLC0415 - PostgreSQL alone needs them

        with writing(self.engine, self._lock_file, lock_seconds) as connection:
            # If the server loses this transaction, the entries are still staged.
            connection.execute(text("SET LOCAL synchronous_commit TO off"))
            found = _find_oldest(connection, 0, most)
            if not found:
                return 0
            high, kinds = max(row[2] for row in found), {row[0] for row in found}
            span = {"low": 0, "high": high} | find_span(found)
            if self._sink is None:
                rows_elsewhere.refuse_if_elsewhere(connection)
                count_requests = _COUNT_WITH_FLOODS if rollups.FLOOD in kinds else _COUNT_REQUESTS
            else:
                shipping.ship(connection, self._sink, span)
                count_requests = _COUNT_SHIPPED_WITH_FLOODS if rollups.FLOOD in kinds else _COUNT_SHIPPED
            statements = _list_statements(kinds, count_requests, _COMPLETE_ROWS)
            execute(connection, map(for_postgresql, statements), span)
            connection.execute(delete(usage_staging).where(_staging.seq <= high))
            connection.execute(text(_COUNT_FOLD))
        return sum(row[1] for row in found)

    def _delete_repeated(self, most: int) -> int:
        """Delete repeats among the oldest entries, as after a commit whose outcome was unknown. Returns how many."""
        statement = rollups.FIND_REPEATED if self._two_files else for_postgresql(rollups.FIND_REPEATED)
        with write_lock(self.staging_lock), self.engine.begin() as connection:
            low = connection.scalar(text(f"SELECT {_LOW}")) or 0
            oldest = _find_oldest(connection, low, most)
            span = {"low": low, "high": max((row[2] for row in oldest), default=low)} | find_span(oldest)
            found = connection.scalars(text(statement), span).all()
            if found:
                connection.execute(text("DELETE FROM usage_staging WHERE seq = :seq"), [{"seq": one} for one in found])
        return len(found)


def _find_oldest(connection: Connection, low: int, most: int) -> Sequence[Any]:
    """The oldest ``most`` entries above ``low`` by kind: how many, the last number, and how many ids, from which to
    which."""
    columns = select(_staging.seq, _staging.kind, _staging.id_high)
    oldest = columns.where(_staging.seq > low).order_by(_staging.seq).limit(most).subquery()
    ids = func.count(oldest.c.id_high), func.min(oldest.c.id_high), func.max(oldest.c.id_high)
    counts = select(oldest.c.kind, func.count(), func.max(oldest.c.seq), *ids).group_by(oldest.c.kind)
    return connection.execute(counts).all()


def find_span(found: Iterable[Any]) -> dict[str, int]:
    """From the first to the last id of requests and their ends. A node of an older version stages them as text only;
    then any is possible."""
    with_ids = [row for row in found if row[0] in _WITH_ID]
    if not with_ids or any(row[3] < row[1] for row in with_ids):
        return _ANY_ID
    return {"first": min(row[4] for row in with_ids), "last": max(row[5] for row in with_ids)}


def _list_statements(
    kinds: Collection[str], count_requests: Sequence[str], complete_rows: Sequence[str]
) -> Iterator[str]:
    """The statements that fold entries of these kinds."""
    if rollups.REQUEST in kinds or rollups.FLOOD in kinds:
        yield from count_requests
    if rollups.ATTEMPTS in kinds:
        yield from rollups.COUNT_ATTEMPTS
    if rollups.AI_USE in kinds:
        yield from rollups.COUNT_AI_USES
    if rollups.COMPLETION in kinds or rollups.AI_USE in kinds:
        yield from complete_rows


def _begin_write(connection: Connection) -> None:
    """A transaction that has read doesn't wait to write, though a process that opens the file may lock it now."""
    connection.execute(text("UPDATE usage_folds SET seq = seq WHERE false"))


def _add_columns(connection: Connection) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(usage_staging.name)}
    for column in usage_staging.columns:
        if column.name not in known:
            kind = column.type.compile(connection.dialect)
            connection.execute(text(f"ALTER TABLE {usage_staging.name} ADD COLUMN {column.name} {kind}"))


@contextmanager
def writing(engine: Engine, lock_file: Path | None, lock_seconds: float = LOCK_SECONDS) -> Iterator[Connection]:
    """A transaction that changes the log: one at a time, by the write lock on SQLite and a table lock on PostgreSQL.

    A transaction that keeps one snapshot takes it after the lock. Raises ``Unavailable`` if the lock is taken for
    longer than ``lock_seconds``.
    """
    with write_lock(lock_file, lock_seconds), engine.begin() as connection:
        if lock_file is None:
            if lock_seconds != LOCK_SECONDS:
                set_limits(connection, {"lock_timeout": f"{lock_seconds * 1000:.0f}ms"})
            connection.execute(text("LOCK TABLE usage_folds IN EXCLUSIVE MODE"))
        else:
            _begin_write(connection)
        yield connection
