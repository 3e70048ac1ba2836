"""What this node last saw of its database, kept in the data directory so that a restarted node remembers it too."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ari.base.errors import Unavailable

MAX_RECENT = 200
"""Events that a record lists, so that a node can name what a database lost."""


class SeenEvent(msgspec.Struct, frozen=True):
    """An event of the audit log. Its hash covers every event before it (``base.events.chain_hash``)."""

    seq: int
    id: str
    hash: str
    at_ms: int = 0
    name: str = ""
    subject: str | None = None


class Record(msgspec.Struct, frozen=True):
    """The newest event that was seen, and where.

    ``history`` is the id that the database got from the migration, a restore or ``ari database accept``. ``system``
    and ``timeline`` are PostgreSQL's system identifier and timeline.
    """

    history: str
    head: SeenEvent
    system: str | None = None
    timeline: int | None = None
    recent: tuple[SeenEvent, ...] = ()

    @property
    def events(self) -> tuple[SeenEvent, ...]:
        """All listed events, oldest first, the newest seen one included."""
        return self.recent if self.head in self.recent else (*self.recent, self.head)


class RecordFile:
    """The record on disk, shared by all processes of a node. Replaced as a whole, never edited in place."""

    def __init__(self, data_dir: Path, kind: str) -> None:
        self.data_dir = data_dir
        self._path = data_dir / f"seen-{kind}.json"
        self._lock = data_dir / f"seen-{kind}.lock"
        self._read: tuple[tuple[int, int, int], Record] | None = None

    def load(self) -> Record | None:
        """The record, ``None`` where there is none. Raises ``Unavailable`` if it cannot be read."""
        try:
            status = self._path.stat()
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._read is None or self._read[0] != version:
                self._read = (version, msgspec.json.decode(self._path.read_bytes(), type=Record))
            return self._read[1]
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            reason = f"Can't read {self._path}. Run: ari database status"
            raise Unavailable("Can't read what this node has seen of its database.", reason=reason) from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the record against other processes."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def save(self, record: Record) -> None:
        """Replace the record and wait for the disk. The caller holds the lock. Raises ``OSError``."""
        new = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(record))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new.replace(self._path)

    def remove(self) -> None:
        """Forget what was seen."""
        self._path.unlink(missing_ok=True)
