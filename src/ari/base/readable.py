"""Whether something can be read: ``select`` refuses descriptors above 1023, which a busy process has."""

import math
import select
from typing import Protocol


class Readable(Protocol):
    """A socket, a file or a connection."""

    def fileno(self) -> int:
        """Its descriptor."""


def is_readable(place: Readable | int, timeout_seconds: float | None = 0.0) -> bool:
    """Whether there is anything to read, or the other side has ended; waits for that until the timeout.

    ``None`` waits without a limit. Raises ``OSError`` and ``ValueError`` for what is closed.
    """
    poll = select.poll()
    poll.register(place, select.POLLIN)
    return bool(poll.poll(None if timeout_seconds is None else math.ceil(timeout_seconds * 1000)))
