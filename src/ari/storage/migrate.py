"""Bring a database to this program's schema, or say in one sentence why not. Alembic is loaded only when needed."""
# Imports inside functions here: most commands of the terminal only check the migrations.
# ruff: noqa: PLC0415

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, String, column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError

from ari.base.caller import SYSTEM
from ari.base.clock import system_clock
from ari.base.errors import ConfigurationError, Unavailable, for_operator
from ari.storage import dialect, tables
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.engine import Database
from ari.storage.failover.history import NotTrusted
from ari.storage.pending_restore import STAGING_FILE
from ari.storage.write_lock import write_lock

_FIRST_SIGNED = "0010"
"""The migration from which on the audit log is signed."""
_COMPACT, _ALL_MOVED = "0010", "0011"
"""The migration of the log that makes its compact tables, and the one that needs all rows in them."""
_PARTITIONED = "0013"
"""The migration of the log that makes its table on PostgreSQL a partition."""
_ROWS_PER_REPORT = 100_000
_FIRST_START_SECONDS = 10
_PAUSE_SECONDS = 0.1
_FOLDER = Path(__file__).parent / "migrations"


Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chain:
    """One line of migrations; ``name`` is its folder."""

    name: str
    metadata: MetaData

    @property
    def title(self) -> str:
        return {"main": "keys database", "log": "usage log"}[self.name]

    @property
    def version_table(self) -> str:
        return f"ari_{self.name}_version"

    @property
    def folder(self) -> Path:
        return _FOLDER / self.name

    @property
    def revisions(self) -> list[str]:
        """The numbers of this program's migrations, oldest first: the names of the files up to ``_``."""
        return sorted(path.name.split("_")[0] for path in (self.folder / "versions").glob("[0-9]*.py"))


MAIN = Chain("main", tables.main)
LOG = Chain("log", tables.log)


def _engines(database: Database) -> tuple[tuple[Chain, Engine, Path | None], ...]:
    return (MAIN, database.main, database.main_lock), (LOG, database.log, database.log_lock)


def revision_of(connection: Connection, chain: Chain) -> str | None:
    """The database's number in this chain, ``None`` before the first migration."""
    if not inspect(connection).has_table(chain.version_table):
        return None
    versions = table(chain.version_table, column("version_num", String))
    return connection.execute(select(versions.c.version_num)).scalar()


def migrate(database: Database, report: Report | None = None) -> list[str]:
    """Apply what is missing, under a lock, so that several processes may start at once.

    Each chain is one transaction: if the process is killed, the next start applies what was not committed. ``report``
    is called with a sentence before data is moved, which may take minutes.

    Returns the numbers applied, such as ``["main 0001"]``. Raises ``ConfigurationError`` for a database newer than
    the program or one that cannot be used.
    """
    from ari.storage.preflight import refuse_without_create

    applied = []
    database.history.may_be_empty = True
    for chain, engine, lock in _engines(database):
        started_at = _compact_log(chain, engine, lock, report) if chain is LOG else None
        if chain is LOG:
            _check_rows(chain, engine)
        with _plain_faults(), write_lock(lock, dialect.MIGRATION_SECONDS), dialect.alone(engine) as connection:
            current = revision_of(connection, chain)
            if current == chain.revisions[-1]:
                continue
            _refuse_newer(chain, current)
            refuse_without_create(connection)
            if current is not None and started_at is None:
                _announce(chain, current, report)
            upgrade_chain(connection, chain)
            if chain is MAIN and current is not None and current < _FIRST_SIGNED:
                _sign_what_is_there(connection, database)
            before = started_at or current
            applied += [f"{chain.name} {number}" for number in chain.revisions if before is None or number > before]
    with _plain_faults():
        database.folder.prepare()
    return applied


def _compact_log(chain: Chain, engine: Engine, lock: Path | None, report: Report | None) -> str | None:
    """Move the rows of an old log in small transactions, so that no lock is held for long and a process that is killed
    loses little. Returns the migration before, ``None`` if there was nothing to move."""
    from ari.storage.migrations import old_rows
    from ari.storage.preflight import refuse_without_create

    with _plain_faults(), write_lock(lock, dialect.MIGRATION_SECONDS), dialect.alone(engine) as connection:
        current = revision_of(connection, chain)
        if current is None or current >= _ALL_MOVED or current not in chain.revisions:
            return None
        refuse_without_create(connection)
        _announce(chain, current, report)
        if current < _COMPACT:
            _refuse_dependents("usage_rows becomes a view", old_rows.list_dependents(connection))
        upgrade_chain(connection, chain, _COMPACT)
        total = old_rows.count(connection)
    moved = 0
    while True:
        with _plain_faults(), write_lock(lock, dialect.MIGRATION_SECONDS), dialect.alone(engine) as connection:
            if revision_of(connection, chain) != _COMPACT:
                return current  # another process did the rest
            with dialect.moving_rows(connection):
                some = old_rows.move_some(connection)
        moved += some
        if not some:
            return current
        if report is not None and moved % _ROWS_PER_REPORT < some:
            report(f"Moved {moved:,} of {max(total, moved):,} rows of the usage log.")


def _check_rows(chain: Chain, engine: Engine) -> None:
    """Check in short transactions, or without a lock that others wait for, what the migration to partitions needs."""
    if engine.dialect.name == "sqlite":
        return
    from ari.storage.migrations import partitioned_log
    from ari.storage.preflight import refuse_without_create

    with _plain_faults(), engine.connect() as connection:
        current = revision_of(connection, chain)
        if current is None or not _ALL_MOVED <= current < _PARTITIONED or not partitioned_log.is_plain(connection):
            return
    with _plain_faults(), dialect.alone(engine) as connection:
        refuse_without_create(connection)
        _refuse_dependents("usage_log is partitioned", partitioned_log.list_dependents(connection))
        partitioned_log.bound_rows(connection, system_clock(None).now_ms())
    with _plain_faults(), engine.begin() as connection, dialect.moving_rows(connection):
        partitioned_log.check_rows(connection)


def _refuse_dependents(change: str, names: list[str]) -> None:
    """Views of the operator's own would keep reading the old table."""
    if names:
        raise ConfigurationError(
            f"The table {change}, but {', '.join(names)} depends on it. Drop that, migrate, and make it again."
        )


def _announce(chain: Chain, current: str, report: Report | None) -> None:
    if report is not None:
        report(f"Upgrading the {chain.title} ({current} to {chain.revisions[-1]}). A large one takes minutes.")


def check(database: Database, report: Report | None = None) -> None:
    """Raise ``ConfigurationError`` unless the database is at exactly this program's migrations, or ``NotTrusted``.

    With ``report``, an empty database is waited for: a server that starts for the first time is about to make its
    tables.
    """
    end = time.monotonic() + _FIRST_START_SECONDS
    if report is not None and _is_empty(database):
        report(f"The database is still empty. Waiting up to {_FIRST_START_SECONDS} s for ARI's first start.")
        while _is_empty(database) and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
    for chain, engine, _ in _engines(database):
        with _plain_faults(), read_only(engine) as connection:
            current = revision_of(connection, chain)
        _refuse_newer(chain, current)
        if current != chain.revisions[-1]:
            raise ConfigurationError("The database needs a migration. Run: ari migrate")
    with _plain_faults():
        prepare_staging(database)


def prepare_staging(database: Database) -> None:
    """Make SQLite's staging file if there is none, as after a restore of copies without it. Raises ``Unavailable``."""
    file = database.data_dir / STAGING_FILE
    if not database.shared and not (file.exists() and file.stat().st_size):
        with faults_as_unavailable():
            database.folder.prepare()


def _is_empty(database: Database) -> bool:
    """Whether a chain has no migration yet: nothing has started here, or the first start isn't done."""
    for chain, engine, _ in _engines(database):
        with _plain_faults(), read_only(engine) as connection:
            if revision_of(connection, chain) is None:
                return True
    return False


def _refuse_newer(chain: Chain, current: str | None) -> None:
    if current is not None and current not in chain.revisions:
        raise ConfigurationError(
            f"A newer version of ARI migrated this database ({chain.name} {current}). Install that version."
        )


def upgrade_chain(connection: Connection, chain: Chain, revision: str = "head") -> None:
    """Apply a chain's migrations up to ``revision`` in the caller's transaction."""
    from alembic import command  # 0.3 s that only a migration should cost
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(chain.folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["chain"] = chain
    with dialect.moving_rows(connection):
        command.upgrade(config, revision)


def _sign_what_is_there(connection: Connection, database: Database) -> None:
    """Sign the audit log of an instance that did not sign it so far, and record that."""
    from ari.base.events import Event
    from ari.base.ids import new_id
    from ari.storage.stores.events import EventTables

    audit_log = EventTables(connection, database.master_keys)
    count = connection.execute(select(func.count()).select_from(tables.events)).scalar_one()
    if not count:
        return
    newest = connection.execute(select(func.max(tables.events.c.at_ms))).scalar_one()
    now_ms = max(newest, system_clock(None).now_ms())
    detail = {"because": "upgrade", "events": count}
    audit_log.append(Event(new_id("evt", now_ms), now_ms, "audit_accepted", SYSTEM.actor, None, SYSTEM.origin, detail))
    audit_log.accept()
    audit_log.sign()


@contextmanager
def _plain_faults() -> Iterator[None]:
    try:
        with faults_as_unavailable():
            yield
    except NotTrusted:
        raise
    except Unavailable as error:
        raise ConfigurationError(for_operator(error)) from None
    except DBAPIError as error:
        said = str(error.orig).strip().partition("\n")[0]
        raise ConfigurationError(f"The database refused the migration: {said}") from None
