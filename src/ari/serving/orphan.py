"""A worker never outlives its parent: an orphan would keep the port and serve on, unseen by its operator.

The kernel kills it on Linux, also a worker that is stopped or stuck. Everywhere a thread waits at the end of a pipe
whose other end only the parent holds.
"""

import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int, lifeline: int) -> None:
    """End this process as soon as its parent is gone. ``lifeline`` is the end of the pipe to read from."""
    if sys.platform == "linux":
        ask_kernel()
    if os.getppid() != parent_pid:  # it died before the kernel was asked
        os._exit(1)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), name="ari lifeline", daemon=True).start()


def ask_kernel() -> None:
    """Have Linux kill this process when the thread that forked it ends (prctl(2), PR_SET_PDEATHSIG)."""
    import ctypes  # noqa: PLC0415 - only here

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_the_end(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGKILL)
