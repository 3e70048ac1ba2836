"""Removes old rows from the log, slowly enough that writers and readers don't notice."""

from contextlib import closing
from threading import Event

from ari.base.clock import DAY_MS, Clock
from ari.usage.ports import UsageRecords

_PAUSE_FACTOR = 4
"""The pause after a step, as a multiple of its duration."""
_SHORTEST_PAUSE_SECONDS = 0.01


def remove_old(log: UsageRecords, clock: Clock, days: int, stop: Event) -> int:
    """Remove rows older than ``days`` until none is left or ``stop`` is set. 0 days keeps everything.

    Returns how many were removed. The next run continues where this one stopped. Raises ``Unavailable``.
    """
    removed = 0
    if not days:
        return removed
    with closing(log.remove_before(clock.now_ms() - days * DAY_MS)) as steps:
        while True:
            began = clock.monotonic()
            count = next(steps, None)
            if count is None:
                return removed
            removed += count
            if stop.wait(max(_SHORTEST_PAUSE_SECONDS, _PAUSE_FACTOR * (clock.monotonic() - began))):
                return removed
