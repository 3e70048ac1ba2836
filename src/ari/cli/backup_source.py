"""The backup that a command reads: a file, or one in a target, which is copied into a temporary file first."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ari.backups.backup_name import BackupName, find_newest_of_each
from ari.backups.ports import BackupTarget, ByteSink
from ari.base.backup_setting_types import S3
from ari.base.clock import from_rfc3339, system_clock
from ari.base.errors import Conflict, Invalid, NotFound, Problem, Unavailable
from ari.base.file_identity import open_regular
from ari.base.settings import Settings
from ari.cli import output
from ari.instance import open_backup_target
from ari.jobs.scheduled_backup import Progress, ignore_progress
from ari.storage.backup.archive import Manifest
from ari.storage.backup.signature import Signer
from ari.storage.backup.trial import WORK, BackupFiles
from ari.storage.backup.work_folder import hold_folder
from ari.storage.data_dir import prepare_data_dir

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class BackupSource:
    """A file to read, and where temporary files may be written."""

    name: str
    path: Path
    settings: Settings
    is_stored: bool = False
    """Whether it is in a target, where a name must say what the file is."""

    def check_name(self, manifest: Manifest, signer: Signer | None) -> None:
        """Raise ``Invalid`` if a stored file has the name of another backup; warn of a file that has."""
        name = BackupName.parse(Path(self.name).name)
        if name is None:
            return
        instance = None if signer is None else signer.instance
        mismatch = name.describe_mismatch(from_rfc3339(manifest.created_at), instance)
        if mismatch is None:
            return
        if self.is_stored:
            raise Invalid(Problem("file", f"{mismatch} Nothing was changed."))
        output.tell(mismatch)

    @property
    def work(self) -> Path:
        """Raises ``Unavailable``."""
        return BackupFiles(self.settings).prepare_work()

    def open(self) -> IO[bytes]:
        """Raises ``Unavailable``."""
        try:
            return open_regular(self.path)
        except OSError as error:
            raise Unavailable(f"Can't read {self.path}: {error.strerror}.") from None


@contextmanager
def open_source(settings: Settings, name: str) -> Iterator[BackupSource]:
    """The backup of this name: ``latest`` and names of scheduled backups are in ARI_BACKUP_TO.

    Raises ``NotFound``, ``Conflict`` if the newest could be of several instances or is from the future,
    ``ConfigurationError`` and ``Unavailable``.
    """
    is_stored = name == LATEST or BackupName.parse(name) is not None
    if not name.startswith(S3) and (not is_stored or settings.backup_to is None):
        if name == LATEST:
            raise NotFound("Set ARI_BACKUP_TO to restore the latest backup, or name a file.")
        yield BackupSource(name, Path(name), settings)
        return
    place, wanted = settings.backup_to or "", name
    if name.startswith(S3):
        place, _, wanted = name.rpartition("/")
    prepare_data_dir(settings)
    work_is_new = not (settings.data_dir / WORK).exists()
    target = open_backup_target(settings, place)
    if wanted == LATEST:
        wanted = _find_latest(target, system_clock(settings.test_clock_file).now_ms())
    size_bytes = next((one.size_bytes for one in target.list_files() if one.name == wanted), None)
    if size_bytes is None:
        raise NotFound(f"There is no {wanted} in {target.place}.")
    files = BackupFiles(settings)
    try:
        with hold_folder(files.prepare_work()) as folder:
            path = folder / "fetched"
            with path.open("xb") as file:
                target.fetch(wanted, _LimitedFile(file, size_bytes, files.guard_space(folder, ignore_progress)))
            yield BackupSource(wanted, path, settings, is_stored=True)
    except OSError as error:
        raise Unavailable(f"Can't write a temporary file: {error.strerror}.") from None
    finally:
        if work_is_new:
            with suppress(OSError):  # another process uses it now
                (settings.data_dir / WORK).rmdir()


class _LimitedFile:
    """Passes at most ``size_bytes`` on to ``file``, and leaves the space that is reserved for callers.

    What a service sends may never end.
    """

    def __init__(self, file: ByteSink, size_bytes: int, progress: Progress) -> None:
        self._file = file
        self._size_bytes = size_bytes
        self._progress = progress
        self._written = 0

    def write(self, data: bytes, /) -> int:
        self._written += len(data)
        if self._written > self._size_bytes:
            raise Unavailable("The backup is longer than its place says.")
        self._progress("fetching", self._written, self._size_bytes)
        return self._file.write(data)


def _find_latest(target: BackupTarget, now_ms: int) -> str:
    found = [name for one in target.list_files() if (name := BackupName.parse(one.name)) is not None and name.verified]
    if not found:
        raise NotFound(f"There is no verified backup in {target.place}.")
    newest, *others = find_newest_of_each(found)
    if others:
        raise Conflict(
            "several_instances",
            f"{target.place} has backups of several instances or restores. Name the one to use; the newest of each: "
            f"{', '.join(str(one) for one in (newest, *others))}.",
        )
    if newest.is_ahead(now_ms):
        raise Conflict(
            "backup_ahead",
            f"{newest} is from the future: the clock is wrong now, or was wrong then, so another backup may be newer. "
            "Name the one to restore.",
        )
    return str(newest)
