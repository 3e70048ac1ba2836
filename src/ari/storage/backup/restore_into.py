"""The targets of a restore: new SQLite files that replace the old ones, or one PostgreSQL transaction."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection, Table, inspect, select, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from ari.base.audit import Head, Mark
from ari.base.errors import Conflict, Unavailable
from ari.base.master_key import MasterKeys
from ari.base.settings import Settings
from ari.storage import tables
from ari.storage.audit_log.histories import find_ended
from ari.storage.audit_log.witness import Witness
from ari.storage.database_errors import plain_sentence, read_only
from ari.storage.dialect import alone
from ari.storage.engine import KEYS_FILE, STAGING_FILE, USAGE_FILE, Database
from ari.storage.failover.begin import begin_history, histories_in, new_history_id
from ari.storage.migrate import migrate
from ari.storage.pending_restore import (
    WITNESS_FILE,
    exclude_others,
    hold_new_files,
    lock_files,
    make_in_use_error,
    put_in_place,
)

Fill = Callable[[Connection, Connection, Sequence[Head]], Mark | None]
"""Writes the rows through a connection to the keys and one to the usage log; on PostgreSQL they are the same.

The heads are those of the audit logs that end with the restore, on PostgreSQL, where other nodes have seen them.

Returns the signed head of the audit log.
"""

_LEAVING_SECONDS = 2.0
"""How long the server may take to let a connection go that was closed: our own, a moment ago, among them."""
_TELLING_MAIN = (tables.accounts, tables.api_keys, tables.events)
_TELLING_LOG = (tables.usage_log,)
"""An instance is empty while these are."""


def into_sqlite(settings: Settings, replace: bool, keys: MasterKeys, fill: Fill) -> None:
    """Fill new files in a folder inside the data directory, then replace the old ones with all of them."""
    database = Database.open(settings, trusting=True)
    target = settings.data_dir
    replaced = _histories(database)
    try:
        with lock_files(target):
            if not replace and (target / KEYS_FILE).exists():
                _refuse_filled_files(database)
            database.close()
            with exclude_others(target):
                _replace_files(settings, keys, fill, replaced)
    finally:
        database.close()


def into_postgresql(settings: Settings, replace: bool, keys: MasterKeys, fill: Fill) -> None:
    """Fill the tables in one transaction."""
    database = Database.open(settings, keys, trusting=True)
    try:
        if database.server is not None and database.server.pooled:
            raise Conflict(
                "in_use",
                "ARI can't see through a pooler whether another process uses the database. For the restore, set "
                "ARI_DATABASE_URL to PostgreSQL itself.",
            )
        migrate(database)
        replaced = _histories(database)
        database.log.dispose()  # its connection would look like another ARI process
        with alone(database.main) as connection:
            _refuse_others(connection)
            ended = find_ended(connection, database.witness, keys)
            if replace:
                _empty(connection)
            elif _is_filled(connection, (*_TELLING_MAIN, *_TELLING_LOG)):
                raise _make_filled_error()
            signed = fill(connection, connection, ended)
            begin_history(connection, new_history_id(), replaced)
        if signed is None:
            database.witness.forget()
        else:
            database.witness.keep(signed)
    finally:
        database.close()


def _histories(database: Database) -> list[str]:
    """The histories that end with the restore, as far as this node and the database know them."""
    record = database.history.record()
    found = [] if record is None else [record.history]
    if database.main_lock is not None and not (database.data_dir / KEYS_FILE).exists():
        return found
    with suppress(SQLAlchemyError), read_only(database.main) as connection:
        found += histories_in(connection)
    return found


def _make_filled_error() -> Conflict:
    return Conflict("not_empty", "This instance isn't empty. Use --force to overwrite it.")


def _is_filled(connection: Connection, telling: tuple[Table, ...]) -> bool:
    known = set(inspect(connection).get_table_names())
    return any(table.name in known and connection.execute(select(table).limit(1)).first() for table in telling)


def _refuse_filled_files(database: Database) -> None:
    try:
        with read_only(database.main) as main, read_only(database.log) as log:
            filled = _is_filled(main, _TELLING_MAIN) or _is_filled(log, _TELLING_LOG)
    except DatabaseError:  # damaged, so something was in it
        filled = True
    if filled:
        raise _make_filled_error()


def _replace_files(settings: Settings, keys: MasterKeys, fill: Fill, replaced: list[str]) -> None:
    """Everything of the new instance is in the new folder before anything of the old one changes."""
    with hold_new_files(settings.data_dir) as folder:
        signed = _fill_files(settings.model_copy(update={"data_dir": folder}), keys, fill, replaced)
        (folder / WITNESS_FILE).touch(mode=0o600)  # an empty one is none, and replaces that of the old instance
        if signed is not None:
            Witness(folder).keep(signed)
        put_in_place(settings.data_dir)


def _fill_files(settings: Settings, keys: MasterKeys, fill: Fill, replaced: list[str]) -> Mark | None:
    database = Database.open(settings, keys, trusting=True)
    try:
        migrate(database)
        with database.main.begin() as main, database.log.begin() as log:
            signed = fill(main, log, ())
            begin_history(main, new_history_id(), replaced)
    finally:
        database.close()
    for name in (KEYS_FILE, USAGE_FILE, STAGING_FILE):
        _leave_wal(settings.data_dir / name)
    return signed


def _leave_wal(path: Path) -> None:
    """Write everything into the one file that moves."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            [(mode,)] = connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        except sqlite3.DatabaseError as error:
            raise Unavailable(plain_sentence(error)) from None
    if mode != "delete":
        raise Unavailable("Can't complete the new database files. Nothing was changed.")


def _refuse_others(connection: Connection) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'ari%' AND pid <> pg_backend_pid()"
    )
    ends = time.monotonic() + _LEAVING_SECONDS
    while connection.execute(text(query)).scalar_one():
        if time.monotonic() > ends:
            raise make_in_use_error(" A pooler may hold its connections for a while.")
        time.sleep(0.05)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))


def _empty(connection: Connection) -> None:
    """Remove every row; the triggers that keep the audit log from edits are off within this transaction alone."""
    names = ", ".join(
        table.name for metadata in (tables.main, tables.log, tables.staging) for table in metadata.sorted_tables
    )
    connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
    connection.execute(text(f"TRUNCATE {names}"))
    connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))
