"""Rows of threads without an event loop, such as those of a WSGI server, which wait for the thread that commits.

The commit itself wakes such a thread: through the event loop it would take two more changes of thread. It waits for a
lock of its own and holds none that others wait for, so if it is interrupted, nothing is lost and nobody waits.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from ari.base.errors import Unavailable
from ari.usage.ai import AiUse
from ari.usage.cleaning import clean_end
from ari.usage.model import Attempt, Completion, UsageRow
from ari.usage.ports import Batch
from ari.usage.waiting_rows import MAX_ROWS_PER_COMMIT

T = TypeVar("T")
OF_THREADS = Batch()
"""The job to commit what threads wait for, and nothing else."""


class ThreadRow:
    """A row, and the lock that its thread waits for."""

    __slots__ = ("done", "fault", "row")

    def __init__(self, row: UsageRow) -> None:
        self.row = row
        self.fault: str | None = None
        self.done = threading.Lock()
        self.done.acquire()


class ThreadRows:
    """After any of its ``jobs``, the thread that commits calls ``commit``. All that come during one share the next.

    At most ``max_rows`` rows are held, give or take one for each thread; further threads wait in line. No lock keeps
    that bound, since an interrupted thread might never release it.
    """

    def __init__(self, jobs: "queue.SimpleQueue[Batch | None]", max_rows: int) -> None:
        self._jobs = jobs
        self._max_rows = max_rows
        self._rows: deque[ThreadRow] = deque()
        self._line: deque[ThreadRow] = deque()
        self._committing = 0
        self._completions: deque[Completion | AiUse] = deque(maxlen=max_rows)

    def __len__(self) -> int:
        return len(self._rows) + len(self._line) + len(self._completions)

    @property
    def held(self) -> int:
        """Rows that wait or are being committed, without the line."""
        return len(self._rows) + self._committing

    def wake(self) -> None:
        """Have the thread that commits call ``commit``, if no job will."""
        if self._jobs.empty():
            self._jobs.put(OF_THREADS)

    def write(self, row: UsageRow, seconds: float) -> bool:
        """Wait until ``row`` is committed, for at most ``seconds``. Returns whether it was.

        If not, it still will be, unless the thread was in line. Raises ``Unavailable`` if its commit failed.
        """
        entry = ThreadRow(row)
        if self._line or self.held >= self._max_rows:
            is_done = self._wait_in_line(entry, seconds)
        else:
            self._rows.append(entry)
            self.wake()
            is_done = entry.done.acquire(timeout=seconds)
        if is_done and entry.fault is not None:
            raise Unavailable(entry.fault)
        return is_done

    def _wait_in_line(self, entry: ThreadRow, seconds: float) -> bool:
        is_done = False
        try:
            self._line.append(entry)
            self.wake()
            is_done = entry.done.acquire(timeout=seconds)
        finally:
            if not is_done:
                with suppress(ValueError):  # its row is being committed
                    self._line.remove(entry)
        return is_done

    def complete(self, done: Completion | AiUse) -> None:
        """Fill in a committed row with the next commit, but no impossible status. Never waits."""
        cleaned = clean_end(done)
        if cleaned is not None:
            self._completions.append(cleaned)
            self.wake()

    def commit(self, commit: Callable[[Batch], str | None], *, list_refusals: bool) -> str | None:
        """Commit what waits, and wake its threads. Returns why it failed, as ``commit`` returns it.

        What exceeds the bound of one commit is left for the next call.
        """
        entries = _take(self._rows, MAX_ROWS_PER_COMMIT)
        room = min(MAX_ROWS_PER_COMMIT, self._max_rows - len(self._rows)) - len(entries)
        entries += _take(self._line, room)
        self._committing = len(entries)
        completions = _take(self._completions, MAX_ROWS_PER_COMMIT)
        batch = Batch([entry.row for entry in entries], completions, list_refusals=list_refusals)
        fault = commit(batch) if batch.rows or batch.completions else None
        self._committing = 0
        for entry in entries:
            entry.fault = fault
            entry.done.release()
        if self:
            self.wake()
        return fault


class ThreadWriter:
    """A ``UsageWriter`` whose coroutines block the thread, and wait for no event loop.

    ``write_row`` raises ``Unavailable``; ``complete`` never waits.
    """

    def __init__(self, write_row: Callable[[UsageRow], None], complete: Callable[[Completion | AiUse], None]) -> None:
        self._write_row = write_row
        self.complete = complete

    async def write(self, row: UsageRow) -> None:
        """Return when ``row`` is committed. Raises ``Unavailable``."""
        self._write_row(row)

    async def write_together(self, rows: Iterable[UsageRow], attempts: Sequence[Attempt]) -> None:
        """For requests of the server, which have an event loop."""
        raise NotImplementedError


def _take(waiting: deque[T], most: int) -> list[T]:
    taken: list[T] = []
    with suppress(IndexError):  # none is left: a thread may leave the line now
        while len(taken) < most:
            taken.append(waiting.popleft())
    return taken
