"""Integers in memory that the processes of one run share: each writes only its own slot, and each reads all of them."""

import mmap

_BYTES = 8


class SharedCells:
    """``slots`` times ``size`` unsigned 64-bit integers, all 0. Processes that are forked later share them.

    Nothing is locked, so one thread of one process writes a cell. The memory outlives a process that is killed.
    """

    def __init__(self, slots: int, size: int) -> None:
        self._size = size
        self._cells = memoryview(mmap.mmap(-1, slots * size * _BYTES)).cast("Q")

    def slot(self, number: int) -> memoryview:
        """The cells of one process, to be written by it alone."""
        return self._cells[number * self._size : (number + 1) * self._size]

    def add_up(self) -> list[int]:
        """The sums of all slots, cell by cell."""
        numbers = self._cells.tolist()
        return [sum(numbers[place :: self._size]) for place in range(self._size)]
