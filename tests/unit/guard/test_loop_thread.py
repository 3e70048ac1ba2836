"""WSGI apps and scripts use the guard without an event loop of their own, from any thread, also after a fork."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ari.guard.loop_thread import LoopThread

PROGRAM = """
import asyncio, os, sys
from ari.guard.loop_thread import LoopThread

async def work():
    return await asyncio.to_thread(os.getpid)

async def close():
    print("closed", await asyncio.to_thread(os.getpid) == os.getpid(), flush=True)

thread = LoopThread(close)
assert thread.run(work()) == os.getpid()
child = os.fork()
assert thread.run(work()) == os.getpid()
if child:
    os.waitpid(child, 0)
    print("parent", flush=True)
sys.exit(3)
"""


async def find_loop() -> asyncio.AbstractEventLoop:
    """The loop that runs this."""
    return asyncio.get_running_loop()


def test_all_threads_share_one_loop_until_it_is_stopped() -> None:
    """Errors reach the caller; closing runs on the loop, once."""
    closed: list[asyncio.AbstractEventLoop] = []

    async def close() -> None:
        closed.append(asyncio.get_running_loop())

    async def fail() -> None:
        raise ValueError("in the coroutine")

    thread = LoopThread(close)
    with ThreadPoolExecutor(8) as pool:
        loops = set(pool.map(lambda _: thread.run(find_loop()), range(50)))
    with pytest.raises(ValueError, match="in the coroutine"):
        thread.run(fail())
    thread.stop()
    thread.stop()
    assert closed == [*loops]
    assert thread.run(find_loop()) not in loops
    thread.stop()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_starts_its_own() -> None:
    """A server that forks after the app was used: the parent's thread does not exist in the child."""

    async def close() -> None:
        """Nothing is open."""

    thread = LoopThread(close)
    thread.run(find_loop())
    child = os.fork()
    if child == 0:
        os._exit(0 if thread.run(find_loop()).is_running() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.stop()


def test_each_process_closes_its_own_loop_at_exit() -> None:
    """While executors still take work; the child first, because the parent waits for it."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.splitlines() == ["closed True", "parent", "closed True"]
