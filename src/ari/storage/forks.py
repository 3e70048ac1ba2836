"""No SQLite connection and no write lock crosses a fork.

SQLite's locks belong to a process, and SQLite keeps an account of them for each file. A child inherits the account but
not the locks: it would take its own connections for locked ones while another process removes the file's WAL, and what
it commits then is lost (https://sqlite.org/howtocorrupt.html, 2.6). So a fork waits for the threads that use SQLite,
and closes all connections; the next use opens new ones, in the parent and in the child.

If a thread doesn't end in time, the fork goes on, and the child refuses to use SQLite. So does every child that finds
one of the files open, whatever the reason: a connection that couldn't be closed, or a fork in C, such as uWSGI's, which
calls none of Python's hooks and is noticed at the next use.

A signal's handler may raise anywhere in a hook, such as a time limit, and also in the first instant after the fork.
Python drops such an exception and goes on with the next hook. So the hooks work in a thread of their own, which no
signal interrupts, and each is registered several times, to do what an earlier call left. Blocking signals would not
help: another thread gets them, and Python runs their handlers in the main one.
"""

import _thread
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

from ari.base.errors import Unavailable

WAIT_SECONDS = 5.0
"""How long a fork waits for other threads: as long as these wait for a write lock."""
_MAX_WAITS = 6
_CALLS = 3
"""How often each hook is called, for the signals that interrupt it."""
_TOO_LONG = "This process has been forking for too long. Try again."
_DESCRIPTORS = "/dev/fd"
_MAX_UNLISTED = 4_096
"""How many descriptors are looked at where the system doesn't list those that are open."""


class Pausable(Protocol):
    """Holds SQLite connections between uses."""

    def pause(self) -> None:
        """Close them, and let nobody open one until ``resume``. May be called again, after an interruption."""

    def resume(self) -> None:
        """Let them be opened again, if they were paused. Also called in the child."""


class _Fork:
    """One fork: what it paused, and whether it is over, after which a call that was interrupted does nothing."""

    def __init__(self) -> None:
        self.paused: list[Pausable] = []
        self.is_over = False


class ForkGate:
    """Counts the uses of SQLite, and stops new ones while the process forks."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._holders: WeakSet[Pausable] = WeakSet()
        self._inherited: list[Pausable] = []
        """The parent's, in a child that refuses: a connection that a child closes is what SQLite warns of."""
        self._files: set[str] = set()
        self._is_unsafe = False
        self._noticing = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._calls = threading.Lock()
        self._own = threading.local()
        self._uses = 0
        self._forker: int | None = None
        """The thread that forks now."""
        self._process = os.getpid()

    def watch(self, *files: Path) -> None:
        """Let no child use SQLite that has one of these files open."""
        self._files.update(map(str, files))

    def add(self, holder: Pausable) -> None:
        """Pause this one at each fork, as long as it exists. Waits for a fork that has begun."""
        self._notice_fork()
        try:
            self._acquire()
            self._wait_for_fork()
            self._holders.add(holder)
        finally:
            self._release()

    def _acquire(self) -> None:
        """Take the lock of this gate. Raises ``Unavailable``."""
        if not self._changed.acquire(timeout=self._wait_seconds):
            raise Unavailable(_TOO_LONG)

    def _release(self) -> None:
        """Let it go, if this thread has it: one that is interrupted doesn't know. Take it in a ``try`` block, then."""
        try:  # noqa: SIM105 - a call before this one could be interrupted, and keep the lock
            self._changed.release()
        except RuntimeError:
            pass

    def _wait_for_fork(self) -> None:
        """Wait until no other thread forks. Raises ``Unavailable``."""
        free = (None, threading.get_ident())
        if not self._changed.wait_for(lambda: self._forker in free, self._wait_seconds):
            raise Unavailable(_TOO_LONG)

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
        try:
            self._acquire()
            depth = getattr(self._own, "depth", 0)
            if not depth and self._forker is not None:  # a thread that is inside must get to its end
                self._wait_for_fork()
            self._uses += 1
            self._own.depth = depth + 1
        finally:
            self._release()

    def leave(self) -> None:
        """End a use."""
        with self._changed:
            self._uses -= 1
            self._own.depth = max(0, getattr(self._own, "depth", 0) - 1)
            if self._forker is not None:
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
        """Wait for the other threads, and close what they left open. Once this is done, another call does nothing."""
        own = self._own
        if not getattr(own, "is_ready", False):
            if getattr(own, "fork", None) is None:
                own.fork = _Fork()
            _run_aside(partial(self._begin, threading.get_ident(), getattr(own, "depth", 0), own.fork))
            own.is_ready = True

    def _begin(self, forker: int, own_uses: int, fork: _Fork) -> None:
        """A fork of another thread comes first, unless it takes too long."""
        with self._calls:
            if fork.is_over:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._forker in (None, forker), self._wait_seconds)
                self._forker = forker
                self._changed.wait_for(lambda: self._uses <= own_uses, self._wait_seconds)
                is_used = self._uses > 0
            if is_used:
                return
            fork.paused[:] = self._holders
            for holder in fork.paused:
                holder.pause()

    def end_fork_in_parent(self) -> None:
        """Go on. Once this is done, another call does nothing, nor does one after a fork that never began."""
        own, forker = self._own, threading.get_ident()
        fork = getattr(own, "fork", None)
        if fork is not None:
            _run_aside(partial(self._end, forker, fork))
            own.is_ready = False
            own.fork = None

    def _end(self, forker: int, fork: _Fork) -> None:
        with self._calls:
            fork.is_over = True
            for holder in fork.paused:
                holder.resume()
            fork.paused.clear()
            with self._changed:
                if self._forker == forker:
                    self._forker = None
                self._changed.notify_all()

    def end_fork_in_child(self) -> None:
        """Start from the beginning: the other threads are gone."""
        self._is_unsafe = self._is_unsafe or self._uses > 0 or _is_any_open(list(self._files))
        if self._is_unsafe:
            self._inherited += self._holders
            self._holders = WeakSet()
        fork = getattr(self._own, "fork", None)
        for holder in () if fork is None else fork.paused:
            holder.resume()
        self._reset()


def _run_aside(work: Callable[[], None]) -> None:
    """Do this in a thread of its own, where no signal's handler can interrupt it, and wait for it.

    ``threading.Thread`` has locks, which the interrupted main thread could leave locked.
    """
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            work()
        finally:
            done.release()

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:  # the process ends, or has too many threads
        work()
    else:
        done.acquire(timeout=_MAX_WAITS * WAIT_SECONDS)


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
for _ in range(_CALLS):
    os.register_at_fork(before=GATE.begin_fork, after_in_parent=GATE.end_fork_in_parent)
os.register_at_fork(after_in_child=GATE.end_fork_in_child)
