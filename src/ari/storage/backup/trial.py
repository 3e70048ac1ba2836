"""Verify a backup: restore it into a temporary instance on SQLite, check that, and remove it."""

import io
import shutil
from pathlib import Path
from typing import IO

from sqlalchemy import Table, func, select

from ari.backups.ports import BackupTarget
from ari.base.caller import SYSTEM
from ari.base.errors import Unavailable
from ari.base.file_identity import open_regular
from ari.base.settings import Settings
from ari.keys.restored_keys import KEYS_PER_NOTE
from ari.storage.backup.archive import Manifest, make_damaged_error
from ari.storage.backup.restore import Inspect, Restored, Terms, restore_backup, verify_backup
from ari.storage.backup.signature import LENGTH, SignedFile, Signer, require_ours
from ari.storage.backup.work_folder import hold_folder, remove_left
from ari.storage.backup.write import LOG_TABLES, MAIN_TABLES, Progress
from ari.storage.checkup import check_audit_log, damage
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.engine import Database, master_keys_of
from ari.storage.tables import events, notes

WORK = "backup.work"
_PER_LOOK = 50
"""Calls of ``progress`` between two looks at the free space: each is after 1,000 rows or a megabyte."""


class BackupFiles:
    """Files of backups, and temporary instances made from them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def try_restore(
        self,
        path: Path,
        folder: Path,
        now_ms: int,
        progress: Progress,
        inspect: Inspect = lambda _manifest, _signer: None,
    ) -> Manifest:
        """Restore the backup in ``path`` into a temporary directory in ``folder``, and compare the result with it.

        Raises ``Invalid`` if the backup is bad, and ``Unavailable`` if it couldn't be tried: no space, for example.
        """
        guarded = self.guard_space(folder, progress)
        try:
            with _open(path) as file, hold_folder(folder) as temporary:
                target = _make_settings(self._settings, temporary / "instance")
                restored = restore_backup(target, file, Terms(), SYSTEM, now_ms, guarded, inspect)
                with faults_as_unavailable():
                    _check(target, restored)
                return restored.manifest
        except OSError as error:
            raise Unavailable(f"Can't restore it in {folder}: {error.strerror}.") from None

    def read_whole(self, path: Path, progress: Progress) -> Manifest:
        """Verify without a restore: the signature, checksums, columns, and the chain of the audit log.

        Raises ``Invalid`` and ``Unavailable``.
        """
        with _open(path) as file:
            signed = SignedFile(file)
            keys = master_keys_of(self._settings)
            require_ours(signed, keys)
            return verify_backup(signed, keys, progress)

    def read_signer(self, path: Path) -> Signer | None:
        """The instance and key that a backup names; nothing is verified. Raises ``Unavailable``."""
        with _open(path) as file:
            return SignedFile(file).signer

    def is_signed_by(self, target: BackupTarget, name: str, instance: str) -> bool:
        """Whether a stored file names this instance as its signer. Raises ``Unavailable``."""
        signer = SignedFile(io.BytesIO(target.read_end(name, LENGTH))).signer
        return signer is not None and signer.instance == instance

    def prepare_work(self) -> Path:
        """The directory for temporary files, made if it is missing. Raises ``Unavailable``."""
        folder = self._settings.backup_work_dir or self._settings.data_dir / WORK
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"ARI_BACKUP_WORK_DIR: can't use {folder}: {error.strerror}.") from None
        return folder

    def clean_work(self) -> Path:
        """The directory for temporary files, without those of killed processes. Raises ``Unavailable``."""
        folder = self.prepare_work()
        remove_left(folder)
        return folder

    def guard_space(self, folder: Path, progress: Progress) -> Progress:
        """A progress callback that raises ``Unavailable`` before the folder's disk is full: callers need it too."""
        calls = 0

        def look(table: str, done: int, total: int) -> None:
            nonlocal calls
            if calls % _PER_LOOK == 0 and shutil.disk_usage(folder).free < self._settings.min_free_disk:
                raise Unavailable(f"The disk of {folder} has less space free than ARI_MIN_FREE_DISK.")
            calls += 1
            progress(table, done, total)

        return look


def _open(path: Path) -> IO[bytes]:
    try:
        return open_regular(path)
    except OSError as error:
        raise Unavailable(f"Can't read {path}: {error.strerror}.") from None


def _make_settings(settings: Settings, folder: Path) -> Settings:
    keys = master_keys_of(settings)
    file = keys.own_file if keys.is_own else settings.master_key_file
    changes = {"data_dir": folder, "data_dir_access": "private", "database_url": None, "master_key_file": file}
    return settings.model_copy(update=changes)


def _check(target: Settings, restored: Restored) -> None:
    """Raise ``Invalid`` unless the restored instance has every row, and its files and audit log are whole."""
    database = Database.open(target)
    try:
        for engine, tables in ((database.main, MAIN_TABLES), (database.log, LOG_TABLES)):
            with read_only(engine) as connection:
                for table in tables:
                    found = connection.execute(select(func.count()).select_from(table)).scalar_one()
                    if found not in _count_expected(table, restored):
                        raise make_damaged_error(f"its table {table.name} was restored with {found} rows")
        found_damage = damage(database, thorough=True)
        if found_damage is not None:
            raise make_damaged_error(f"a database restored from it is damaged: {found_damage}")
        broken = check_audit_log(database).broken
        if broken is not None:
            raise make_damaged_error(f"the restored audit log is broken at event {broken.event_id}")
    finally:
        database.close()


def _count_expected(table: Table, restored: Restored) -> range:
    """How many rows a table may have: the restore adds an event, marks of what was read, and the disabled keys."""
    written = restored.rows.get(table.name, 0)
    if table is notes:
        listed = restored.keys_disabled + len(restored.waiting_ids)
        return range(written, written + 10 + listed // KEYS_PER_NOTE + 1)
    return range(written + 1, written + 2) if table is events else range(written, written + 1)
