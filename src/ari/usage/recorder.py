"""Writes the usage log of one process: every response that a caller saw is in it, even after ``kill -9``.

``write`` and ``count`` return only once the row is committed, and the response is sent only then. Requests that arrive
while a commit runs share the next one; there is no fixed delay. Commits run in their own thread, because an event loop
that waits for a disk cannot send a 503 either.

- A failed commit fails as a whole: all its callers get ``Unavailable`` and its rows are dropped. After a lost
  connection they may be stored all the same. A row for a 503 is harmless; a missing row is not.
- A caller that waits longer than ``usage_wait_seconds`` gets ``Unavailable``. Its row, once in the buffer, is still
  written, and so is the row of a caller that disconnected.
- Callers of one event loop tick wait for one future, which is cheaper than one each.
- The buffer is bounded. When it is full, further callers wait in line for as long at most; no row is dropped from the
  buffer to make room.
- Another process folds committed entries a moment later. Where it can't keep up, commits pause (``back_pressure.py``).
- Completions belong to responses that are already sent, so they are kept over failed commits and retried (as many as
  the buffer has room for; the oldest are dropped first, but no settlement of a budget is).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from time import perf_counter

from ari.base.clock import Clock
from ari.base.errors import Unavailable
from ari.base.served_request import note_wait
from ari.base.settings import Settings
from ari.usage.ai import AiUse
from ari.usage.back_pressure import BackPressure
from ari.usage.cleaning import attempt_address, clean_end, clean_use
from ari.usage.commit_thread import RETRY_SECONDS, CommitThread
from ari.usage.completions import Completions
from ari.usage.floods import AttemptAddresses
from ari.usage.model import Attempt, Completion, Source, UsageRow
from ari.usage.ports import Batch, UsageStore
from ari.usage.row_fitting import RowFitter
from ari.usage.thread_rows import ThreadWriter
from ari.usage.waiting_rows import SharedFuture, WaitingRows, fail, fits

_MAX_ROWS_PER_ENTRY = 100
_DISK_SECONDS = 1.0
_FAILING_SECONDS = 10.0
_WATCH_SECONDS = 0.05
"""How precisely the time limit of callers is kept."""
_TOO_SLOW = "The request couldn't be logged in time. Try again."
_STOPPED = "The usage log isn't running."

_logger = logging.getLogger(__name__)


class UsageRecorder:
    """Belongs to one event loop, between ``start`` and ``stop``. All methods are called on that loop."""

    def __init__(self, store: UsageStore, clock: Clock, settings: Settings, free_disk_bytes: Callable[[], int]) -> None:
        self._store = store
        self._backlog_rows = settings.usage_backlog_rows
        self._clock = clock
        self._addresses = settings.usage_addresses
        self._max_rows = settings.usage_buffer_rows
        self._wait_seconds = settings.usage_wait_seconds
        self._min_free_disk = int(settings.min_free_disk)
        self._free_disk_bytes = free_disk_bytes
        self._disk_asked_at = float("-inf")
        self._low_disk = False
        self._failing: str | None = None
        self._failed_at = float("-inf")
        self._fitter = RowFitter(clock, settings)
        self._attempt_addresses = AttemptAddresses()
        self._line: deque[WaitingRows] = deque()
        self._buffer: deque[WaitingRows] = deque()
        self._committing: list[WaitingRows] | None = None
        self._held = 0
        """Rows and attempts in the buffer and in the running commit."""
        self._completions = Completions(self._max_rows)
        self._running = False
        self._is_over = False
        """Whether the rest was handed over by a stop."""
        self._launch_due = False
        self._watch: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    @property
    def low_disk(self) -> bool:
        """Whether refusals are only counted, because the disk is nearly full. Checked at most once a second."""
        now = self._clock.monotonic()
        if now >= self._disk_asked_at + _DISK_SECONDS:
            self._disk_asked_at = now
            with suppress(OSError):
                self._low_disk = self._free_disk_bytes() < self._min_free_disk
        return self._low_disk

    @property
    def failing(self) -> str | None:
        """Why a commit failed in the last ten seconds, as a sentence; ``None`` if commits succeed.

        It expires, because a load balancer that sees it sends no more requests, and only requests show that commits
        succeed again.
        """
        lapsed = self._clock.monotonic() >= self._failed_at + _FAILING_SECONDS
        return None if lapsed else self._failing

    async def start(self) -> None:
        """Start taking rows. Does nothing if already running."""
        if self._running:
            return
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._idle.set()
        pressure = BackPressure(self._store.count_staged, self._backlog_rows, self._clock.monotonic)
        self._commits = CommitThread(
            self._store.commit,
            pressure,
            self._max_rows,
            lambda: not self._low_disk,
            partial(self._call_soon, self._finish),
            self._report_threads,
        )
        self.thread_rows = self._commits.thread_rows
        self.thread_writer = ThreadWriter(self._write_from_thread, self._commits.complete)
        self._running, self._is_over = True, False

    async def stop(self) -> None:
        """Stop taking rows and write those in the buffer, and every completion, also one that comes later.

        Gives up after twice a caller's time limit. If this is canceled, callers that wait get ``Unavailable``.
        """
        if not self._running:
            return
        self._running = False
        self._commits.stop_pausing()
        began = time.monotonic()
        try:
            if self._loop.is_running():
                with suppress(TimeoutError):
                    async with asyncio.timeout(2 * self._wait_seconds):
                        await self._idle.wait()
        finally:
            left = 2 * self._wait_seconds - (time.monotonic() - began)
            self._hand_over(left)
            is_written = await asyncio.to_thread(self._commits.join, left)
            if not is_written:
                _logger.error("The usage log was stopped before everything in it was written.")

    def _hand_over(self, seconds: float) -> None:
        """Leave the rest to the thread that commits: all of it, where the event loop has ended."""
        self._is_over = True
        rest = Batch(completions=self._completions.take(), list_refusals=not self.low_disk)
        if self._loop.is_running():
            for timer in (self._watch, self._retry):
                if timer is not None:
                    timer.cancel()
            fail(chain(self._committing or (), self._buffer, self._line), _STOPPED)
        else:  # as in a script or a test with a loop for each call
            for entry in chain(self._buffer, self._line):
                rest.rows += entry.rows
                rest.attempts += entry.attempts
        self._buffer.clear()
        self._line.clear()
        self._commits.end(rest, seconds)

    async def write(self, row: UsageRow) -> None:
        """Return when the cleaned ``row`` is committed; in a flood, when it is counted.

        Raises ``Unavailable`` when the commit fails or takes longer than ``usage_wait_seconds``.
        """
        await self._commit((self._fit(row),), ())

    async def write_together(self, rows: Iterable[UsageRow], attempts: Sequence[Attempt]) -> None:
        """Return when one commit has written everything. Raises like ``write``; then nothing counts as written."""
        await self._commit([self._fit(row) for row in rows], attempts)

    def _write_from_thread(self, row: UsageRow) -> None:
        if not self._running:
            raise Unavailable(_STOPPED)
        if not self.thread_rows.write(self._fit(row), self._wait_seconds):
            self._call_soon(self._note, _TOO_SLOW)
            raise Unavailable(_TOO_SLOW)

    async def count(self, reason: str, address: str | None, source: Source = "request") -> None:
        """Return when an attempt without a valid key is counted. Raises like ``write``."""
        now_ms = self._clock.now_ms()
        bucket = self._attempt_addresses.bucket_for(attempt_address(address, self._addresses), now_ms)
        began = perf_counter()
        try:
            await self._commit((), (Attempt(now_ms, reason, bucket, source=source),))
        finally:
            note_wait("usage_log", began)

    def complete(self, done: Completion | AiUse) -> None:
        """Fill in a committed row later, but no impossible status. Never waits; lost if the process dies first."""
        if (cleaned := clean_end(done)) is None:
            return
        if self._is_over:
            self._commits.complete(cleaned)
            return
        self._completions.add(cleaned)
        if self._running:
            self._idle.clear()
            self._launch_soon()

    def meter(self, use: AiUse) -> None:
        """Record the AI use of a committed row, in the same way."""
        self.complete(clean_use(use))

    def _call_soon(self, call: Callable[..., None], *values: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(call, *values)

    def _fit(self, row: UsageRow) -> UsageRow:
        return self._fitter.fit(row, list_refusals=row.accepted or not self.low_disk)

    def _commit(self, rows: Sequence[UsageRow], attempts: Sequence[Attempt]) -> asyncio.Future[None]:
        if not self._running:
            raise Unavailable(_STOPPED)
        now = self._loop.time()
        if self._held < self._max_rows and not self._line:
            entry = self._open_entry(now)
            entry.rows += rows
            entry.attempts += attempts
            self._held += len(rows) + len(attempts)
        else:
            waiter = self._loop.create_future()
            entry = WaitingRows([*rows], [*attempts], waiter, now + self._wait_seconds, open_until=now)
            self._line.append(entry)
            self._watch_over(entry)
        return entry.waiter

    def _open_entry(self, now: float) -> WaitingRows:
        """One in the buffer that callers may still join."""
        if self._buffer:
            entry = self._buffer[-1]
            if now < entry.open_until and entry.size < _MAX_ROWS_PER_ENTRY:
                return entry
        waiter, deadline = SharedFuture(loop=self._loop), now + self._wait_seconds
        entry = WaitingRows([], [], waiter, deadline, min(deadline, now + _WATCH_SECONDS))
        self._buffer.append(entry)
        self._idle.clear()
        self._launch_soon()
        self._watch_over(entry)
        return entry

    def _watch_over(self, entry: WaitingRows) -> None:
        if self._watch is None:
            self._watch = self._loop.call_at(entry.deadline, self._expire)

    def _admit(self) -> None:
        """Move callers from the line into the buffer while there is room, except those that gave up."""
        while self._line and self._held < self._max_rows:
            entry = self._line.popleft()
            if not entry.waiter.done():
                self._buffer.append(entry)
                self._held += entry.size

    def _launch_soon(self) -> None:
        """Commit at the end of this tick, so that all its requests are in the batch."""
        if self._committing is None and not self._launch_due:
            self._launch_due = True
            self._loop.call_soon(self._launch)

    def _launch(self) -> None:
        self._launch_due = False
        if self._committing is not None or self._is_over:
            return
        entries: list[WaitingRows] = []
        batch = Batch(completions=self._completions.take(), list_refusals=not self.low_disk)
        while self._buffer and fits(batch, self._buffer[0]):
            entry = self._buffer.popleft()
            entries.append(entry)
            batch.rows += entry.rows
            batch.attempts += entry.attempts
        if not (entries or batch.completions or self._commits.failed):
            self._idle.set()
            return
        self._committing = entries
        self._commits.put(batch)

    def _finish(self, batch: Batch, fault: str | None) -> None:
        entries, self._committing = self._committing or [], None
        self._held -= len(batch.rows) + len(batch.attempts)
        self._admit()
        if fault is None or self._buffer or not (self._completions or self._commits.failed):
            self._launch()
        else:
            self._retry_later()
        self._note(fault)
        if fault is None:
            for entry in entries:
                if not entry.waiter.done():
                    entry.waiter.set_result(None)
        else:
            fail(entries, fault)

    def _report_threads(self, fault: str | None) -> None:
        if fault or self._failing:
            self._call_soon(self._finish_of_threads, fault)

    def _finish_of_threads(self, fault: str | None) -> None:
        self._note(fault)
        if self._commits.failed and not self._is_over:
            self._idle.clear()
            self._retry_later()

    def _retry_later(self) -> None:
        if self._retry is None:
            self._retry = self._loop.call_later(RETRY_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._launch_soon()

    def _note(self, fault: str | None) -> None:
        if fault is not None and self._failing is None:
            _logger.error("The usage log fails; requests with keys get a 503. %s", fault)
        elif fault is None and self._failing is not None:
            _logger.warning("The usage log works again.")
        self._failing = fault
        self._failed_at = self._clock.monotonic()

    def _expire(self) -> None:
        """Fail entries past their deadline; entries are in deadline order."""
        self._watch = None
        now = self._loop.time()
        while self._line and (self._line[0].deadline <= now or self._line[0].waiter.done()):
            self._give_up(self._line.popleft())
        for entry in chain(self._committing or (), self._buffer, self._line):
            if entry.deadline > now:
                self._watch = self._loop.call_at(max(entry.deadline, now + _WATCH_SECONDS), self._expire)
                return
            self._give_up(entry)

    def _give_up(self, entry: WaitingRows) -> None:
        if not entry.waiter.done():
            self._note(_TOO_SLOW)
            fail([entry], _TOO_SLOW)
