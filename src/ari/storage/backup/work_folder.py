"""Temporary folders for backups. Each is locked while its process uses it, so those of killed processes are known.

The lock is a ``flock`` on a file in the folder: NFS has no locks on folders. The file is also the mark of a folder that
ARI made, so those of other programs and links stay, whatever their names. A folder whose lock is free belongs to
nobody. A process that removes one takes its lock first.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "ari-trial-"
LOCK = "ari-trial.lock"


@contextmanager
def hold_folder(parent: Path) -> Iterator[Path]:
    """A new folder, mode 0700, that no other process removes; it is gone at the end. Raises ``OSError``."""
    remove_left(parent)
    folder, descriptor = _create(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_left(parent: Path) -> None:
    """Remove the folders of killed processes; those that can't be removed stay."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = _lock(folder, os.O_RDWR)
            try:
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _create(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            descriptor = _lock(folder, os.O_RDWR | os.O_CREAT)
        except (FileNotFoundError, BlockingIOError):  # another process removed it before it was locked
            continue
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if os.fstat(descriptor).st_nlink:
            return folder, descriptor
        os.close(descriptor)


def _lock(folder: Path, flags: int) -> int:
    """Open and lock the folder's file. Raises ``BlockingIOError`` if another process has it, and ``OSError``."""
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        descriptor = os.open(LOCK, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
