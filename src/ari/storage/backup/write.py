"""Write a backup while the instance serves: every table from one snapshot of each database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select, text, true

from ari import __version__
from ari.backups import backup_lineage
from ari.backups.state import KEY as BACKUP_STATE
from ari.base.audit import Head
from ari.base.clock import to_rfc3339
from ari.base.errors import Unavailable
from ari.base.idempotency import PASSING_KINDS
from ari.base.signing import fingerprint_of, present_keys
from ari.notifications.model import SEALED_KIND
from ari.storage import tables
from ari.storage.backup.archive import Manifest, Writer
from ari.storage.backup.signature import UNKNOWN_INSTANCE, SigningFile
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.engine import Database
from ari.storage.migrate import LOG, MAIN, revision_of
from ari.storage.stores.notices import READ
from ari.storage.stores.webhooks import WEBHOOKS_READ

Progress = Callable[[str, int, int], None]
"""Called with the table's name, how many of its rows are done and how many there are."""

MAIN_TABLES = (
    tables.accounts,
    tables.two_factor,
    tables.backup_codes,
    tables.sealed_secrets,
    tables.integrations,
    tables.provider_keys,
    tables.upstreams,
    tables.webhooks,
    tables.notes,
    tables.consumers,
    tables.custom_scopes,
    tables.scope_presets,
    tables.key_kinds,
    tables.instance_policy,
    tables.api_keys,
    tables.key_secrets,
    tables.key_tags,
    tables.key_grants,
    tables.dismissals,
    tables.watch_quiet,
    tables.audit_marks,
    tables.events,
)
LOG_TABLES = (
    tables.usage_names,
    tables.usage_callers,
    tables.usage_log,
    tables.usage_hours,
    tables.usage_totals,
    tables.usage_attempts,
    tables.usage_seen,
    tables.usage_client_counts,
    tables.usage_all_hours,
    tables.usage_days,
    tables.usage_attempt_hours,
    tables.usage_ai,
    tables.usage_ai_hours,
    tables.limit_counters,
)
"""Left out: sessions, known browsers and sign-in counters, since a backup must not sign anyone in; the master key;
notices, their emails and webhooks' deliveries, which the original instance has already sent. The restored database
begins its own history."""
PASSING_NOTES = ("setup_token", READ, WEBHOOKS_READ, BACKUP_STATE, backup_lineage.KEY, backup_lineage.EVENT_KEY)
PASSING_SECRETS = (SEALED_KIND, *PASSING_KINDS)
"""Notes and secrets that mean something only until ARI starts again, or in this database."""


@dataclass(frozen=True, slots=True)
class Written:
    """The contents of a written backup, and the key that signed it; ``None`` if there is no master key."""

    keys: int
    events: int
    usage_rows: int
    sealed: int
    signed_by: str | None = None


_NUMBERS = (tables.events.c.seq, tables.audit_marks.c.through_seq, tables.webhooks.c.after_seq)
"""The running numbers of events, which each database counts itself."""


def columns_of(table: Table) -> list[Column[Any]]:
    """The columns that a backup keeps: all but the running numbers of events."""
    return [column for column in table.columns if column not in _NUMBERS]


def write_backup(database: Database, file: IO[bytes], now_ms: int, progress: Progress) -> Written:
    """Write all of the instance to ``file`` and sign it.

    Raises ``Unavailable`` if the database or the file's disk fails.
    """
    database.usage.fold_all()
    database.usage.save_counters()
    instance, keys_here = read_instance_id(database, now_ms), present_keys(database.master_keys)
    key = keys_here[0] if keys_here else None
    signing = SigningFile(file)
    with faults_as_unavailable(), _snapshots(database) as (main, log), _file_faults():
        heads = {chain.name: revision_of(connection, chain) or "" for chain, connection in ((MAIN, main), (LOG, log))}
        manifest = Manifest(__version__, to_rfc3339(now_ms), main.dialect.name, heads)
        writer = Writer(signing, manifest, now_ms // 1000)
        for connection, listed in ((main, MAIN_TABLES), (log, LOG_TABLES)):
            for table in listed:
                _write_table(connection, table, writer, progress)
        writer.close()
        if key is not None:
            signing.sign(key, instance)
    keys, events, usage_rows, sealed = (
        manifest.tables[name].rows for name in ("api_keys", "events", "usage_log", "sealed_secrets")
    )
    return Written(keys, events, usage_rows, sealed, None if key is None else fingerprint_of(key))


def read_instance_id(database: Database, now_ms: int) -> str:
    """The instance's id. An instance without events gets its identity now."""
    with database.reading() as tx:
        mark = tx.events.marks.head()
    if mark is None:
        with database.writing() as tx:
            tx.events.ensure_head(now_ms)
            mark = tx.events.marks.head()
    head = None if mark is None else Head.parse(mark.text)
    return UNKNOWN_INSTANCE if head is None else head.instance


def _rows_to_keep(table: Table) -> ColumnElement[bool]:
    """Which rows a backup keeps."""
    if table is tables.notes:
        return table.c.name.not_in(PASSING_NOTES)
    return table.c.kind.not_in(PASSING_SECRETS) if table is tables.sealed_secrets else true()


def _write_table(connection: Connection, table: Table, writer: Writer, progress: Progress) -> None:
    lasting = _rows_to_keep(table)
    total = connection.execute(select(func.count()).select_from(table).where(lasting)).scalar_one()
    progress(table.name, 0, total)
    query = select(*columns_of(table)).where(lasting).order_by(*table.primary_key.columns)
    with connection.execute(query.execution_options(yield_per=1000)) as result:
        names = list(result.keys())
        for done in writer.add(table.name, (dict(zip(names, row, strict=True)) for row in result)):
            progress(table.name, done, total)


@contextmanager
def _snapshots(database: Database) -> Iterator[tuple[Connection, Connection]]:
    """One moment of both databases: usage first, so that every key in it is in the keys taken right after."""
    if database.shared:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with database.main.connect().execution_options(**options) as connection, connection.begin():
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # counting a long log takes its time
            yield connection, connection
        return
    with read_only(database.log) as log, read_only(database.main) as main:
        for connection in (log, main):
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")  # a snapshot begins with its first read
        yield main, log


@contextmanager
def _file_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"Can't write the backup: {error.strerror}.") from None
