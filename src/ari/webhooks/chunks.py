"""How many deliveries one transaction touches, since it holds the lock that every change needs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AIM_SECONDS = 0.05
"""How long the work on a chunk should take. The lock is held until the commit, which a busy disk delays."""
FIRST_SIZE, MIN_SIZE, MAX_SIZE = 100, 10, 1_000


class ChunkSize:
    """The size of the next chunk: as many as took ``AIM_SECONDS`` the last time, but at most twice as many as then."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, size: int = FIRST_SIZE) -> None:
        self._monotonic = monotonic
        self.size = size

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Around the work on one chunk, inside its transaction, so that the wait for the lock doesn't count."""
        began = self._monotonic()
        yield
        seconds = max(self._monotonic() - began, AIM_SECONDS / 2)
        self.size = min(max(int(self.size * AIM_SECONDS / seconds), MIN_SIZE), MAX_SIZE)
