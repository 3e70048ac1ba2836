"""Promises 1 and 2 in a process that forks: no SQLite connection and no write lock crosses the fork."""

import _thread
import fcntl
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType

import pytest

from ari.base.errors import Unavailable
from ari.storage import forks
from ari.storage.commit_counter import CommitCounter
from ari.storage.dialect import sqlite_engine
from ari.storage.forks import ForkGate
from ari.storage.lookups.sqlite import SqliteLookup
from ari.storage.write_lock import write_lock


class Holder:
    """Notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")


def fork_status() -> int:
    """The exit status of a child that ends at once."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_a_fork_waits_for_the_threads_inside() -> None:
    """Their uses end first; a thread that begins one then waits for the fork."""
    gate, holder = ForkGate(), Holder()
    gate.add(holder)
    inside, order = threading.Event(), list[str]()
    may_end = threading.Event()

    def use() -> None:
        with gate.use():
            inside.set()
            may_end.wait()
            with gate.use():  # a nested use is part of the one that the fork waits for
                order.append("used")

    def use_later() -> None:
        with gate.use():
            order.append("used later")

    first, second = threading.Thread(target=use), threading.Thread(target=use_later)
    first.start()
    inside.wait()
    forking = threading.Thread(target=_fork, args=(gate, second, order))
    forking.start()
    may_end.set()
    for thread in (first, forking, second):
        thread.join()
    assert order == ["used", "forked", "used later"]
    assert holder.asked == ["pause", "resume"]


def _fork(gate: ForkGate, other: threading.Thread, order: list[str]) -> None:
    gate.begin_fork()
    other.start()
    order.append("forked")
    gate.end_fork_in_parent()


def test_a_child_of_a_busy_parent_refuses() -> None:
    """If a thread doesn't end in time, nothing is shared: the child uses no SQLite. The parent goes on."""
    gate = ForkGate(wait_seconds=0.01)
    gate.enter()
    gate.begin_fork()
    gate.end_fork_in_child()
    with pytest.raises(Unavailable, match="forked while"), gate.use():
        raise AssertionError("not refused")
    with pytest.raises(Unavailable):
        gate.check()

    gate = ForkGate(wait_seconds=0.01)
    gate.enter()
    gate.begin_fork()
    gate.end_fork_in_parent()
    gate.leave()
    with gate.use():
        gate.check()


def test_a_holder_that_is_added_during_a_fork_waits_for_its_end() -> None:
    """It isn't paused, and would open a file in the middle of the fork."""
    gate, holder, added = ForkGate(), Holder(), threading.Event()

    def add() -> None:
        gate.add(holder)
        added.set()

    adding = threading.Thread(target=add)
    gate.begin_fork()
    adding.start()
    assert not added.wait(0.1)
    gate.end_fork_in_parent()
    adding.join()
    assert holder.asked == []
    gate.begin_fork()
    gate.end_fork_in_parent()
    assert holder.asked == ["pause", "resume"]


@pytest.mark.parametrize("lists_descriptors", [True, False])
def test_a_child_with_an_open_file_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists_descriptors: bool
) -> None:
    """Whatever left it open: it may be a connection that nothing pauses."""

    def refuse(_path: str) -> list[str]:
        raise FileNotFoundError

    if not lists_descriptors:
        monkeypatch.setattr(os, "listdir", refuse)
    file = tmp_path / "keys.db"
    gate, other = ForkGate(), ForkGate()
    gate.watch(file, tmp_path / "missing.db")
    other.watch(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE words (word)")
        gate.begin_fork()
        gate.end_fork_in_child()
    other.begin_fork()
    other.end_fork_in_child()
    with pytest.raises(Unavailable, match="forked while"):
        gate.check()
    other.check()


def test_a_fork_that_calls_no_hook_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one in C: the process id changed. What the parent has open stays as it is."""
    file = tmp_path / "keys.db"
    gate, holder, idle = ForkGate(), Holder(), ForkGate()
    gate.add(holder)
    gate.watch(file)
    idle.watch(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE words (word)")
        monkeypatch.setattr(os, "getpid", lambda: 1)
        with pytest.raises(Unavailable, match="forked while"), gate.use():
            raise AssertionError("not refused")
    assert gate.refuses
    assert holder.asked == []
    with idle.use():
        pass
    with closing(sqlite3.connect(file)):
        assert not idle.refuses  # it opened this one


def test_connections_are_closed_before_a_fork(tmp_path: Path) -> None:
    """SQLite removes the WAL when the last connection is closed, so a fork that closes all leaves none."""
    file = tmp_path / "keys.db"
    engine = sqlite_engine(file, "FULL")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word)")
    lookup = SqliteLookup(file, "SELECT word FROM words WHERE word = ?", "It is gone.", CommitCounter())
    lookup.trace(lambda _: None)
    wal = file.with_name("keys.db-wal")
    assert wal.exists()
    assert fork_status() == 0
    assert not wal.exists()
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO words VALUES ('on')")
    with closing(sqlite3.connect(file)) as reader:
        assert reader.execute("SELECT word FROM words").fetchall() == [("on",)]
    lookup.close()
    engine.dispose()


def test_a_lock_is_free_although_a_child_has_a_copy(tmp_path: Path) -> None:
    """A forked child keeps the descriptors of its parent; when the parent releases the lock, others get it."""
    lock = tmp_path / "some.lock"
    held, may_end = os.pipe()
    with write_lock(lock):
        child = os.fork()  # the thread that holds it is the one that forks, so the fork doesn't wait for ever
        if child == 0:
            os.close(may_end)
            os.read(held, 1)
            os._exit(0)
    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it still has its copy
    os.close(may_end)
    os.waitpid(child, 0)
    os.close(held)


class _Signal:
    """Raises at one place of the hooks that this thread reaches, the ``at``-th, as a signal's handler does."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_filename == forks.__file__:
            self.left -= 1
            if self.left == 0:
                raise TimeoutError


def _fork_interrupted(gate: ForkGate, signal: _Signal) -> None:
    """Call the hooks as Python does, which drops what they raise."""
    for hook in (*[gate.begin_fork] * 3, *[gate.end_fork_in_parent] * 3):
        sys.setprofile(signal)
        try:
            with suppress(TimeoutError):
                hook()
        finally:
            sys.setprofile(None)


def _use(gate: ForkGate) -> None:
    with gate.use():
        pass


def test_a_fork_that_a_signal_interrupts_stops_nobody() -> None:
    """Wherever the signal comes, all holders are paused once and resumed once, and other threads go on."""
    gate, at, signal = ForkGate(), 0, _Signal(0)
    while signal.left <= 0:
        at += 1
        holder, signal = Holder(), _Signal(at)
        gate.add(holder)
        _fork_interrupted(gate, signal)
        assert (holder.asked[0], holder.asked[-1]) == ("pause", "resume"), at
        used = threading.Thread(target=_use, args=(gate,))
        used.start()
        used.join(10)
        assert not used.is_alive(), at
    assert at > 20


def test_a_call_that_an_interruption_delayed_pauses_nothing_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread may run only once the fork is over."""
    gate, holder, late = ForkGate(), Holder(), list[Callable[[], None]]()
    gate.add(holder)

    def interrupt(run: Callable[[], None], _: object) -> None:
        late.append(run)
        raise TimeoutError

    with monkeypatch.context() as patched, suppress(TimeoutError):
        patched.setattr(_thread, "start_new_thread", interrupt)
        gate.begin_fork()
    gate.begin_fork()
    gate.end_fork_in_parent()
    late[0]()
    assert holder.asked == ["pause", "resume"]
    with gate.use():
        pass


def test_a_use_waits_for_a_fork_within_bounds() -> None:
    """Its request gets a 503; the next fork that ends frees the others."""
    gate, faults = ForkGate(wait_seconds=0.01), list[Exception]()

    def use() -> None:
        for begin in (gate.enter, lambda: gate.add(Holder())):
            try:
                begin()
            except Unavailable as error:
                faults.append(error)

    gate.begin_fork()
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(faults) == 2
    gate.end_fork_in_parent()
    with gate.use():
        pass


def test_where_no_thread_can_be_started_the_hook_does_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of a process."""

    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    gate, holder = ForkGate(), Holder()
    gate.add(holder)
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    gate.begin_fork()
    gate.end_fork_in_parent()
    assert holder.asked == ["pause", "resume"]
