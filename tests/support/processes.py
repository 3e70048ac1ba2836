"""The processes of a server under test, and waiting for what they do."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ari.serving.process_name import BACKUP, FOLD, WORKER
from tests.support.server import ServerProcess

T = TypeVar("T")


def workers_of(server: ServerProcess) -> list[int]:
    """The process ids of the server's workers now, from when they have their name."""
    return [pid for pid, name in _children_of(server) if name == WORKER]


def fold_processes_of(server: ServerProcess) -> list[int]:
    """The process id of the server's fold process now, if it runs."""
    return [pid for pid, name in _children_of(server) if name == FOLD]


def backup_processes_of(server: ServerProcess) -> list[int]:
    """The process id of the server's backup process now, if it runs."""
    return [pid for pid, name in _children_of(server) if name == BACKUP]


def _children_of(server: ServerProcess) -> list[tuple[int, str]]:
    assert server.process is not None
    found = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat=,comm="], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=3) for line in found.stdout.splitlines()]
    return [
        (int(pid), name)
        for pid, parent, state, name in rows
        if int(parent) == server.process.pid and not state.startswith("Z")
    ]


def is_running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to one process. Where it is to stop, it has."""
    os.kill(pid, number)
    if number == signal.SIGSTOP:
        stat = Path(f"/proc/{pid}/stat")
        eventually(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "T")


async def kill_fold_process(server: ServerProcess, seconds: float = 30) -> None:
    """Kill the process that folds, and wait until the parent has put another in its place."""
    [victim] = await asyncio.to_thread(eventually, lambda: fold_processes_of(server), seconds)
    kill(victim)
    await asyncio.to_thread(eventually, lambda: {*fold_processes_of(server)} - {victim}, seconds)


def eventually(true: Callable[[], T], seconds: float = 20) -> T:
    """Ask until the response is true, and give it; fail when it is not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)
    return found
