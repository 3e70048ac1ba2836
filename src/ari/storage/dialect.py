"""The only place where SQLite and PostgreSQL differ."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

BUSY_SECONDS = 5
_MIGRATION_LOCK = 0x41524931
_CHAIN_LOCK = 0x41524932


def sqlite_engine(path: Path, synchronous: str) -> Engine:
    """An engine on one SQLite file in WAL mode; writers queue on a file lock beside it, so none starves."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=8,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    was_there = False

    @event.listens_for(engine, "do_connect")
    def _never_anew(_dialect: object, _record: object, _args: object, _params: object) -> None:
        # SQLite would make an empty file in the place of one that was removed under a running process.
        nonlocal was_there
        if was_there and not path.exists():
            raise sqlite3.OperationalError("unable to open the database file: it is gone")
        was_there = True

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def _same_file(_connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        # An open connection would go on writing into a file that was removed or replaced, where no reader looks.
        if record.info["file"] != _identity(path):
            raise DisconnectionError("The database file was replaced.")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = "DEFERRED" if connection.get_execution_options().get("ari_read_only") else "IMMEDIATE"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def postgresql_engine(url: str, synchronous_commit: str = "on") -> Engine:
    """An engine on PostgreSQL through psycopg 3."""
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    return create_engine(
        parsed,
        pool_size=4,
        max_overflow=8,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": BUSY_SECONDS,
            "application_name": "ari",
            "options": f"-c synchronous_commit={synchronous_commit} -c lock_timeout=5s -c statement_timeout=30s",
        },
    )


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def insert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows ON CONFLICT, spelled alike on both."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


@contextmanager
def write_turn(lock_file: Path | None) -> Iterator[None]:
    """Wait for one's turn to write to a SQLite file: two busy writers would starve each other otherwise.

    ``None`` (PostgreSQL) needs no turn.
    """
    if lock_file is None:
        yield
        return
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lock_for_migration(connection: Connection) -> None:
    """Only one process migrates at a time; on SQLite the caller holds a file lock."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def lock_chain(connection: Connection) -> None:
    """Only one transaction at a time appends to the event chain."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
