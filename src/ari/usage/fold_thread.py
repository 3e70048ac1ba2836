"""The thread that folds staged requests, many at once.

It waits a few seconds after a commit, so that there is much to fold at once: folding each request alone would cost
several times as much. Nothing depends on it except how much a read has to fold first.
"""

import logging
import os
import sys
import threading
import time
from contextlib import suppress

from ari.base.errors import Unavailable
from ari.usage.ports import UsageStore

_GATHER_SECONDS, _CHECKPOINT_SECONDS = 5.0, 1.0
_CHECK_SECONDS = 5.0
"""How often to look for entries of a process that was killed."""
_RETRY_SECONDS = 1.0

_NICENESS = 5
"""On one busy core, callers come first, but folding keeps up with the commits."""

_logger = logging.getLogger(__name__)


class FoldThread:
    """Folds between ``start`` and ``stop``."""

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._due = threading.Event()
        self._ended = threading.Event()
        self._failing = False

    def start(self) -> None:
        """Start, with the entries that an earlier process may have left."""
        self._ended.clear()
        self._due.set()
        # A daemon, so that a hanging disk cannot keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="ari usage fold", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Fold soon: something was committed."""
        self._due.set()

    def stop(self, wait_seconds: float) -> None:
        """Fold the staged entries, and end the thread."""
        self._ended.set()
        self._due.set()
        self._thread.join(wait_seconds)

    def _run(self) -> None:
        _lower_priority()
        ends = False
        while not ends:
            self._due.wait(_CHECK_SECONDS)
            self._gather()
            self._due.clear()
            ends = self._ended.is_set()  # asked before the last fold, which then has all that was committed
            if not self._fold_all():
                self._ended.wait(_RETRY_SECONDS)
                self._due.set()

    def _gather(self) -> None:
        ends_at = time.monotonic() + _GATHER_SECONDS
        while time.monotonic() < ends_at and not self._ended.wait(_CHECKPOINT_SECONDS):
            with suppress(Unavailable):  # the fold reports it
                self._store.checkpoint_if_needed()

    def _fold_all(self) -> bool:
        try:
            while self._store.fold():
                self._store.checkpoint_if_needed()
        except Unavailable as error:
            if not self._failing:
                _logger.error("Logged requests can't be folded now; they stay staged. %s", error)
            self._failing = True
            return False
        if self._failing:
            _logger.warning("Logged requests are folded again.")
        self._failing = False
        return True


def _lower_priority() -> None:
    """Let the other threads of this process go first. Only Linux has a priority for each thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
