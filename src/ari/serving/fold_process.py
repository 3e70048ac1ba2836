"""The process that folds the usage log of ``ari serve``: workers respond, this one counts."""

import os
import signal
import sys
from types import FrameType

from ari.instance import Instance
from ari.usage.fold_loop import FoldLoop

NAME = "ari-fold"
"""The process's name, as ``ps`` shows it on Linux."""
_PR_SET_NAME = 15


def work(instance: Instance) -> int:
    """Fold until SIGTERM, and return the exit status. Raises nothing for a database that is unavailable."""
    _set_name()
    loop = FoldLoop(instance.fold_store)

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, stop)
    loop.run()
    os._exit(0)  # without waiting for a fold at idle priority: it changes nothing, and the next run repeats it


def _set_name() -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NAME, NAME.encode(), 0, 0, 0)
