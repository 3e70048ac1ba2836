"""Restore a backup: read it whole and believe it only then; write all of it or nothing."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ari.backups.backup_lineage import begin_lineage
from ari.base import owner_mark
from ari.base.audit import FIRST, Cut, Head, Mark
from ari.base.caller import Caller
from ari.base.errors import Invalid, Problem
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.master_key import MasterKeys
from ari.base.settings import Settings
from ari.base.signing import present_keys
from ari.keys.restored_keys import PREFIX as RESTORED_KEYS
from ari.keys.restored_keys import parse_restored, remember_restored
from ari.storage.audit_log import chain
from ari.storage.backup import row_types
from ari.storage.backup.archive import Manifest, Reader, Row, make_damaged_error
from ari.storage.backup.restore_into import into_postgresql, into_sqlite
from ari.storage.backup.signature import SignedFile, Signer, require_ours
from ari.storage.backup.write import LOG_TABLES, MAIN_TABLES, PASSING_NOTES, PASSING_SECRETS, Progress, columns_of
from ari.storage.database_errors import faults_as_unavailable
from ari.storage.engine import master_keys_of
from ari.storage.migrate import LOG, MAIN
from ari.storage.stores.accounts import KeyValueTables
from ari.storage.stores.events import EventTables
from ari.storage.stores.keys import KeyTables
from ari.storage.stores.notices import FeedTables, MarkedEvents
from ari.storage.stores.webhooks import WEBHOOKS_READ
from ari.storage.tables import accounts, api_keys, audit_marks, backup_codes, events, notes, sealed_secrets, webhooks

_BATCH = 1000
_TABLES = {table.name: table for table in (*MAIN_TABLES, *LOG_TABLES)}
_RULES = {
    name: row_types.make_rules({column.name: column for column in columns_of(table)}) for name, table in _TABLES.items()
}


@dataclass(frozen=True, slots=True)
class Terms:
    """How to restore: ``trust_keys`` leaves living keys enabled and webhooks on.

    ``replace`` allows a target that is not empty. ``untrusted`` takes a file that no master key here has signed; all
    its keys are disabled.
    """

    trust_keys: bool = False
    replace: bool = False
    untrusted: bool = False


@dataclass(slots=True)
class Restored:
    """The result of a restore: rows by table, the IDs of the active keys it disabled, and the signer of the file.

    ``is_trusted``: the signature is that of a master key here.
    """

    manifest: Manifest
    signer: Signer | None = None
    is_trusted: bool = False
    disabled_ids: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    waiting_ids: list[str] = field(default_factory=list)
    """Of keys that an earlier restore disabled, and that waited for a review when this instance was backed up."""
    codes_voided: int = 0
    """Backup codes of two-factor authentication that don't work anymore."""

    @property
    def keys_disabled(self) -> int:
        return len(self.disabled_ids)


Inspect = Callable[[Manifest, Signer | None], None]
"""Called with a verified backup before anything is written; may raise."""


def restore_backup(
    settings: Settings,
    file: IO[bytes],
    terms: Terms,
    caller: Caller,
    now_ms: int,
    progress: Progress,
    inspect: Inspect = lambda _manifest, _signer: None,
) -> Restored:
    """Verify the backup, then write it into the instance of ``settings``.

    Raises ``Invalid`` for a bad backup or one that cannot be trusted, ``Conflict`` where ARI runs or the target is not
    empty, and ``Unavailable``; the target is then as it was.
    """
    keys, signed = master_keys_of(settings), SignedFile(file)
    if terms.untrusted and terms.trust_keys:
        raise Invalid(Problem("trust_keys", "Keys from an untrusted backup can't be kept enabled."))
    if not terms.untrusted and signed.signer is not None:
        require_ours(signed, keys)
    manifest = verify_backup(signed, keys, progress)
    trust = signed.is_signed_by(present_keys(keys))
    if not terms.untrusted:
        require_ours(signed, keys)  # a file without a signature was looked at first: it may be no backup at all
    inspect(manifest, signed.signer)
    restored = Restored(manifest, signed.signer, trust == "ours")
    filling = _Filling(signed, terms, caller, now_ms, progress, restored, keys)
    with faults_as_unavailable():
        put = into_sqlite if settings.database_url is None else into_postgresql
        put(settings, terms.replace, keys, filling)
        if restored.rows.get(accounts.name):
            owner_mark.remember(settings.data_dir)
    return restored


class UnfitRow(Invalid):
    """A row isn't one of this version: another one wrote the backup, or it isn't valid."""


def verify_backup(file: SignedFile, keys: MasterKeys, progress: Progress) -> Manifest:
    """Read the whole backup: checksums, columns, event chain, schema. Raises ``Invalid`` saying what is wrong.

    If a master key here signed a backup with rows that don't fit, it is read on, to name the version that wrote it.
    """
    try:
        return _verify_rows(Reader(file), progress)
    except UnfitRow:
        if file.is_signed_by(present_keys(keys)) == "ours":
            reader = Reader(file)
            deque(reader.rows(), maxlen=0)  # the manifest is at the end
            _check_schema(reader)
        raise


def _verify_rows(reader: Reader, progress: Progress) -> Manifest:
    previous = FIRST
    for done, (table, row) in enumerate(_rows(reader)):
        if table == audit_marks.name and row["name"] == "cut":
            previous = _cut_hash(row)
        if table == events.name:
            if not chain.follows(previous, row):
                raise make_damaged_error(f"its audit log is broken at event {row['id']}")
            previous = row["hash"]
        if done % _BATCH == 0:
            progress("verifying", done, 0)
    return _check_schema(reader)


def _rows(reader: Reader) -> Iterator[tuple[str, Row]]:
    """Every row, which has the columns of its table and values of their types; at both readings. Raises ``UnfitRow``.

    It stops at the first row that doesn't fit: what follows in an untrusted file may have no end.
    """
    for table, row in reader.rows():
        rules = _RULES.get(table)
        if rules is None or row.keys() != rules.keys():
            raise UnfitRow(*make_damaged_error("its tables don't belong to this version of ARI").problems)
        if not row_types.fits(row, rules):
            why = f"a row in its table {table} isn't valid in this version of ARI"
            raise UnfitRow(*make_damaged_error(why).problems)
        yield table, row


def _cut_hash(row: Row) -> str:
    """The hash that the first event left by retention follows."""
    cut = Cut.parse(str(row["statement"]))
    if cut is None:
        raise make_damaged_error("the cut in its audit log can't be read")
    return cut.hash


def _check_schema(reader: Reader) -> Manifest:
    """The manifest of a backup that was read to its end. Raises ``Invalid`` if another version of ARI wrote it."""
    manifest = reader.manifest
    assert manifest is not None  # rows() raises without one
    chains = {chain.name: chain for chain in (MAIN, LOG)}
    if manifest.migrations != {name: chain.revisions[-1] for name, chain in chains.items()}:
        is_older = all(name in chains and one in chains[name].revisions for name, one in manifest.migrations.items())
        how = "Restore it with that version, then upgrade." if is_older else "Upgrade ARI, then restore it."
        written_by = f"This backup was written by ARI {manifest.version}, whose tables are different."
        raise Invalid(Problem("file", f"{written_by} {how} Nothing was changed."))
    if manifest.tables.keys() != _TABLES.keys():
        raise make_damaged_error("a table is missing")
    return manifest


@dataclass(slots=True)
class _Filling:
    """The second reading: called with the connections to write to, one to the keys and one to the usage log."""

    file: SignedFile
    terms: Terms
    caller: Caller
    now_ms: int
    progress: Progress
    restored: Restored
    keys: MasterKeys
    earlier: str = ""
    """When the backup of the earlier restore was written, if keys of it still wait."""

    def __call__(self, main: Connection, log: Connection, ended: Sequence[Head]) -> Mark | None:
        try:
            for name, batch in _batches(Reader(self.file)):
                self._write(main if _TABLES[name] in MAIN_TABLES else log, name, batch)
            if self.restored.is_trusted:
                require_ours(self.file, self.keys)  # again: these bytes are the ones that were written
            KeyTables(main, writing=True).stamp_expired(self.now_ms)
            return self._record(main, ended)
        except OperationalError:
            raise
        except SQLAlchemyError:
            raise make_damaged_error("the database rejected its rows") from None

    def _write(self, connection: Connection, name: str, batch: list[Row]) -> None:
        if name == notes.name and self.restored.is_trusted:
            self._collect_waiting(batch)
        batch = [row for row in batch if _is_kept(name, row)]
        if not batch:
            return
        if name == api_keys.name and not self.terms.trust_keys:
            self.restored.disabled_ids += [row["id"] for row in batch if _disable(row, self.now_ms)]
        if name == webhooks.name and not self.terms.trust_keys:
            for row in batch:
                row["off_reason"] = row["off_reason"] or "restored"
        if name == backup_codes.name:
            self.restored.codes_voided += sum(_void(row, self.now_ms) for row in batch)
        connection.execute(_TABLES[name].insert(), batch)
        counts = self.restored.rows
        counts[name] = counts.get(name, 0) + len(batch)
        self.progress(name, counts[name], self.restored.manifest.tables[name].rows)

    def _collect_waiting(self, batch: list[Row]) -> None:
        for row in batch:
            if row["name"] == RESTORED_KEYS:
                earlier = parse_restored(row["value"])
                self.earlier = "" if earlier is None else earlier.written_at
            elif row["name"].startswith(RESTORED_KEYS):
                self.restored.waiting_ids += row["value"].split()

    def _record(self, main: Connection, ended: Sequence[Head]) -> Mark | None:
        manifest, by = self.restored.manifest, self.caller
        created_at = manifest.created_at
        detail = {
            "written_at": created_at,
            "written_by_version": manifest.version,
            "keys": self.restored.rows.get(api_keys.name, 0),
            "keys_disabled": self.restored.keys_disabled,
            "signed_by": self.restored.signer.instance if self.restored.signer else None,
            "signing_key": self.restored.signer.signature.fingerprint if self.restored.signer else None,
            "trusted": self.restored.is_trusted,
        }
        event = Event(new_id("evt", self.now_ms), self.now_ms, "backup_restored", by.actor, None, by.origin, detail)
        audit_log = EventTables(main, self.keys)
        audit_log.append(event)
        audit_log.begin_history(ended)
        if self.terms.untrusted and not self.restored.is_trusted:
            audit_log.accept(keep_identity=False)
        signed = audit_log.sign()
        FeedTables(main).mark_read(event)  # no emails about earlier events, and no webhooks
        MarkedEvents(main, WEBHOOKS_READ).mark_read(event)
        begin_lineage(KeyValueTables(main), event.id, self.now_ms)
        if self.restored.is_trusted:  # others are reviewed one by one
            together = list(dict.fromkeys((*self.restored.waiting_ids, *self.restored.disabled_ids)))
            remember_restored(KeyValueTables(main), together, min(self.earlier or created_at, created_at))
        return signed


def _is_kept(name: str, row: Row) -> bool:
    """Whether ARI writes such a row to a backup: the author of an untrusted one may add others, like a setup link."""
    if name == notes.name:
        return row["name"] not in PASSING_NOTES and not row["name"].startswith(RESTORED_KEYS)
    return name != sealed_secrets.name or row["kind"] not in PASSING_SECRETS


def _batches(reader: Reader) -> Iterator[tuple[str, list[Row]]]:
    """Rows of one table and one member of the file, which bounds their memory."""
    name, member, batch = "", 0, list[Row]()
    for table, row in _rows(reader):
        if batch and (table != name or reader.member != member or len(batch) == _BATCH):
            yield name, batch
            batch = []
        name, member = table, reader.member
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


def _void(row: Row, now_ms: int) -> bool:
    """Mark a backup code as used: it may have been used since the backup. Returns whether it wasn't yet."""
    if row["used_at_ms"] is not None:
        return False
    row["used_at_ms"] = now_ms
    return True
