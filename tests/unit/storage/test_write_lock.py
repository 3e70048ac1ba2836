"""Turns at writing: one at a time, nobody starves, nobody waits for ever."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.storage.write_lock import count_waiting, write_lock

# Takes the turn, says so, and keeps it until a line of input.
HOLD = """
import sys
from pathlib import Path
from ari.storage.write_lock import count_waiting, write_lock
with write_lock(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.readline()
"""
# Takes turn after turn, without a pause, until its input ends; prints a line for each of them.
BUSY = """
import sys, threading
from pathlib import Path
from ari.storage.write_lock import count_waiting, write_lock
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.is_set():
    with write_lock(Path(sys.argv[1]), 20):
        print("turn", flush=True)
        over.wait(0.002)
"""


def _start(program: str, lock: Path) -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline()
    return started


@contextmanager
def _held_elsewhere(lock: Path) -> Iterator[None]:
    holder = _start(HOLD, lock)
    try:
        yield
    finally:
        holder.communicate("let go\n")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "some.lock"


def _count_waiting_threads() -> int:
    return sum(thread.name == "ari write lock" for thread in threading.enumerate())


def test_a_turn_held_elsewhere_is_not_waited_for_for_ever(lock: Path) -> None:
    """The wait ends with a plain error, however often it is tried, and at the cost of one thread."""
    with _held_elsewhere(lock):
        for _ in range(5):
            with pytest.raises(Unavailable), write_lock(lock, 0.01):
                raise AssertionError("two have the turn")
        assert _count_waiting_threads() == 1
    with write_lock(lock, 10):
        pass


def test_nobody_keeps_a_turn_that_he_no_longer_wants(lock: Path) -> None:
    """The thread that still waits after its writer gave up lets others have it."""
    with _held_elsewhere(lock), pytest.raises(Unavailable), write_lock(lock, 0.01):
        pass
    assert subprocess.run([sys.executable, "-c", HOLD, str(lock)], input="\n", text=True, timeout=20).returncode == 0


def test_turns_are_taken_one_at_a_time_and_in_order(lock: Path) -> None:
    """In one process: first come, first served."""
    order: list[int] = []

    def take(number: int) -> None:
        with write_lock(lock, 20):
            order.append(number)

    with write_lock(lock):
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            while count_waiting(lock) <= number:
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join(20)
    assert order == list(range(8))


def test_busy_processes_do_not_starve_a_modest_one(lock: Path) -> None:
    """A process that writes now and then gets its turns between two that never pause, and these get theirs too.

    Starved ones raise ``Unavailable`` when their 20 seconds are over.
    """
    busy = [_start(BUSY, lock) for _ in range(2)]
    for _ in range(20):
        with write_lock(lock, 20):
            pass
    for process in busy:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(10)] == ["turn\n"] * 10
    for process in busy:
        process.communicate(timeout=20)
    assert [process.returncode for process in busy] == [0, 0]


def test_no_turn_where_none_is_needed(lock: Path) -> None:
    """PostgreSQL orders its writers itself: two may write at once, where the lock of a file allows one."""
    held = []
    with write_lock(None, 0.01), write_lock(None, 0.01):
        held.append("PostgreSQL")
    with write_lock(lock, 0.01), pytest.raises(Unavailable), write_lock(lock, 0.01):
        held.append("SQLite")
    assert held == ["PostgreSQL"]


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """The error is the system's."""
    with pytest.raises(OSError, match="No such file"), write_lock(tmp_path / "nowhere" / "some.lock"):
        pass
