"""Slows commits while more requests are committed than can be folded, so that the backlog stays bounded."""

from collections.abc import Callable

from ari.base.errors import Unavailable

MAX_PAUSE_SECONDS = 0.5
"""Of a commit, at a backlog that is a tenth above its limit. All requests in flight share a commit."""
_CHECK_SECONDS = 1.0


class BackPressure:
    """How long to pause before a commit. Not for several threads.

    ``count_staged`` is asked at most once a second; the pause grows with what the backlog has above ``max_rows``.
    """

    def __init__(self, count_staged: Callable[[], int], max_rows: int, monotonic: Callable[[], float]) -> None:
        self._count_staged = count_staged
        self._max_rows = max_rows
        self._monotonic = monotonic
        self._checked_at = monotonic()
        self._pause = 0.0

    def pause_seconds(self) -> float:
        """0.0 while folds keep up, and while the backlog can't be read."""
        now = self._monotonic()
        if now >= self._checked_at + _CHECK_SECONDS:
            self._checked_at = now
            try:
                excess = self._count_staged() - self._max_rows
            except Unavailable:
                excess = 0
            self._pause = min(max(0.0, 10 * excess / self._max_rows), 1.0) * MAX_PAUSE_SECONDS
        return self._pause
