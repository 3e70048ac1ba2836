"""Which event each copy of the audit log got last: that of a collector in the database, that of a file next to it."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol, Self

from ari.base.clock import MINUTE_MS
from ari.base.transaction import KeyValueStore

LEASE_MS = MINUTE_MS
"""How long a process that ended keeps the others from sending."""
_NAME = "audit_syslog"
MARK_FILE = "audit-file.json"


@dataclass(frozen=True, slots=True)
class FileMark:
    """The last event in the file at ``path``, and the last one before the latest batch.

    ``inode`` and ``size`` are those of the file after it.
    """

    path: str
    last_id: str | None = None
    before_id: str | None = None
    inode: int = 0
    size: int = 0

    @classmethod
    def read(cls, data_dir: Path, path: Path) -> Self:
        """The mark of this path. Another path has got nothing yet."""
        try:
            mark = cls(**json.loads((data_dir / MARK_FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            mark = cls(str(path))
        return mark if mark.path == str(path) else cls(str(path))

    def write(self, data_dir: Path) -> None:
        """Replace the mark. Raises ``OSError``."""
        fresh = data_dir / f".{MARK_FILE}.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(data_dir / MARK_FILE)


@dataclass(frozen=True, slots=True)
class SyslogMark:
    """``collector`` is the address that it is about. ``last_id`` is ``None`` while nothing was delivered."""

    collector: str
    last_id: str | None = None
    holder: str | None = None
    until_ms: int = 0


class MarkTransaction(Protocol):
    """A transaction with small facts of the instance."""

    @property
    def now_ms(self) -> int: ...

    @property
    def key_value(self) -> KeyValueStore: ...


def read_mark(tx: MarkTransaction, collector: str) -> SyslogMark:
    """The mark of this collector. Another one has got nothing yet."""
    try:
        mark = SyslogMark(**json.loads(tx.key_value.get(_NAME) or "{}"))
    except (ValueError, TypeError):
        mark = SyslogMark(collector)
    return mark if mark.collector == collector else SyslogMark(collector)


def is_free(tx: MarkTransaction, collector: str, holder: str) -> bool:
    """Whether this process may send: it does already, or no other holds the lease."""
    mark = read_mark(tx, collector)
    return mark.holder in (None, holder) or not tx.now_ms < mark.until_ms <= tx.now_ms + LEASE_MS


def claim(tx: MarkTransaction, collector: str, holder: str) -> SyslogMark | None:
    """Take or extend the lease; ``None`` if another process holds it."""
    if not is_free(tx, collector, holder):
        return None
    mark = replace(read_mark(tx, collector), holder=holder, until_ms=tx.now_ms + LEASE_MS)
    tx.key_value.put(_NAME, json.dumps(asdict(mark)))
    return mark


def advance(tx: MarkTransaction, collector: str, holder: str, last_id: str) -> SyslogMark | None:
    """Remember the last event that was delivered; ``None`` if another process holds the lease."""
    mark = claim(tx, collector, holder)
    if mark is not None:
        mark = replace(mark, last_id=last_id)
        tx.key_value.put(_NAME, json.dumps(asdict(mark)))
    return mark


def release(tx: MarkTransaction, collector: str, holder: str) -> None:
    """Let another process send at once."""
    mark = read_mark(tx, collector)
    if mark.holder == holder:
        tx.key_value.put(_NAME, json.dumps(asdict(replace(mark, holder=None, until_ms=0))))
