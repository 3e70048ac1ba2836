"""The thread that counts what was committed and puts it where it is read, many requests at once.

It waits a moment after a commit, so that much is there to be done at once: each request alone would cost several times
as much. Nothing depends on it but how much those who read have to do first.
"""

import logging
import os
import sys
import threading
import time
from contextlib import suppress

from ari.base.errors import Unavailable
from ari.usage.ports import UsageStore

_GATHER_SECONDS, _TIDY_SECONDS = 5.0, 1.0
_LOOK_SECONDS = 5.0
"""How long what a process left that was killed may wait for another."""
_RETRY_SECONDS = 1.0

_NICENESS = 5
"""On a single busy core callers come first, but what is counted keeps up with what is committed."""

_logger = logging.getLogger(__name__)


class FoldThread:
    """Works between ``start`` and ``stop``."""

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._due = threading.Event()
        self._ended = threading.Event()
        self._failing = False

    def start(self) -> None:
        """Begin, with what an earlier process may have left."""
        self._ended.clear()
        self._due.set()
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="ari usage settling", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Something was committed."""
        self._due.set()

    def stop(self, patience_seconds: float) -> None:
        """Settle what is there, and end."""
        self._ended.set()
        self._due.set()
        self._thread.join(patience_seconds)

    def _run(self) -> None:
        _stand_back()
        while not self._ended.is_set():
            self._due.wait(_LOOK_SECONDS)
            self._gather()
            self._due.clear()
            if not self._settled():
                self._ended.wait(_RETRY_SECONDS)
                self._due.set()

    def _gather(self) -> None:
        ends_at = time.monotonic() + _GATHER_SECONDS
        while time.monotonic() < ends_at and not self._ended.wait(_TIDY_SECONDS):
            with suppress(Unavailable):  # counting will say so
                self._store.checkpoint_if_needed()

    def _settled(self) -> bool:
        try:
            while self._store.fold():
                self._store.checkpoint_if_needed()
        except Unavailable as error:
            if not self._failing:
                _logger.error("Logged requests cannot be counted now; they wait in the inbox. %s", error)
            self._failing = True
            return False
        if self._failing:
            _logger.warning("Logged requests are counted again.")
        self._failing = False
        return True


def _stand_back() -> None:
    """Let the other threads of this process go first. Linux knows threads by number; elsewhere nothing is done."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
