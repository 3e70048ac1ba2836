"""Turns at writing to a SQLite file: two busy writers, left to SQLite, starve each other for seconds.

A turn is a lock (``flock``) on a file beside the database, so it ends with its process, however that ends. The kernel
wakes who waits for it, which is fair where trying again and again is not: whoever has just written would be back before
the others' next try. But the kernel's wait has no end, and a writer that is stopped in the middle of its turn (a
debugger, a frozen container, a disk that hangs) must not hang all others. So a process that finds the file taken puts
one thread to wait for it, on behalf of all its own writers; these wait for that thread, in order, and only so long.
"""

import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ari.base.errors import Unavailable

LOCK_SECONDS = 5.0
"""How long a writer waits for its turn before it gives up with ``Unavailable``."""


@contextmanager
def write_lock(lock_file: Path | None, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Wait for one's turn to write to a SQLite file. ``None`` (PostgreSQL) needs no turn.

    Raises ``Unavailable`` after ``seconds``, and ``OSError`` where the file cannot be made.
    """
    if lock_file is None:
        yield
        return
    descriptor = _take(lock_file, seconds)
    try:
        yield
    finally:
        os.close(descriptor)


class _Writer:
    """One who waits, for a descriptor that holds the lock."""

    def __init__(self) -> None:
        self.called = threading.Event()
        self.descriptor: int | None = None
        self.failed: OSError | None = None


_mutex = threading.Lock()
_lines: dict[Path, deque[_Writer]] = {}
"""Who waits in this process, by lock file. A file has a thread that waits for it exactly while it is in here."""


def _take(lock_file: Path, seconds: float) -> int:
    with _mutex:
        line = _lines.get(lock_file)
        if line is None:
            descriptor = _open(lock_file)
            if _try(descriptor):
                return descriptor
            line = _lines[lock_file] = deque()
            # A daemon: what it waits for may never come, and the process must be able to end.
            threading.Thread(target=_wait_for, args=(lock_file, descriptor), name="ari turn", daemon=True).start()
        writer = _Writer()
        line.append(writer)
    writer.called.wait(seconds)
    with _mutex:
        if writer.descriptor is not None:
            return writer.descriptor
        if writer.failed is not None:
            raise writer.failed
        line.remove(writer)
    raise Unavailable("Another process has been writing for too long; nothing was changed.")


def _wait_for(lock_file: Path, descriptor: int) -> None:
    """The waiting thread: get the lock, call the first in line, and again while there is a line."""
    while True:
        failed: OSError | None = None
        try:
            if descriptor < 0:
                descriptor = _open(lock_file)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            failed = error
        with _mutex:
            line = _lines[lock_file]
            if line:
                writer = line.popleft()
                writer.failed = failed
                if failed is None:
                    writer.descriptor, descriptor = descriptor, -1
                writer.called.set()
            if not line:
                del _lines[lock_file]
                if descriptor >= 0:
                    os.close(descriptor)
                return


def _open(lock_file: Path) -> int:
    return os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        os.close(descriptor)
        raise
    return True
