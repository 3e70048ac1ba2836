"""No SQLite connection and no write lock crosses a fork.

SQLite's locks belong to a process, and SQLite keeps an account of them for each file. A child inherits the account but
not the locks: it would take its own connections for locked ones while another process removes the file's WAL, and what
it commits then is lost (https://sqlite.org/howtocorrupt.html, 2.6). So a fork waits for the threads that use SQLite,
and closes all connections; the next use opens new ones, in the parent and in the child.

If a thread doesn't end in time, the fork goes on, and the child refuses to use SQLite. So does every child that finds
one of the files open, whatever the reason: a connection that couldn't be closed, or a fork in C, such as uWSGI's, which
calls none of Python's hooks and is noticed at the next use.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

from ari.base.errors import Unavailable

WAIT_SECONDS = 5.0
"""How long a fork waits for other threads: as long as these wait for a write lock."""
_DESCRIPTORS = "/dev/fd"
_MAX_UNLISTED = 4_096
"""How many descriptors are looked at where the system doesn't list those that are open."""


class Pausable(Protocol):
    """Holds SQLite connections between uses."""

    def pause(self) -> None:
        """Close them, and let nobody open one until ``resume``."""

    def resume(self) -> None:
        """Let them be opened again. Also called in the child."""


class ForkGate:
    """Counts the uses of SQLite, and stops new ones while the process forks."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._holders: WeakSet[Pausable] = WeakSet()
        self._inherited: list[Pausable] = []
        """The parent's, in a child that refuses: a connection that a child closes is what SQLite warns of."""
        self._paused: list[Pausable] = []
        self._files: set[str] = set()
        self._is_unsafe = False
        self._noticing = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._own = threading.local()
        self._uses = 0
        self._is_forking = False
        self._process = os.getpid()

    def watch(self, *files: Path) -> None:
        """Let no child use SQLite that has one of these files open."""
        self._files.update(map(str, files))

    def add(self, holder: Pausable) -> None:
        """Pause this one at each fork, as long as it exists. Waits for a fork that has begun."""
        self._notice_fork()
        changed = self._changed
        try:
            changed.acquire()
            self._holders.add(holder)
        finally:
            try:  # noqa: SIM105 - threads may be interrupted here, and a call before this one would keep the lock
                changed.release()
            except RuntimeError:  # not this thread's
                pass

    @property
    def refuses(self) -> bool:
        """Whether this process may not use SQLite: it was forked while its parent was using it."""
        self._notice_fork()
        return self._is_unsafe

    def _notice_fork(self) -> None:
        """Do in a child that was forked in C what its hook would have done."""
        if self._process != os.getpid():
            with self._noticing:  # a second thread would find the files that the first one opened then
                if self._process != os.getpid():
                    self.end_fork_in_child()

    def check(self) -> None:
        """Raise ``Unavailable`` in a process that may not use SQLite."""
        if self.refuses:
            raise Unavailable(
                "This process was forked while its parent was using ARI's data. Start it another way, or fork earlier."
            )

    def enter(self) -> None:
        """Begin a use; a fork waits for its end. Raises ``Unavailable`` like ``check``."""
        self.check()
        with self._changed:
            depth = getattr(self._own, "depth", 0)
            while self._is_forking and not depth:  # a thread that is inside must get to its end
                self._changed.wait()
            self._uses += 1
            self._own.depth = depth + 1

    def leave(self) -> None:
        """End a use."""
        with self._changed:
            self._uses -= 1
            self._own.depth = max(0, getattr(self._own, "depth", 0) - 1)
            if self._is_forking:
                self._changed.notify_all()

    @contextmanager
    def use(self) -> Iterator[None]:
        """A use as a block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def begin_fork(self) -> None:
        """Wait for the other threads, and close what they left open."""
        self._changed.acquire()
        self._is_forking = True
        own = getattr(self._own, "depth", 0)
        self._changed.wait_for(lambda: self._uses <= own, self._wait_seconds)
        if self._uses:
            return
        self._paused = list(self._holders)
        for holder in self._paused:
            holder.pause()

    def end_fork_in_parent(self) -> None:
        """Go on."""
        self._resume()
        self._is_forking = False
        self._changed.notify_all()
        self._changed.release()

    def end_fork_in_child(self) -> None:
        """Start from the beginning: the other threads are gone."""
        self._is_unsafe = self._is_unsafe or self._uses > 0 or _is_any_open(list(self._files))
        if self._is_unsafe:
            self._inherited += self._holders
            self._holders = WeakSet()
        self._resume()
        self._reset()

    def _resume(self) -> None:
        for holder in self._paused:
            holder.resume()
        self._paused = []


def _is_any_open(files: Iterable[str]) -> bool:
    """Whether this process has one of these files open, by its own count of descriptors."""
    wanted = set[tuple[int, int]]()
    for file in files:
        with suppress(OSError):
            wanted.add(_identify(Path(file).stat()))
    try:
        descriptors: Iterable[int] = [int(name) for name in os.listdir(_DESCRIPTORS)]  # noqa: PTH208 - names alone
    except OSError:
        descriptors = range(_MAX_UNLISTED)
    for descriptor in descriptors:
        with suppress(OSError):  # the one that listed them is closed
            if _identify(os.fstat(descriptor)) in wanted:
                return True
    return False


def _identify(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


GATE = ForkGate()
os.register_at_fork(
    before=GATE.begin_fork, after_in_parent=GATE.end_fork_in_parent, after_in_child=GATE.end_fork_in_child
)
