"""The thread that commits the usage log. What belongs to responses that are sent already is not lost at its end.

- A job is a batch, which it commits, or ``OF_THREADS``. After each it commits what threads wait for.
- Completions of a failed commit are in every later one, until one succeeds.
- Its end commits what is left, and tries again for as long as ``end`` allows. A completion that comes later is
  committed by the thread that brings it.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from ari.base.errors import Unavailable
from ari.usage.ai import AiUse
from ari.usage.back_pressure import BackPressure
from ari.usage.completions import Completions
from ari.usage.model import Completion
from ari.usage.ports import Batch
from ari.usage.thread_rows import OF_THREADS, ThreadRows

RETRY_SECONDS = 1.0
_FAULT = "The usage log can't be written right now."
_logger = logging.getLogger(__name__)


class CommitThread:
    """Starts at once. ``list_refusals`` says whether commits of threads list what they refuse.

    Each commit is reported on the thread: ``report`` takes a batch and why it failed, ``report_threads`` why a commit
    of what threads wait for failed.
    """

    def __init__(
        self,
        commit: Callable[[Batch], None],
        back_pressure: BackPressure,
        max_rows: int,
        list_refusals: Callable[[], bool],
        report: Callable[[Batch, str | None], None],
        report_threads: Callable[[str | None], None],
    ) -> None:
        self._commit = commit
        self._back_pressure = back_pressure
        self._list_refusals = list_refusals
        self._report = report
        self._report_threads = report_threads
        self._jobs: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self.thread_rows = ThreadRows(self._jobs, max_rows)
        self.failed = Completions(max_rows)
        """Those of failed commits; only the thread changes it, and after its end, the holder of ``_turn``."""
        self._pauses = True
        self._give_up_at = 0.0
        self._is_at_end = False
        self._turn = threading.Lock()
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="ari usage log", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Commit the batch after those before it, and report it."""
        self._jobs.put(batch)

    def stop_pausing(self) -> None:
        """Let folds catch up no more: the log stops."""
        self._pauses = False

    def end(self, rest: Batch, seconds: float) -> None:
        """Commit ``rest`` and what threads wait for, then end. What fails is tried again, for so many seconds."""
        self._give_up_at = time.monotonic() + seconds
        self._jobs.put(rest)
        self._jobs.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the end, for at most so many seconds. Returns whether everything is committed."""
        self._thread.join(max(0.0, seconds))
        return not (self._thread.is_alive() or self.failed or self.thread_rows)

    def complete(self, done: Completion | AiUse) -> None:
        """Fill in a committed row with the next commit; after the end of the thread, at once."""
        self.thread_rows.complete(done)
        if self._is_at_end:
            self._commit_rest()
            if self.failed and not self._thread.is_alive():
                _logger.error("The end of a request isn't in the usage log: it stopped, and can't be written now.")

    def _run(self) -> None:
        while (batch := self._jobs.get()) is not None:
            if batch is not OF_THREADS:
                self._pause()
                self._report(batch, self._try_to_commit(batch))
            if self.thread_rows:
                self._pause()
                self._commit_of_threads()
        self._is_at_end = True  # before the last look: a completion is seen here, or sees this
        self._commit_rest()
        while self.failed and time.monotonic() + RETRY_SECONDS <= self._give_up_at:
            time.sleep(RETRY_SECONDS)
            self._try_again()

    def _commit_rest(self) -> None:
        """Commit what waits, here or in the thread that does so now. Waits for none: its commit may hang."""
        while self.thread_rows and self._turn.acquire(blocking=False):
            try:
                self._commit_of_threads()
            finally:
                self._turn.release()

    def _try_again(self) -> None:
        with self._turn:
            self._try_to_commit(Batch())
        self._commit_rest()

    def _commit_of_threads(self) -> None:
        fault = self.thread_rows.commit(self._try_to_commit, list_refusals=self._list_refusals())
        self._report_threads(fault)

    def _pause(self) -> None:
        """Let folds catch up. Sleeping for no time would take 0.1 ms of each request, and 20 µs of the processor."""
        if seconds := self._back_pressure.pause_seconds() if self._pauses else 0:
            time.sleep(seconds)

    def _try_to_commit(self, batch: Batch) -> str | None:
        if self.failed:
            batch.completions[:0] = self.failed.take()
        if not (batch.rows or batch.attempts or batch.completions):
            return None
        fault = _FAULT
        try:
            self._commit(batch)
        except Unavailable as error:
            fault = str(error)
        except Exception as error:  # noqa: BLE001 - its callers must get a refusal in any case
            # Only the type: the message may quote a caller's text.
            _logger.error("The usage log failed with %s.", type(error).__name__)
        else:
            return None
        self.failed.put_back(batch.completions)
        return fault
