"""Scheduled backups of an instance with a frozen clock."""

import shutil
from pathlib import Path

from ari.backups.ports import BackupTarget, ByteSink, StoredFile
from ari.backups.state import BackupState, read_state
from ari.deps import Deps
from ari.instance import Instance, open_backup_target
from ari.jobs.scheduled_backup import back_up
from tests.support.clock import FrozenClock


def run(instance: Instance, target: BackupTarget | None = None, *, force: bool = False) -> BackupState | None:
    """Write a backup, to the target of the settings or to this one."""
    settings = instance.settings

    def open_target() -> BackupTarget:
        return target or open_backup_target(settings, str(settings.backup_to))

    return back_up(Deps(instance), open_target, force=force)


def state_of(instance: Instance) -> BackupState:
    return Deps(instance).read_sync(read_state)


def advance(instance: Instance, seconds: float) -> None:
    clock = instance.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(seconds)


def names_in(folder: Path) -> list[str]:
    """Every file, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


class FailingTarget:
    """A target of which a method raises what a test chooses, for one file or all; the others work on the directory."""

    def __init__(self, target: BackupTarget, **failing: BaseException) -> None:
        self._target = target
        self._failing = failing
        self.only = ""
        self.place = target.place
        self.folder = target.folder

    def list_files(self) -> list[StoredFile]:
        self._fail("list_files")
        return self._target.list_files()

    def store(self, path: Path, name: str) -> None:
        self._fail("store")
        self._target.store(path, name)

    def fetch(self, name: str, file: ByteSink) -> None:
        self._fail("fetch")
        self._target.fetch(name, file)

    def read_start(self, name: str, length: int) -> bytes:
        self._fail("read_start", name)
        return self._target.read_start(name, length)

    def read_end(self, name: str, length: int) -> bytes:
        self._fail("read_end", name)
        return self._target.read_end(name, length)

    def remove(self, name: str) -> None:
        self._fail("remove", name)
        self._target.remove(name)

    def clean(self, writer: str) -> None:
        self._fail("clean")
        self._target.clean(writer)

    def _fail(self, method: str, name: str = "") -> None:
        if method in self._failing and self.only in ("", name):
            raise self._failing[method]


def copy_as(folder: Path, source: str, name: str) -> None:
    """A copy of a backup under another name, as an operator may make."""
    shutil.copy2(folder / source, folder / name)
