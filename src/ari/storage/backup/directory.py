"""Backups in a directory, such as a mounted disk."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ari.backups.ports import ByteSink, StoredFile
from ari.base.errors import ConfigurationError, Unavailable
from ari.base.settings import Settings
from ari.storage.pending_restore import sync_path

_CHUNK = 1_000_000


def open_directory(settings: Settings, place: str) -> "DirectoryTarget":
    """The target of this path. Raises ``ConfigurationError`` in the data directory, ``Unavailable`` if it is away."""
    folder, data_dir = Path(place), settings.data_dir.resolve()
    resolved = folder.resolve()
    if data_dir in (resolved, *resolved.parents):
        raise ConfigurationError(f"ARI_BACKUP_TO: {folder} is in the data directory, which backups must survive.")
    if not folder.is_dir():
        raise Unavailable(f"ARI_BACKUP_TO: there is no directory {folder}. Create or mount it first.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Unavailable(f"ARI_BACKUP_TO: this user can't read and write {folder}.")
    return DirectoryTarget(folder)


class DirectoryTarget:
    """Implements ``backups.ports.BackupTarget``. A new backup is written there under a hidden name, then renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder)

    def list_files(self) -> list[StoredFile]:
        with self._reporting("read"):
            return [stored for entry in os.scandir(self.folder) if (stored := _look(entry)) is not None]

    def store(self, path: Path, name: str) -> None:
        with self._reporting("write"):
            if (self.folder / name).exists():
                raise Unavailable(f"{self.folder / name} exists. ARI never overwrites a backup.")
            sync_path(path)
            path.rename(self.folder / name)
            sync_path(self.folder)

    def fetch(self, name: str, file: ByteSink) -> None:
        with self._reporting("read"), (self.folder / name).open("rb") as stored:
            while chunk := stored.read(_CHUNK):
                file.write(chunk)

    def read_start(self, name: str, length: int) -> bytes:
        with self._reporting("read"), (self.folder / name).open("rb") as stored:
            return stored.read(length)

    def read_end(self, name: str, length: int) -> bytes:
        with self._reporting("read"), (self.folder / name).open("rb") as stored:
            stored.seek(max(0, stored.seek(0, os.SEEK_END) - length))
            return stored.read()

    def remove(self, name: str) -> None:
        with self._reporting("remove files in"):
            (self.folder / name).unlink(missing_ok=True)
            sync_path(self.folder)

    def clean(self, writer: str) -> None:
        """Nothing: ``store`` only renames."""

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(f"Can't {verb} {self.place}: {error.strerror}.") from None


def _look(entry: "os.DirEntry[str]") -> StoredFile | None:
    """``None`` for what isn't a file, or is gone: another process renames its backup when it is complete."""
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return StoredFile(entry.name, status.st_size) if stat.S_ISREG(status.st_mode) else None
