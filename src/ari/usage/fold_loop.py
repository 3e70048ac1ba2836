"""Folds staged entries for one instance, next to the processes that commit them. Decision 62.

It waits a few seconds, so that there is much to fold at once: folding each request alone would cost several times as
much. Its threads take turns, so none waits for the interpreter while it holds a lock that callers wait for:

- Folds run at the lowest niceness, a few entries at a time, as long as the machine has time for idle priority, which
  another thread tries: a fold without CPU time would hold the log's lock, at idle priority for minutes. Otherwise, and
  for a small or a large backlog, they run at a slightly lowered priority, and for a very large one at normal priority.
  Where a server folds, which has its own priority, they never wait for idle time.
- What callers' commits wait for runs at normal priority. A thread at idle priority may not be allowed to leave it
  (sched(7), RLIMIT_NICE), so this is another thread.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

from ari.base.errors import Unavailable
from ari.usage.fold_size import FoldSize
from ari.usage.ports import FoldStore

GATHER_SECONDS = 5.0
"""In the process of ``ari serve``: reports of other processes find little left to fold."""
CHECK_SECONDS = 1.0
"""How often to look for entries, or whether the process that folds has ended."""
HURRY_ROWS = 50_000
"""The backlog above which folds don't wait for idle time."""
_EQUAL_ROWS = 75_000
"""The backlog above which folds have the priority of workers: before these slow callers down (``back_pressure.py``)."""
_FEW_ROWS = 1_000
"""Cheaper to fold than to ask whether the machine is idle: 20 ms."""
_IDLE_ROWS, _ROWS = 1_000, 50_000
"""Per fold. A fold at a low priority can't be hurried once it runs. More at once make each cheaper: a key, route and
hour with many requests is counted once. 50,000 take half a second on SQLite, and more than a second on PostgreSQL."""
_GATHERED_ROWS = 20_000
"""Folded without waiting for more."""
_PROMPT_SECONDS = 0.02
"""How soon a thread at idle priority runs on a machine that has idle time."""
_LONGEST_SECONDS = 10.0
"""How long a medium backlog waits for idle time."""
_PARTITIONS_SECONDS = 600.0
"""How often to create partitions of the next days."""
_CHECKPOINT_ROWS = 4_000
"""Each commit adds 4 pages to SQLite's WAL, so they are at most 64 MB."""
_CLIENT_ROWS, _CLIENT_SECONDS = 100_000, 60.0
"""Folded entries, or the time, after which the counts of clients are added up; some reads do it earlier."""
_CLIENT_RETRY_SECONDS = 5.0
_WATCH_SECONDS = 0.25
"""How often to look at the WAL while a fold runs."""
_STOP_SECONDS = 2.0
_NICENESS, _LOWEST_NICENESS = 5, 19

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class FoldLoop:
    """Folds in ``run`` while this process has the lead.

    Fewer than 20,000 entries wait for ``gather_seconds`` to be folded with others. ``uses_idle_time``: a fold takes the
    time of this process, not that of a database server. ``note_failures`` is called with the number of attempts in a
    row that failed, as it changes. ``failures`` is that number in the process before this one, if it crashed.
    """

    def __init__(
        self,
        store: FoldStore,
        monotonic: Callable[[], float] = time.monotonic,
        gather_seconds: float = GATHER_SECONDS,
        rows_at_once: int = _ROWS,
        *,
        uses_idle_time: bool = True,
        note_failures: Callable[[int], None] = lambda _: None,
        failures: int = 0,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._gather_seconds = gather_seconds
        self._uses_idle_time = uses_idle_time
        self._size = FoldSize(rows_at_once, monotonic)
        if failures:
            self._size.shrink(failures)
        self._idle = ThreadPoolExecutor(1, "ari idle", _lower_to_idle)
        self._lowest = ThreadPoolExecutor(1, "ari idle fold", _lower_most)
        self._lowered = ThreadPoolExecutor(1, "ari fold", _lower)
        self._equal = ThreadPoolExecutor(1, "ari equal fold")
        self._ended = threading.Event()
        self._waiting_since: float | None = None
        self._folded = 0
        self._checkpointed = 0
        """Of the entries that this process saw, how many were staged at the last checkpoint."""
        self._clients_due_at = monotonic() + _CLIENT_SECONDS
        self._clients_due_from = _CLIENT_ROWS
        """When the counts of clients are added up, by time and by ``_folded``."""
        self._note_failures = note_failures
        self._failures = failures
        self._is_folded = False
        """Whether nothing was left to fold, or a fold worked, in this round."""
        self._fails_at_clients = False
        self._partitions_at: float | None = None
        self._has_restaged = False

    def stop(self) -> None:
        """End ``run`` after its current fold, or 2 seconds; what is staged then stays staged."""
        self._ended.set()

    def run(self) -> None:
        """Fold until stopped, whatever fails. A fold that runs at the end changes nothing if the process exits."""
        while not self._ended.is_set():
            due = self._try_round()
            if not due:
                self._ended.wait(CHECK_SECONDS)
        for thread in (self._idle, self._lowest, self._lowered, self._equal):
            thread.shutdown(wait=False)
        self._store.release_lead()

    def _try_round(self) -> bool:
        """Do what is due, and log what fails at the first time. Returns whether more is due now."""
        self._is_folded = False
        try:
            leads = self._store.acquire_lead()
            if leads and not self._has_restaged:
                self._restage()
            due = leads and self._fold_some()
        except Unavailable as error:
            if not self._failures:
                _logger.error("Logged requests can't be folded now; they stay staged. %s", error)
        except Exception:
            if not self._failures:
                _logger.exception("Logged requests can't be folded because of a defect; they stay staged.")
        else:
            if self._failures and (self._is_folded or not leads):
                _logger.warning("Logged requests are folded again.")
                self._set_failures(0)
            return due
        self._set_failures(self._failures + 1)
        return False

    def _set_failures(self, count: int) -> None:
        self._failures = count
        self._note_failures(count)

    def _restage(self) -> None:
        """Try again, once, what earlier folds set aside: this may be a version that can fold it."""
        try:
            if count := self._store.restage():
                _logger.warning("%d logged requests that couldn't be counted are tried again.", count)
        except Unavailable:
            raise
        except Exception:
            _logger.exception("Logged requests that couldn't be counted can't be tried again.")
        self._has_restaged = True

    def _create_partitions(self, now: float) -> None:
        """Create those of the next days now and every ten minutes. Without them, rows are stored all the same."""
        if self._partitions_at is not None and now < self._partitions_at:
            return
        self._partitions_at = now + _PARTITIONS_SECONDS
        try:
            self._store.create_partitions()
        except Unavailable as error:
            _logger.warning("Partitions of the usage log can't be created now; will retry. %s", error)

    def _fold_some(self) -> bool:
        """Fold once, move some rows, and add some counts of clients, if it is time. Returns whether more is due now."""
        staged, now = self._store.count_staged(), self._monotonic()
        self._create_partitions(now)
        self._checkpoint_if_due(staged)
        is_due = self._fold_if_due(staged, now)
        is_moving = bool(self._run_in(self._lowered, self._store.move_rows))
        return self._add_clients_if_due(now) or is_due or is_moving

    def _fold_if_due(self, staged: int, now: float) -> bool:
        if not staged:
            self._waiting_since = None
            self._is_folded = True
            return False
        if self._waiting_since is None:
            self._waiting_since = now
        waited = now - self._waiting_since
        if staged < _GATHERED_ROWS and waited < self._gather_seconds:
            return False
        if self._uses_idle_time and _FEW_ROWS < staged < HURRY_ROWS and waited < _LONGEST_SECONDS:
            if not self._has_idle_time():
                return False
            thread, most = self._lowest, min(_IDLE_ROWS, self._size.most)
        else:
            thread, most = self._lowered if staged < _EQUAL_ROWS else self._equal, self._size.most
        folded = self._move(thread, most)
        self._store.delete_folded()
        self._is_folded = True
        self._folded += folded or 0
        if folded is not None and folded < most:
            self._waiting_since = None
        return folded == most

    def _move(self, thread: ThreadPoolExecutor, most: int) -> int | None:
        """Fold, and choose how many entries the next folds take. ``None`` if this process must end first."""

        def move(rows: int) -> int | None:
            return self._run_in(thread, lambda: self._store.move(rows))

        return self._size.run(move, most)

    def _checkpoint_if_due(self, staged: int) -> None:
        if self._folded + staged >= self._checkpointed + _CHECKPOINT_ROWS:
            self._checkpointed = self._folded + staged
            self._store.checkpoint()

    def _add_clients_if_due(self, now: float) -> bool:
        """Add some counts of clients, if it is time. Returns whether more are due now: folds run in between.

        A failure stops no fold; the next attempt, with fewer counts, follows soon.
        """
        if now < self._clients_due_at and self._folded < self._clients_due_from:
            return False
        try:
            is_more = self._run_in(self._lowered, self._store.add_clients)
        except Unavailable as error:
            if not self._fails_at_clients:
                _logger.warning("Counts of clients can't be added now; will retry. %s", error)
            self._fails_at_clients = True
            self._clients_due_at, self._clients_due_from = now + _CLIENT_RETRY_SECONDS, self._folded + _CLIENT_ROWS
            return False
        self._fails_at_clients = False
        if not is_more:
            self._clients_due_at, self._clients_due_from = now + _CLIENT_SECONDS, self._folded + _CLIENT_ROWS
        return bool(is_more)

    def _has_idle_time(self) -> bool:
        before = self._monotonic()
        self._run_in(self._idle, lambda: None)
        return self._monotonic() - before < _PROMPT_SECONDS

    def _run_in(self, thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T | None:
        """The result of ``work`` in that thread; ``None`` if this process must end before it is there."""
        running, left_seconds = thread.submit(work), _STOP_SECONDS
        while wait([running], _WATCH_SECONDS).not_done:
            if self._ended.is_set():
                left_seconds -= _WATCH_SECONDS
                if left_seconds <= 0:
                    return None
            with suppress(Unavailable):  # the fold itself reports the database
                self._checkpoint_if_due(self._store.count_staged())
        return running.result()


def _lower_to_idle() -> None:
    """Only Linux has a priority for each thread."""
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        except OSError:
            _add_niceness(_LOWEST_NICENESS)


def _lower_most() -> None:
    if sys.platform == "linux":
        _add_niceness(_LOWEST_NICENESS)


def _lower() -> None:
    if sys.platform == "linux":
        _add_niceness(_NICENESS)


def _add_niceness(more: int) -> None:
    thread = threading.get_native_id()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + more)
