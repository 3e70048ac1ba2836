"""Notice that a file was changed, without reading it again at each use (2 µs instead of 20)."""

import os
import time
from pathlib import Path

SETTLED_SECONDS = 2.0
"""A file changed more lately than this is read each time: its next change may bear the same time (coarse clocks)."""

Identity = tuple[int, ...]


def identity_of(path: Path) -> Identity | None:
    """What differs after any change of the file; ``None`` if it isn't there or can't be reached."""
    try:
        return _identity(path.stat())
    except OSError:
        return None


def find_settled_identity(status: os.stat_result) -> Identity | None:
    """The identity of a file that was read; ``None`` if it changed so recently that it must be read again."""
    return _identity(status) if time.time() - status.st_ctime > SETTLED_SECONDS else None


def _identity(status: os.stat_result) -> Identity:
    """``ctime`` cannot be set back by a copy that keeps the file's times."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
