"""Writes a scheduled backup, verifies it, keeps it in the target, and removes those that nothing keeps.

A backup gets its name only once it is complete. Older ones are removed only after a new one is verified.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from ari.backups import state
from ari.backups.backup_lineage import read_lineage
from ari.backups.backup_name import BackupName, is_partial, name_writer
from ari.backups.ports import BackupTarget
from ari.backups.retention import choose_removable
from ari.backups.state import BackupState
from ari.base.errors import AriError, ConfigurationError, Invalid, Unavailable, for_operator
from ari.base.ids import new_id
from ari.base.traces import trace_work
from ari.deps import Deps

Progress = Callable[[str, int, int], None]
PARTIAL = ".partial"
_HOLDER = "job"
_RENEW_SECONDS = 60.0
_MAX_PARTIAL_SECONDS = 86_400.0
"""A backup that nobody has written to for this long is not being written."""

_logger = logging.getLogger(__name__)


def ignore_progress(_table: str, _done: int, _total: int) -> None:
    """Show nothing."""


def is_due(deps: Deps) -> bool:
    """Whether a backup is due and nobody writes one. Raises ``Unavailable``."""
    settings, now_ms = deps.instance.settings, deps.instance.now_ms()
    found = deps.read_sync(state.read_state)
    due_ms = found.find_due_ms(settings.backup_schedule, ZoneInfo(settings.time_zone), now_ms)
    return due_ms <= now_ms and not found.is_held(now_ms)


def back_up(
    deps: Deps, open_target: Callable[[], BackupTarget], *, force: bool = False, progress: Progress = ignore_progress
) -> BackupState | None:
    """Write a backup if one is due, or at once with ``force``; ``None`` if none is due or another process writes one.

    A failure is stored, then raised: ``AriError``, of which the message is for operators.
    """
    settings, holder = deps.instance.settings, new_id(_HOLDER, deps.instance.now_ms())
    zone = ZoneInfo(settings.time_zone)
    if not deps.do_sync(state.claim, settings.backup_schedule, zone, holder, force=force):
        return None
    try:
        with _keep_lease(deps, holder), trace_work(deps.instance.tracer, "ari.backup") as span:
            written = _Attempt(deps, open_target(), holder, progress).run()
            span.note({"ari.bytes": written.size_bytes, "ari.verified": settings.backup_verify})
            return written
    except AriError as error:
        deps.do_sync(state.fail, holder, for_operator(error))
        raise
    except Exception as error:
        deps.do_sync(state.fail, holder, f"Unexpected error ({type(error).__name__}).")
        raise
    except BaseException:  # this process stops; the backup stays due
        deps.instance.close_connections()
        with suppress(AriError):
            deps.do_sync(state.release, holder)
        raise


def record_failure(deps: Deps, reason: str) -> None:
    """Count a failed attempt, unless another process writes a backup now. Raises ``Unavailable``."""
    settings, holder = deps.instance.settings, new_id(_HOLDER, deps.instance.now_ms())
    if deps.do_sync(state.claim, settings.backup_schedule, ZoneInfo(settings.time_zone), holder, force=True):
        deps.do_sync(state.fail, holder, reason)


@dataclass
class _Attempt:
    """One attempt, by the process that has the lease."""

    deps: Deps
    target: BackupTarget
    holder: str
    progress: Progress

    def run(self) -> BackupState:
        """Do all of it. Raises ``AriError``."""
        instance, target = self.deps.instance, self.target
        began, began_ms = instance.clock.monotonic(), instance.now_ms()
        lineage, work = self.deps.read_sync(read_lineage), instance.backup_files.clean_work()
        own = name_writer(instance.read_instance_id(began_ms), lineage)
        path = target.folder / f".ari-{own}-{self.holder}{PARTIAL}"
        try:
            self._clean(own, work)
            with _create(path) as file:
                guarded = instance.backup_files.guard_space(target.folder, self.progress)
                written = instance.write_backup(file, began_ms, guarded)
            signer = instance.backup_files.read_signer(path)
            if signer is None:
                place = instance.master_keys.place
                raise ConfigurationError(f"The backup has no signature: there is no master key in {place}.")
            fault = self._verify(path, work)
            size = path.stat().st_size
            name = BackupName(began_ms, signer.instance, verified=fault is None, lineage=lineage)
            if not self.deps.do_sync(state.renew, self.holder):
                raise Unavailable("Another process took over the backup.")
            target.store(path, str(name))
        except OSError as error:
            raise Unavailable(f"Can't write to {target.folder}: {error.strerror}.") from None
        finally:
            path.unlink(missing_ok=True)
        if fault is not None:
            self._remove_old(name)
            raise Unavailable(f"{name} was written, but couldn't be verified: {fault}")
        duration_ms = round((instance.clock.monotonic() - began) * 1000)
        result = BackupState(
            began_ms=began_ms,
            duration_ms=duration_ms,
            name=str(name),
            size_bytes=size,
            verified_ms=instance.now_ms(),
            tried_ms=began_ms,
            signing_key=written.signed_by or "",
        )
        detail = {
            "file": str(name),
            "keys": written.keys,
            "usage_rows": written.usage_rows,
            "signing_key": written.signed_by,
            "verified": instance.settings.backup_verify,
        }
        if not self.deps.do_sync(state.finish, self.holder, result, detail):
            raise Unavailable("Another process took over the backup.")
        self._remove_old(name)
        return result

    def _clean(self, writer: str, work: Path) -> None:
        """Remove what killed processes left: others a day ago. Raises ``OSError`` and ``Unavailable``."""
        for folder in {self.target.folder, work}:
            for left in folder.glob(f".ari-{writer}-{_HOLDER}_*{PARTIAL}"):
                left.unlink(missing_ok=True)
            for other in folder.glob(f".ari-*{PARTIAL}"):
                _remove_if_old(other)
        self.target.clean(writer)

    def _verify(self, path: Path, work: Path) -> str | None:
        """Why it couldn't be verified, or ``None``. Raises ``Invalid`` for a bad backup: only that isn't kept."""
        instance = self.deps.instance
        try:
            if instance.settings.backup_verify == "restore":
                instance.backup_files.try_restore(path, work, instance.now_ms(), self.progress)
            else:
                instance.backup_files.read_whole(path, self.progress)
        except Invalid:
            raise
        except AriError as error:
            return for_operator(error)
        return None

    def _remove_old(self, written: BackupName) -> None:
        """Remove what nothing keeps, each by its own. Failures are stored; the next backup tries again."""
        faults = list[str]()
        try:
            found = [name for one in self.target.list_files() if (name := BackupName.parse(one.name)) is not None]
        except AriError as error:
            found = []
            faults.append(for_operator(error))
        for name in choose_removable(found, written, self.deps.instance.settings.backup_retention):
            try:
                self._remove_own(str(name), written.instance)
            except AriError as error:
                faults.append(f"{name}: {for_operator(error)}")
        if faults:
            _logger.warning("%d old backups couldn't be removed; will retry: %s", len(faults), faults[0])
        with suppress(AriError):  # the backup counts, whether this is noted or not
            self.deps.do_sync(state.note_unremoved, len(faults), faults[0] if faults else "")

    def _remove_own(self, name: str, instance_id: str) -> None:
        if self.deps.instance.backup_files.is_signed_by(self.target, name, instance_id):
            self.target.remove(name)
        else:
            _logger.warning("%s isn't removed: this instance didn't write it", name)


def _remove_if_old(partial: Path) -> None:
    """Remove a backup that another writer left unfinished: after a restore, nobody has the name of the earlier one."""
    with suppress(FileNotFoundError):
        age_seconds = time.time() - partial.lstat().st_mtime
        if is_partial(partial.name) and age_seconds > _MAX_PARTIAL_SECONDS:
            partial.unlink()


@contextmanager
def _create(path: Path) -> Iterator[IO[bytes]]:
    """A new file, mode 0600, that is on disk at the end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _keep_lease(deps: Deps, holder: str) -> Iterator[None]:
    """Renew the lease once a minute in a thread; it ends with the process."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(_RENEW_SECONDS):
            with suppress(AriError):
                deps.do_sync(state.renew, holder)

    thread = threading.Thread(target=renew, name="ari backup lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
