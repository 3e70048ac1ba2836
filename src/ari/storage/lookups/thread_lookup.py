"""Lookups of keys by threads without an event loop, such as those of a WSGI server."""

import threading
from collections.abc import Callable
from typing import TypeVar

from ari.base.errors import Invalid, Unavailable
from ari.storage.lookups.keys import SqliteKeyLookup
from ari.usage.ports import KeyLookup

T = TypeVar("T")
_TOO_SLOW = "The key couldn't be verified in time. Try again."


def end_no_tick(_end: Callable[[], None]) -> None:
    """For lookups of threads: each verification begins a tick."""


class SqliteThreadLookup:
    """One lookup for all threads, which take turns. A turn is one tick of its connections: each verification asks again
    whether the file changed, so nothing that was read before counts unchecked.

    A thread waits at most ``wait_seconds`` for its turn. An exception can end a turn anywhere: a signal's, or one that
    another thread raises. Its lookup may be half changed then, so it is closed, and the next turn makes another with
    ``make``.
    """

    def __init__(self, make: Callable[[], SqliteKeyLookup], wait_seconds: float) -> None:
        self._make = make
        self._wait_seconds = wait_seconds
        self._lookup: SqliteKeyLookup | None = None
        self._lock = threading.RLock()  # knows its owner, also where a signal came before ``acquire`` could return

    def run(self, verify: Callable[[KeyLookup], T]) -> T:
        """The result of one verification, none of whose calls waits for an event loop.

        Raises what it raises, and ``Unavailable`` if other threads' turns take too long.
        """
        lookup: SqliteKeyLookup | None = None
        try:
            if not self._lock.acquire(timeout=self._wait_seconds):
                raise Unavailable(_TOO_SLOW)
            lookup, self._lookup = self._lookup or self._make(), None
            lookup.end_tick()
            try:
                found = verify(lookup)
            except (Unavailable, Invalid):
                self._lookup = lookup
                raise
            self._lookup = lookup
            return found
        finally:
            try:
                if lookup is not self._lookup and lookup is not None:
                    lookup.abandon()
            finally:
                try:  # noqa: SIM105 - a signal's exception after another call would keep the lock
                    self._lock.release()
                except RuntimeError:  # not this thread's
                    pass

    def close(self) -> None:
        """Close the connections; the next turn opens others."""
        with self._lock:
            lookup, self._lookup = self._lookup, None
        if lookup is not None:
            lookup.close_files()
