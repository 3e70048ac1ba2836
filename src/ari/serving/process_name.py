"""The names of the server's processes, as ``ps`` shows them on Linux."""

import sys

WORKER = "ari-worker"
FOLD = "ari-fold"
BACKUP = "ari-backup"
_PR_SET_NAME = 15


def set_process_name(name: str) -> None:
    """Name this process, from its main thread; at most 15 characters count. Without effect on other systems."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
