"""New SQLite files take the place of an instance: all of them or none, also if the process is killed in between.

A restore writes into the folder ``restore.new``. Once everything is on disk, it renames the folder to
``restore.ready``, and from then on the restore counts. Its files are moved into place one by one, the keys last.
Every process that opens the instance first moves those that are left, and a connection that a process had not opened
yet is refused until then. Only files that the restore wrote are moved, and only over those that it found
(``restore_journal``).
"""
# Imports inside functions here: no command needs what only a restore does.
# ruff: noqa: PLC0415

import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ari.base.errors import Conflict, Unavailable
from ari.storage.write_lock import write_lock

KEYS_FILE = "ari.db"
USAGE_FILE = "usage.db"
STAGING_FILE = "usage-staging.db"
WITNESS_FILE = "audit.head"
MAIN_LOCK, LOG_LOCK = "ari.lock", "usage.lock"
_NEW = "restore.new"
_READY = "restore.ready"
_JOURNAL = "restore.json"
_BEFORE_DECISION_92 = re.compile(r"restore-(?![0-9]{8})[a-z0-9_]{8}")
"""Folders that killed restores of earlier versions left; eight digits are a date."""
_RESTORED = (STAGING_FILE, USAGE_FILE, WITNESS_FILE, KEYS_FILE)
"""The names that a restore writes, in the order in which they are moved: the keys are last."""
_SQLITE_FILES = ("-wal", "-shm", "-journal")
_OLD_FILES = {f"{name}{rest}" for name in (KEYS_FILE, USAGE_FILE, STAGING_FILE) for rest in ("", *_SQLITE_FILES)}
_logger = logging.getLogger("ari.storage")


def is_pending(data_dir: Path) -> bool:
    """Whether a restore was interrupted while its files were moved."""
    return os.path.lexists(data_dir / _READY)


def has_instance(data_dir: Path) -> bool:
    """Whether the directory has a keys file, or gets one from a pending restore. Raises ``OSError``."""
    return (data_dir / KEYS_FILE).exists() or is_pending(data_dir)


def require_whole(data_dir: Path) -> None:
    """Raise ``Unavailable`` while a restore is pending."""
    if is_pending(data_dir):
        raise Unavailable(f"A restore of {data_dir} is being completed. Try again.")


def complete_restore(data_dir: Path) -> None:
    """Move the files of an interrupted restore into place; nothing if there is none.

    Raises ``Unavailable`` if they can't be moved, and ``Conflict`` if a process has the old keys open or if a person
    changed files since, which are then left as they are.
    """
    if not is_pending(data_dir):
        return
    from ari.storage.restore_journal import require_untouched

    with _faults_of(data_dir), lock_files(data_dir):
        if is_pending(data_dir):
            require_untouched(data_dir / _READY, data_dir, _RESTORED)
            with exclude_others(data_dir):
                _logger.warning("Completing the restore of %s.", data_dir)
                _move_files(data_dir)


@contextmanager
def lock_files(data_dir: Path) -> Iterator[None]:
    """Keep writers away. Raises ``Unavailable`` if another process restores or writes for too long."""
    with write_lock(data_dir / MAIN_LOCK), write_lock(data_dir / LOG_LOCK):
        yield


@contextmanager
def hold_new_files(data_dir: Path) -> Iterator[Path]:
    """The folder for new files, empty. It is removed at the end unless ``put_in_place`` was called."""
    folder = data_dir / _NEW
    _remove_left(data_dir)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(data_dir: Path) -> None:
    """Replace the instance with the new files; the keys must be among them.

    Raises ``OSError`` before the restore counts, and ``Unavailable`` after: then any later opening completes it.
    """
    new = data_dir / _NEW
    for path in new.iterdir():
        if path.name in _RESTORED:
            sync_path(path)
        else:
            path.unlink()
    _write_journal(new, data_dir)
    sync_path(new)
    new.rename(data_dir / _READY)
    with _faults_of(data_dir):
        _move_files(data_dir)


def remove_left_files(data_dir: Path) -> None:
    """Remove the files of killed restores that don't count. Raises ``Unavailable``.

    Folders that earlier versions may have left stay, with a warning: an operator's own copy may have such a name.
    """
    if _is_left(data_dir):
        with lock_files(data_dir):
            _remove_left(data_dir)
    for folder in _list_old(data_dir):
        _logger.warning(
            "A killed restore of an earlier version may have left %s. If it isn't yours, delete it.", folder
        )


@contextmanager
def exclude_others(data_dir: Path) -> Iterator[None]:
    """Keep every other process out of the keys file, so that none goes on with the file replaced.

    The file leaves WAL mode first: a connection in WAL mode would, when it closes, delete the new file's log by its
    name. Raises ``Conflict`` if some process has the file open.
    """
    path = data_dir / KEYS_FILE
    if not path.exists():
        yield
        return
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.2)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorname == "SQLITE_BUSY":
            raise make_in_use_error() from None
        # any other fault is a damaged file: a reason to restore
    try:
        yield
    finally:
        connection.close()


def make_in_use_error(hint: str = "") -> Conflict:
    """The error for an instance that another process uses."""
    return Conflict("in_use", f"ARI is running on this instance. Stop it before you restore.{hint}")


def _write_journal(new: Path, data_dir: Path) -> None:
    """Each old file gets a new time of change, which a copy that a person made before doesn't have."""
    from ari.storage.restore_journal import RestoreJournal, list_replaced

    for path in list_replaced(data_dir, _RESTORED):
        os.utime(path)
        sync_path(path)
    journal = new / _JOURNAL
    journal.write_text(RestoreJournal.describe(new, data_dir, _RESTORED).to_json(), encoding="ascii")
    sync_path(journal)


def _move_files(data_dir: Path) -> None:
    """May be repeated after any interruption."""
    sync_path(data_dir)  # the folder's new name, before anything of the old instance goes
    ready = data_dir / _READY
    for name in _RESTORED:
        if (ready / name).exists():
            for rest in _SQLITE_FILES:
                (data_dir / f"{name}{rest}").unlink(missing_ok=True)
            (ready / name).replace(data_dir / name)
    sync_path(data_dir)
    (ready / _JOURNAL).unlink(missing_ok=True)
    ready.rmdir()
    sync_path(data_dir)


def _is_left(data_dir: Path) -> bool:
    folder = data_dir / _NEW
    return folder.is_dir() and not folder.is_symlink()


def _remove_left(data_dir: Path) -> None:
    """The caller holds the locks, so no restore is running."""
    if _is_left(data_dir):
        shutil.rmtree(data_dir / _NEW, ignore_errors=True)


def _list_old(data_dir: Path) -> Iterator[Path]:
    """Folders named as those of earlier versions, with nothing but files of such a restore."""
    for folder in sorted(data_dir.glob("restore-*")):
        if _BEFORE_DECISION_92.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            names = _list_names(folder)
            if names and names <= _OLD_FILES:
                yield folder


def _list_names(folder: Path) -> set[str]:
    """Empty for a folder of another user, which ARI didn't make."""
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()


@contextmanager
def _faults_of(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The restore of {data_dir} isn't complete: {error.strerror}. Repair the disk; then the next start of ARI "
            "or the next command completes it."
        ) from None


def sync_path(path: Path) -> None:
    """Have a file, or the names in a folder, on disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
