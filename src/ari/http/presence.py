"""Which workers serve: one byte for each, in memory that all processes of a run share."""

import mmap


class Presence:
    """Filled in by the workers, and by their parent for those that ended."""

    def __init__(self, workers: int = 1) -> None:
        self._serving = mmap.mmap(-1, workers)
        self.number = 0
        """Which worker this process is."""

    def enter(self) -> None:
        """Say that this worker serves."""
        self._serving[self.number] = 1

    def leave(self, number: int) -> None:
        """Say that this worker is gone; its parent does, since the dead say nothing."""
        self._serving[number] = 0

    def serves(self, number: int) -> bool:
        """Whether this worker entered."""
        return self._serving[number] == 1

    def count(self) -> int:
        """How many workers serve now."""
        return sum(self._serving[:])

    def all_here(self) -> bool:
        """Whether all workers serve now."""
        return 0 not in self._serving[:]
