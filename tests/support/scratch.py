"""Where tests keep their files: in memory where there is room, or most of their time would go to syncing a disk."""

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 3 << 30


def use() -> None:
    """Make temporary files in memory from now on, in this process and its children; a ``TMPDIR`` that is set stays."""
    if "TMPDIR" not in os.environ and _is_fit():
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def _is_fit() -> bool:
    try:
        disk = os.statvfs(_MEMORY)
    except OSError:
        return False
    runs = not disk.f_flag & os.ST_NOEXEC  # tests install programs
    return runs and os.access(_MEMORY, os.W_OK) and disk.f_bavail * disk.f_frsize > _ROOM_BYTES
