"""Make sure that a worker never outlives its parent: an orphan would hold the port and keep serving unnoticed.

On Linux the kernel kills it, even if it is stopped or stuck. Elsewhere a thread waits on a pipe whose other end only
the parent holds.
"""

import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int, lifeline: int) -> None:
    """End this process when its parent dies. ``lifeline`` is the read end of the pipe."""
    if sys.platform == "linux":
        ask_kernel()
    if os.getppid() != parent_pid:  # the parent died before the call above
        os._exit(1)
    threading.Thread(target=_wait_for_parent, args=(lifeline,), name="ari lifeline", daemon=True).start()


def ask_kernel() -> None:
    """Have Linux kill this process when the thread that forked it ends (prctl(2), PR_SET_PDEATHSIG)."""
    import ctypes  # noqa: PLC0415 - only here

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGKILL)
