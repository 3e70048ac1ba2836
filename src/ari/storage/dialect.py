"""The only place where SQLite and PostgreSQL differ."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from ari.storage.forks import GATE
from ari.storage.pending_restore import require_whole
from ari.storage.postgres_sessions import BUSY_SECONDS, LIMITS, LOCAL_SETTINGS, set_limits

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

MIGRATION_SECONDS = 600.0
"""How long a starting process waits for another that makes or changes tables."""
_MIGRATION_LOCK = 0x41524931
_CHAIN_LOCK = 0x41524932
_RETENTION_LOCK = 0x41524933
_SEALING_LOCK = 0x41524934
IDLE_SECONDS = 30.0
"""A writer that is frozen in the middle of its transaction may not block the others for longer."""
_LOCK_CHAIN = text(
    f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK}), set_config('idle_in_transaction_session_timeout', :idle, true)"
)
_INCREMENTAL = 2
_OUT = "ari_is_out"
KEPT_PAGES = 1_000
_FOLD_CACHE_KILOBYTES = 16_384
"""A fold writes rows of many keys, each to its own place in the indexes."""
_WAL_BYTES = 64_000_000
"""The length to which a longer WAL is cut when it restarts."""
_MIGRATION_CACHE_KILOBYTES = 131_072


def sqlite_engine(path: Path, synchronous: str, attached: Path | None = None, checkpoint_pages: int = 1_000) -> Engine:
    """An engine on one SQLite file in WAL mode, for writers that take its write lock first.

    ``attached`` is a second file whose tables it has as well; then a transaction locks only the file it writes to.
    ``checkpoint_pages`` is the WAL's length at which a commit checkpoints it, and waits for the disk.
    """
    files = _watch(path, attached)
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=_Pool,
        pool_size=4,
        max_overflow=8,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    was_there = False

    @event.listens_for(engine, "do_connect")
    def _refuse_missing(_dialect: object, _record: object, _args: object, _params: object) -> None:
        # SQLite would create an empty file in place of one that was removed under a running process.
        nonlocal was_there
        require_whole(path.parent)  # before the connection, which changes the file to WAL mode
        if was_there and not all(file.exists() for file in files):
            raise sqlite3.OperationalError("unable to open the database file: it is gone")
        was_there = True

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: ConnectionPoolEntry) -> None:
        _set_up(connection, synchronous)
        connection.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
        if attached is not None:
            connection.execute("ATTACH DATABASE ? AS staging", (str(attached),))
            connection.execute(f"PRAGMA cache_size=-{_FOLD_CACHE_KILOBYTES}")
            connection.execute("PRAGMA temp_store=MEMORY")
        record.info["files"] = [_identity(file) for file in files]

    @event.listens_for(engine, "checkout")
    def _same_file(_connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        # An open connection would go on writing into a file that was removed or replaced, where no reader looks.
        if record.info["files"] != [_identity(file) for file in files]:
            raise DisconnectionError("The database file was replaced.")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get("ari_read_only")
        mode = "DEFERRED" if only_reads or attached is not None else "IMMEDIATE"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _watch(path: Path, attached: Path | None) -> tuple[Path, ...]:
    """The files of an engine, which no child uses that has inherited one of them open."""
    files = (path,) if attached is None else (path, attached)
    GATE.watch(*files)
    return files


class _Pool(QueuePool):
    """Its connections are uses of SQLite while they are out, and are closed before a fork."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        GATE.add(self)

    def connect(self) -> PoolProxiedConnection:
        GATE.enter()
        try:
            connection = super().connect()
        except BaseException:
            GATE.leave()
            raise
        _info(connection)[_OUT] = True
        return connection

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        was_out = _info(record).pop(_OUT, False)
        try:
            super()._do_return_conn(record)
        finally:
            if was_out:
                GATE.leave()

    def pause(self) -> None:
        """Close the connections; all are in the pool now."""
        self.dispose()

    def resume(self) -> None:
        """The pool opens connections when they are wanted."""


def _info(held: PoolProxiedConnection | ConnectionPoolEntry) -> dict[Any, Any]:
    assert held.record_info is not None  # it has one as long as it belongs to a pool
    return held.record_info


def _set_up(connection: sqlite3.Connection, synchronous: str) -> None:
    connection.isolation_level = None
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
        # Means something only for a file that is made now, before it is in WAL mode. Elsewhere it waits for writers.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA secure_delete=ON")  # what was erased is not left in free pages


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def order_writes(engine: Engine) -> None:
    """Make every transaction on this engine that may write begin with the lock of the event chain.

    One lock, taken first and by all, leaves no two writers that could wait for each other, and every writer reads what
    the writers before it committed. SQLite does the same with ``BEGIN IMMEDIATE``. A transaction that only reads takes
    no lock; ``alone`` takes it after its own.
    """
    if engine.dialect.name == "sqlite":
        return

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if any(options.get(name) for name in ("ari_read_only", "postgresql_readonly", "ari_locks_later")):
            return
        connection.execute(_LOCK_CHAIN, {"idle": f"{IDLE_SECONDS:g}s"})


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def insert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows ON CONFLICT, spelled alike on both."""
    if is_sqlite(connection):
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 0.08 s that SQLite should not cost

    return postgresql.insert(table)


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows that have the same columns, with plain values that the driver takes as they are.

    SQLAlchemy's own handling of each row takes longer than the database.
    """
    if not rows:
        return
    statement: Any = table.insert().compile(dialect=connection.dialect, column_keys=list(rows[0]))
    if not statement.positional:
        connection.exec_driver_sql(str(statement), [dict(row) for row in rows])
        return
    names = statement.positiontup
    connection.exec_driver_sql(str(statement), [tuple(row[name] for name in names) for row in rows])


@contextmanager
def only_here(engine: Engine, lock_file: Path | None) -> Iterator[bool]:
    """Whether this process may go on: it got the lock that one alone may hold, until the block or the process ends."""
    if lock_file is None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if LOCAL_SETTINGS in connection.info:
                # Behind a pooler a session's lock would stay with the next client, and a transaction held for so
                # long would keep one of its few connections. So several may run; each of their steps has its own lock.
                yield True
                return
            got = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _RETENTION_LOCK}).scalar_one()
            try:
                yield bool(got)
            finally:
                if got:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _RETENTION_LOCK})
        return
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def gives_room_back(connection: Connection) -> bool:
    """Whether freed space can be returned to the file system: not in a SQLite file created without auto-vacuum."""
    return not is_sqlite(connection) or connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == _INCREMENTAL


def count_free_pages(connection: Connection) -> int:
    """How many free pages of a SQLite file are worth giving back: all but a tenth of the file.

    0 where a file cannot be shortened, and on PostgreSQL, whose autovacuum keeps what is free for new rows.
    """
    if not is_sqlite(connection) or not gives_room_back(connection):
        return 0
    free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    return max(0, free - max(KEPT_PAGES, pages // 10))


def give_back_pages(connection: Connection, count: int) -> None:
    """Shorten a SQLite file by this many of its free pages."""
    raw: Any = connection.connection.driver_connection
    for _ in range(count):  # SQLite frees one page a step, and Python's driver takes a single step
        raw.execute("PRAGMA incremental_vacuum(1)")


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that may make or change tables: one at a time, and no other writes to the keys database.

    On SQLite the caller holds a file lock.
    """
    with engine.connect().execution_options(ari_locks_later=True) as connection, connection.begin():
        lock_for_migration(connection, _CHAIN_LOCK)
        yield connection


@contextmanager
def moving_rows(connection: Connection) -> Iterator[None]:
    """Let the statements of a migration take their time, and memory that does not grow with the database."""
    if not is_sqlite(connection):
        set_limits(connection, {"statement_timeout": "0", "maintenance_work_mem": "256MB"})
        yield
        set_limits(connection)
        return
    before = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    connection.exec_driver_sql(f"PRAGMA cache_size=-{_MIGRATION_CACHE_KILOBYTES}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size={before}")


def lock_for_migration(connection: Connection, *others: int) -> None:
    """Only one process makes or changes tables at a time; on SQLite the caller holds a file lock.

    ``others`` are locks that are waited for as long.
    """
    if is_sqlite(connection):
        return
    set_limits(connection, dict.fromkeys(LIMITS, f"{MIGRATION_SECONDS:g}s"))
    for key in (_MIGRATION_LOCK, *others):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    set_limits(connection)


def lock_sealing(connection: Connection) -> None:
    """Let only one transaction at a time write encrypted secrets."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SEALING_LOCK})
