"""The stream of the log. Writing a line never fails and never waits: one that can't be written is lost and counted.

A full disk, a reader that has ended and one that hangs would otherwise stop the server.
"""

import errno
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

MAX_LINE_BYTES = 4_095
"""With its line end. A pipe takes so many at once or none, so lines of several processes don't mix."""
_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ESPIPE)


class LogStream:
    """``report`` is called with the number of lost lines, once writing works again."""

    def __init__(self, stream: TextIO, report: Callable[[int], None]) -> None:
        self._stream = stream
        self._report = report
        self._descriptor = _find_descriptor(stream)
        self._may_hang = self._descriptor is not None and _may_hang(self._descriptor)
        self._lost = 0
        self._is_cut = False

    def write(self, line: str) -> None:
        """Write a line with its end, or lose it."""
        try:
            self._write(line)
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._report(lost)

    def flush(self) -> None:
        """Nothing waits in a buffer."""

    def _write(self, line: str) -> None:
        if self._descriptor is None:
            self._stream.write(line)
            self._stream.flush()
            return
        data = line.encode(errors="backslashreplace")
        if self._is_cut:
            data = b"\n" + data
        written = _write_now(self._descriptor, data) if self._may_hang else os.write(self._descriptor, data)
        if written < len(data):
            self._is_cut = self._is_cut or written > 0
            raise OSError(errno.ENOSPC, "only a part of the line fits")
        self._is_cut = False


def _find_descriptor(stream: TextIO) -> int | None:
    with suppress(OSError, ValueError):
        return stream.fileno()
    return None


def _may_hang(descriptor: int) -> bool:
    """Whether a reader decides when bytes are taken: not for a file."""
    try:
        return not stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _write_now(descriptor: int, data: bytes) -> int:
    """Write what is taken at once. Raises ``OSError`` if nothing is.

    The kernel's own way isn't everywhere. Where it isn't, another process may fill the pipe after it was polled.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError(errno.EAGAIN, "the reader of the log takes nothing")
    if _NOWAIT:
        try:
            return os.pwritev(descriptor, [data], -1, _NOWAIT)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    return os.write(descriptor, data)
