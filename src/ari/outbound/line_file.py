"""A file of audit lines that only grows, and continues after a crash where its last whole line ends."""

import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ari.base.audit_lines import MAX_LINE_BYTES, ChainedEvent, NotAuditLine, SignedHead, parse_line
from ari.base.errors import AriError

_BLOCK_BYTES = 64 * 1024
_BEGINNINGS = (b'{"id": "evt_', b'{"statement": "')
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class AuditFileFailed(AriError):
    """The file can't be used."""


class LineFile:
    """Open for appending by this process alone; new files have mode 0600. Raises ``AuditFileFailed``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_id: str | None = None
        """The last event in the file; ``None`` if it has none."""
        self.ends_with_head = False
        """Whether its last line is a signed head."""
        try:
            self._descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._explain(error) from None
        try:
            self._recover()
        except OSError as error:
            os.close(self._descriptor)
            raise self._explain(error) from None
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def inode(self) -> int:
        """The file's own number, which a rename doesn't change."""
        return os.fstat(self._descriptor).st_ino

    def is_current(self) -> bool:
        """Whether the path still names this file, and nobody made it shorter."""
        try:
            named = self.path.lstat()
        except OSError:
            return False
        ours = os.fstat(self._descriptor)
        return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino) and ours.st_size >= self.size

    def append(self, lines: Sequence[bytes], last_id: str | None) -> None:
        """Write these lines to the disk; all of them, or none if it raises ``AuditFileFailed``."""
        data = memoryview(b"".join(lines))
        try:
            before, added = os.fstat(self._descriptor).st_size, len(data)
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, min(before, os.fstat(self._descriptor).st_size))
                raise
        except OSError as error:
            raise self._explain(error) from None
        self.size += added  # not what the file has: somebody may have made it shorter
        self.last_id = last_id or self.last_id

    def close(self) -> None:
        os.close(self._descriptor)

    def _recover(self) -> None:
        """Lock the file, cut off a line that a crash left unfinished, and find the last event."""
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise AuditFileFailed(f"{self.path} isn't a regular file.")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AuditFileFailed(f"Another process is writing {self.path}.") from None
        self.size = size = os.fstat(self._descriptor).st_size
        if not size:
            return
        end = self._find_line_end(size)
        rest = os.pread(self._descriptor, len(_BEGINNINGS[1]), end)
        if end:
            self.last_id = self._read_last_id(end)
        if end < size:
            if not any(beginning.startswith(rest) or rest.startswith(beginning) for beginning in _BEGINNINGS):
                raise self._refuse()
            os.ftruncate(self._descriptor, end)
            os.fsync(self._descriptor)
            self.size = end

    def _read_last_id(self, end: int) -> str | None:
        start = self._find_line_end(end - 1)
        try:
            found = parse_line(os.pread(self._descriptor, end - start, start))
        except NotAuditLine:
            raise self._refuse() from None
        self.ends_with_head = isinstance(found, SignedHead)
        return found.event.id if isinstance(found, ChainedEvent) else found.head.event_id

    def _find_line_end(self, before: int) -> int:
        """The place after the last line feed before this one; 0 if there is none."""
        end = before
        while end > 0:
            if before - end > MAX_LINE_BYTES:
                raise self._refuse()
            start = max(0, end - _BLOCK_BYTES)
            found = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0

    def _refuse(self) -> AuditFileFailed:
        return AuditFileFailed(f"{self.path} doesn't end like a copy of the audit log. Move it away, or use another.")

    def _explain(self, error: OSError) -> AuditFileFailed:
        return AuditFileFailed(f"Can't write {self.path}: {error.strerror}.")
