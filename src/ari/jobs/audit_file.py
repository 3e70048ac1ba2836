"""Appends the audit log to a file of this node (``ARI_AUDIT_FILE``).

Which event comes next is in the file itself. A mark in the data directory is for a file that was rotated away: it is
written after each batch, so it is never ahead of the file.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ari.backups import audit_history
from ari.base.audit import Mark
from ari.base.audit_lines import ChainedEvent, write_head
from ari.base.audit_mark import MARK_FILE, FileMark
from ari.base.errors import Unavailable
from ari.base.own_files import is_own_file
from ari.deps import Deps
from ari.outbound.line_file import (
    AuditFileFailed,
    LineFile,
    describe_original,
    describe_other_history,
    find_last_id,
)

_LOCK_FILE = "audit-file.lock"


class AuditFile:
    """The file, for the one process of this node that has the lock."""

    name = "file"

    def __init__(self, deps: Deps, path: Path) -> None:
        self._deps = deps
        self._path = path
        self._place = audit_history.name_file(path)
        self._data_dir = deps.instance.settings.data_dir
        self._lock: int | None = None
        self._file: LineFile | None = None
        self._mark = FileMark(str(path))

    @property
    def last_id(self) -> str | None:
        return self._mark.last_id

    def begin(self) -> bool:
        if self._lock is None and not self._take_lock():
            return False
        if self._file is not None and not self._file.is_current():
            self._close_file()
        if self._file is None:
            self._mark = FileMark.read(self._data_dir, self._path)
            self._file = self._open_own()
            self._mark = self._continue(self._file)
        return True

    def deliver(self, events: Sequence[ChainedEvent], head: Mark | None) -> bool:
        """Append them. They don't count if the file was rotated since ``begin``: nobody may read what came late."""
        file = self._file
        assert file is not None, "it was begun"
        lines = [one.to_line() for one in events] + ([] if head is None else [write_head(head)])
        last_id = events[-1].event.id if events else self.last_id
        try:
            file.append(lines, last_id)
            if not file.is_current():
                self._close_file()
                return False
            before_id = self._mark.last_id if events else self._mark.before_id
            self._mark = FileMark(str(self._path), last_id, before_id, file.inode, file.size)
            self._mark.write(self._data_dir)
        except OSError as error:
            self._close_file()  # what is in it counts when it is opened again
            raise Unavailable(f"Can't write {MARK_FILE} in the data directory: {error.strerror}.") from None
        except BaseException:
            self._close_file()
            raise
        return True

    def start_over(self) -> None:
        """Raise ``AuditFileFailed`` unless the file is empty. It is of another history, and is free for its writer."""
        file = self._file
        if file is not None and file.last_id is not None:
            self._close_file()
            raise AuditFileFailed(describe_other_history(self._path))

    def close(self) -> None:
        self._close_file()
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _open_own(self) -> LineFile:
        """Open the file, which is created only if it is this instance's. Raises ``AuditFileFailed``."""
        settings = self._deps.instance.settings
        if is_own_file(self._path, self._data_dir, [settings.master_key_file]):  # it became one since the start
            raise AuditFileFailed(f"{self._path} is a file of ARI's own.")
        if not self._deps.read_sync(audit_history.is_claimed, self._place):
            self._require_own(find_last_id(self._path) if self._path.exists() else None)
        file = LineFile(self._path)
        try:
            self._require_own(file.last_id)  # again: now no other process can write it
            if not self._deps.read_sync(audit_history.is_claimed, self._place):
                self._deps.do_sync(audit_history.claim, self._place)
        except BaseException:
            file.close()
            raise
        return file

    def _require_own(self, last_id: str | None) -> None:
        if not self._deps.read_sync(audit_history.may_write, self._place, last_id):
            raise AuditFileFailed(describe_original(self._path))

    def _continue(self, file: LineFile) -> FileMark:
        """From what is in the file. An empty one is new, was rotated, or was made shorter after it was copied.

        If it was copied, lines written since then are lost, so those of the latest batch come again.
        """
        mark = self._mark
        last_id = mark.last_id
        if file.last_id is not None:
            last_id = file.last_id
        elif mark.inode == file.inode and mark.size > 0:
            last_id = mark.before_id
        return FileMark(mark.path, last_id, mark.before_id, file.inode, file.size)

    def _take_lock(self) -> bool:
        try:
            descriptor = os.open(self._data_dir / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"Can't write to the data directory: {error.strerror}.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
