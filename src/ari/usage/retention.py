"""How the log forgets: bit by bit, so slowly that nobody who writes or reads it notices."""

from contextlib import closing
from threading import Event

from ari.base.clock import DAY_MS, Clock
from ari.usage.ports import UsageStore

_REST = 4
"""A step that took so long is followed by a pause of this many times as long."""
_SHORTEST_PAUSE_SECONDS = 0.01


def forget_old(store: UsageStore, clock: Clock, days: int, stop: Event) -> int:
    """Remove what is older than so many days until all is gone or ``stop`` is set; 0 days: nothing is ever removed.

    Gives how many entries went. Where it was stopped, the next run goes on. Raises ``Unavailable``.
    """
    removed = 0
    if not days:
        return removed
    with closing(store.remove_before(clock.now_ms() - days * DAY_MS)) as steps:
        while True:
            began = clock.monotonic()
            count = next(steps, None)
            if count is None:
                return removed
            removed += count
            if stop.wait(max(_SHORTEST_PAUSE_SECONDS, _REST * (clock.monotonic() - began))):
                return removed
