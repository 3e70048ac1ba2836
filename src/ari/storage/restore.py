"""Restore a backup: read it whole and believe it only then; write all of it or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ari.base.caller import Caller
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.settings import Settings
from ari.storage import audit, owner_mark
from ari.storage.archive import Manifest, Reader, Row, damaged
from ari.storage.backup import LOG_TABLES, MAIN_TABLES, Progress, columns_of
from ari.storage.events import EventTables
from ari.storage.faults import faults_as_unavailable
from ari.storage.keys import KeyTables
from ari.storage.migrate import LOG, MAIN
from ari.storage.notices import FeedTables
from ari.storage.restore_into import into_postgresql, into_sqlite
from ari.storage.tables import accounts, api_keys, events

_BATCH = 1000
_TABLES = {table.name: table for table in (*MAIN_TABLES, *LOG_TABLES)}
_COLUMNS = {name: {column.name for column in columns_of(table)} for name, table in _TABLES.items()}


@dataclass(frozen=True, slots=True)
class Terms:
    """How to restore: ``trust_keys`` leaves living keys enabled, ``replace`` allows a target that is not empty."""

    trust_keys: bool = False
    replace: bool = False


@dataclass(slots=True)
class Restored:
    """What was restored: rows by table, and how many living keys were disabled."""

    manifest: Manifest
    keys_disabled: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def restore_backup(
    settings: Settings, file: IO[bytes], terms: Terms, caller: Caller, now_ms: int, progress: Progress
) -> Restored:
    """Verify the backup, then write it into the instance of ``settings``.

    Raises ``Invalid`` for a bad backup, ``Conflict`` where ARI runs or the target is not empty, and ``Unavailable``;
    the target is then as it was.
    """
    restored = Restored(verify_backup(file, progress))
    filling = _Filling(Reader(file), terms, caller, now_ms, progress, restored)
    with faults_as_unavailable():
        put = into_sqlite if settings.database_url is None else into_postgresql
        put(settings, terms.replace, filling)
        if restored.rows.get(accounts.name):
            owner_mark.remember(settings.data_dir)
    return restored


def verify_backup(file: IO[bytes], progress: Progress) -> Manifest:
    """Read the whole backup: checksums, columns, event chain, schema. Raises ``Invalid`` saying what is wrong."""
    reader, previous = Reader(file), audit.FIRST
    for done, (table, row) in enumerate(reader.rows()):
        if row.keys() != _COLUMNS.get(table):
            raise damaged("its tables are not those of this version")
        if table == events.name:
            if not audit.follows(previous, row):
                raise damaged(f"its audit trail is broken at the event {row['id']}")
            previous = row["hash"]
        if done % _BATCH == 0:
            progress("verifying", done, 0)
    assert reader.manifest is not None  # rows() raises without one
    _check_schema(reader.manifest)
    return reader.manifest


def _check_schema(manifest: Manifest) -> None:
    ours = {chain.name: chain.revisions[-1] for chain in (MAIN, LOG)}
    if manifest.migrations != ours:
        raise damaged(f"it has another schema; restore it with ARI {manifest.version} and upgrade after that")
    if manifest.tables.keys() != _TABLES.keys():
        raise damaged("a table is missing")


@dataclass(slots=True)
class _Filling:
    """The second reading: called with the connections to write to, one to the keys and one to the usage log."""

    reader: Reader
    terms: Terms
    caller: Caller
    now_ms: int
    progress: Progress
    restored: Restored

    def __call__(self, main: Connection, log: Connection) -> None:
        try:
            for name, batch in _batches(self.reader):
                self._write(main if _TABLES[name] in MAIN_TABLES else log, name, batch)
            KeyTables(main, writing=True).stamp_expired(self.now_ms)
            self._record(main)
        except OperationalError:
            raise
        except SQLAlchemyError:
            raise damaged("the database refuses its rows") from None

    def _write(self, connection: Connection, name: str, batch: list[Row]) -> None:
        if name == api_keys.name and not self.terms.trust_keys:
            self.restored.keys_disabled += sum(_disable(row, self.now_ms) for row in batch)
        connection.execute(_TABLES[name].insert(), batch)
        counts = self.restored.rows
        counts[name] = counts.get(name, 0) + len(batch)
        self.progress(name, counts[name], self.restored.manifest.tables[name].rows)

    def _record(self, main: Connection) -> None:
        manifest, by = self.restored.manifest, self.caller
        detail = {
            "written_at": manifest.created_at,
            "written_by_version": manifest.version,
            "keys": self.restored.rows.get(api_keys.name, 0),
            "keys_disabled": self.restored.keys_disabled,
        }
        event = Event(new_id("evt", self.now_ms), self.now_ms, "backup_restored", by.actor, None, by.origin, detail)
        EventTables(main).append(event)
        FeedTables(main).mark_read(event)  # nobody is mailed of what happened before


def _batches(reader: Reader) -> Iterator[tuple[str, list[Row]]]:
    name, batch = "", list[Row]()
    for table, row in reader.rows():
        if batch and (table != name or len(batch) == _BATCH):
            yield name, batch
            batch = []
        name = table
        batch.append(row)
    if batch:
        yield name, batch


def _disable(row: Row, now_ms: int) -> bool:
    """Disable a key that is neither revoked nor expired, even if it claims to be deleted; return whether it was one."""
    expired = row["expires_at_ms"] is not None and row["expires_at_ms"] <= now_ms
    dead = row["expired_seen_at_ms"] is not None or row["revoked_at_ms"] is not None
    if expired or dead or row["disabled"]:
        return False
    row["disabled"] = True
    return True
