"""The write lock of a SQLite file. With SQLite's own locks, two busy writers starve each other for seconds.

It is a ``flock`` on a file next to the database, so it ends with its process, however the process ends. The kernel
wakes waiting processes in order. Retrying would not be fair: the process that wrote last would be back before the
others retry.

The kernel's wait has no timeout, but a writer that is stopped while it holds the lock (a debugger, a frozen container,
a hanging disk) must not stop all others. So a process that finds the lock taken lets one thread wait for it. The
process's writers wait for that thread, in order and with a timeout.
"""

import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ari.base.errors import Unavailable
from ari.storage.forks import GATE

LOCK_SECONDS = 5.0
"""How long a writer waits for the lock before it raises ``Unavailable``."""


@contextmanager
def write_lock(lock_file: Path | None, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the write lock of a SQLite file. ``None`` (PostgreSQL) needs no lock.

    Raises ``Unavailable`` after ``seconds``, and ``OSError`` if the lock file cannot be created.
    """
    if lock_file is None:
        yield
        return
    with GATE.use():
        descriptor, taken_by = _take(lock_file, seconds), os.getpid()
        try:
            yield
        finally:
            _release(descriptor, taken_by)


class _Writer:
    """A waiting writer; ``descriptor`` holds the lock once ``called`` is set."""

    def __init__(self) -> None:
        self.called = threading.Event()
        self.descriptor: int | None = None
        self.failed: OSError | None = None


_mutex = threading.Lock()
_lines: dict[Path, deque[_Writer]] = {}
"""Waiting writers of this process by lock file. While a file is in here, one thread waits for its lock."""


def count_waiting(lock_file: Path) -> int:
    """How many writers of this process wait for the lock now."""
    return len(_lines.get(lock_file, ()))


def _take(lock_file: Path, seconds: float) -> int:
    with _mutex:
        line = _lines.get(lock_file)
        if line is None:
            descriptor = _open(lock_file)
            if _try(descriptor):
                return descriptor
            line = _lines[lock_file] = deque()
            # A daemon, because it may wait forever and the process must be able to end.
            threading.Thread(target=_wait_for, args=(lock_file, descriptor), name="ari write lock", daemon=True).start()
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
    """The waiting thread: take the lock for the first writer in line, until the line is empty."""
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
                    _release(descriptor, os.getpid())
                return


def _open(lock_file: Path) -> int:
    return os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _release(descriptor: int, taken_by: int) -> None:
    """Let the lock go, also where a forked process has a copy of the descriptor. Its copies of our frames must not."""
    if os.getpid() == taken_by:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _forget() -> None:
    """In a forked process: the threads that wait are the parent's."""
    global _mutex  # noqa: PLW0603 - another thread may have held it
    _mutex = threading.Lock()
    _lines.clear()


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        os.close(descriptor)
        raise
    return True


os.register_at_fork(after_in_child=_forget)
