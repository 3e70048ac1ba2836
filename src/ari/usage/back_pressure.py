"""Slows commits while more requests are committed than can be folded, so that the backlog stays bounded.

The pause grows gradually, so callers are slowed by milliseconds long before the backlog reaches its limit: with 64
requests in flight, a pause of 9 ms lets 7,000 requests a second pass, and a hundredth of the way to the limit is enough
for that.
"""

from collections.abc import Callable

MAX_PAUSE_SECONDS = 0.5
"""Of a commit, at the limit of the backlog. All requests in flight share a commit."""
FIRST_SHARE = 0.1
"""The share of the limit from which commits pause."""
_CHECK_SECONDS = 0.5


class BackPressure:
    """How long to pause before a commit. Not for several threads.

    ``count_staged`` is asked at most twice a second; the pause grows with what the backlog has above a tenth of
    ``max_rows``.
    """

    def __init__(self, count_staged: Callable[[], int], max_rows: int, monotonic: Callable[[], float]) -> None:
        self._count_staged = count_staged
        self._first_row = max_rows * FIRST_SHARE
        self._seconds_per_row = MAX_PAUSE_SECONDS / (max_rows - self._first_row)
        self._monotonic = monotonic
        self._checked_at = monotonic()
        self._pause = 0.0

    def pause_seconds(self) -> float:
        """0.0 while folds keep up, and while the backlog can't be read."""
        now = self._monotonic()
        if now >= self._checked_at + _CHECK_SECONDS:
            self._checked_at = now
            try:
                excess = self._count_staged() - self._first_row
            except Exception:  # noqa: BLE001 - whatever it is, the thread that commits must go on
                excess = 0
            self._pause = min(max(0.0, excess * self._seconds_per_row), MAX_PAUSE_SECONDS)
        return self._pause
