"""A file of audit lines that only grows, and continues after a crash where its last whole line ends.

A power cut can leave NULs at the end of a file: its length was on the disk, but not the last bytes.
"""

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


def describe_other_history(path: Path) -> str:
    """Why a file isn't continued that ends with an event that the audit log lacks."""
    return (
        f"{path} ends with an event that this audit log doesn't have: another instance wrote it, or this one was "
        "restored since. Nothing was changed in it. Move it away, or set another ARI_AUDIT_FILE."
    )


def describe_original(path: Path) -> str:
    """Why a restored instance doesn't write a file that its original may write."""
    return (
        f"{path} belongs to the instance that this one was restored from: set another ARI_AUDIT_FILE or, if that "
        "instance will never run again, take the file over with ari audit take-over."
    )


def find_last_id(path: Path) -> str | None:
    """The last event in the file; ``None`` if it has none. Raises ``AuditFileFailed``.

    Another process may be writing it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise AuditFileFailed(f"Can't read {path}: {error.strerror}.") from None
    try:
        _, last = _read_end(descriptor, path, os.fstat(descriptor).st_size)
    except OSError as error:
        raise AuditFileFailed(f"Can't read {path}: {error.strerror}.") from None
    finally:
        os.close(descriptor)
    return None if last is None else _name_event(last)


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
        end, last = _read_end(self._descriptor, self.path, size)
        if last is not None:
            self.ends_with_head = isinstance(last, SignedHead)
            self.last_id = _name_event(last)
        if end < size:
            os.ftruncate(self._descriptor, end)
            os.fsync(self._descriptor)
            self.size = end

    def _explain(self, error: OSError) -> AuditFileFailed:
        return AuditFileFailed(f"Can't write {self.path}: {error.strerror}.")


def _read_end(descriptor: int, path: Path, size: int) -> tuple[int, ChainedEvent | SignedHead | None]:
    """The end of the last whole line, and that line. Raises ``AuditFileFailed`` for another program's file."""
    if not size:
        return 0, None
    written = _skip_nuls(descriptor, size)
    end = _find_line_end(descriptor, path, written)
    rest = os.pread(descriptor, min(written - end, len(_BEGINNINGS[1])), end)
    last = None
    if end:
        start = _find_line_end(descriptor, path, end - 1)
        try:
            last = parse_line(os.pread(descriptor, end - start, start))
        except NotAuditLine:
            raise _refuse(path) from None
    elif not rest:
        raise _refuse(path)
    if not any(beginning.startswith(rest) or rest.startswith(beginning) for beginning in _BEGINNINGS):
        raise _refuse(path)
    return end, last


def _name_event(line: ChainedEvent | SignedHead) -> str | None:
    return line.event.id if isinstance(line, ChainedEvent) else line.head.event_id


def _skip_nuls(descriptor: int, size: int) -> int:
    """The place after the last byte that isn't NUL."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        found = os.pread(descriptor, end - start, start).rstrip(b"\0")
        if found:
            return start + len(found)
        end = start
    return 0


def _find_line_end(descriptor: int, path: Path, before: int) -> int:
    """The place after the last line feed before this one; 0 if there is none."""
    end = before
    while end > 0:
        if before - end > MAX_LINE_BYTES:
            raise _refuse(path)
        start = max(0, end - _BLOCK_BYTES)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _refuse(path: Path) -> AuditFileFailed:
    return AuditFileFailed(f"{path} doesn't end like a copy of the audit log. Move it away, or use another.")
