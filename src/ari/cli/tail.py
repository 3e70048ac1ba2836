"""Follow the usage log without gaps or repeats."""

from collections.abc import Callable, Iterable
from typing import Any

from cachetools import FIFOCache

from ari.base.clock import from_rfc3339

PAGE = 200
_REMEMBERED = 50_000
Row = dict[str, Any]
ReadPage = Callable[[int | None, str | None, int], tuple[list[Row], str | None]]
"""Matching rows newest first: from this time on, those before a cursor, at most so many; and the next cursor."""


def read_newest(read: ReadPage, since_ms: int | None, limit: int) -> list[Row]:
    """At most ``limit`` matching rows, newest first, read page by page."""
    rows: list[Row] = []
    cursor: str | None = None
    while len(rows) < limit:
        page, cursor = read(since_ms, cursor, min(PAGE, limit - len(rows)))
        rows += page
        if cursor is None:
            break
    return rows


class Tail:
    """Workers commit out of order, so each read goes back ``overlap_ms`` and skips rows that were already returned.

    A row whose handler is still running is held back until its status is known, for at most half the overlap.
    """

    def __init__(self, read: ReadPage, overlap_ms: int) -> None:
        self._read = read
        self._overlap_ms = overlap_ms
        self._since_ms = 0
        self._shown: FIFOCache[str, None] = FIFOCache(2 * _REMEMBERED)

    def start(self, now_ms: int, limit: int) -> list[Row]:
        """The latest rows, oldest first. ``more`` returns the ones after them."""
        first = read_newest(self._read, None, limit)
        self._since_ms = now_ms - self._overlap_ms
        window = self._window()
        last = {row["id"] for row in first}
        self._remember(row for row in window if row["id"] not in last)
        return self._fresh(reversed(first), now_ms)

    def more(self, now_ms: int) -> list[Row]:
        """The rows added since the last call, oldest first."""
        rows = self._window()
        self._since_ms = now_ms - self._overlap_ms
        return self._fresh(reversed(rows), now_ms)

    def _window(self) -> list[Row]:
        return read_newest(self._read, self._since_ms, _REMEMBERED)

    def _fresh(self, rows: Iterable[Row], now_ms: int) -> list[Row]:
        patience_ms = self._overlap_ms // 2
        ready = [
            row
            for row in rows
            if row["id"] not in self._shown
            and (row["status"] is not None or from_rfc3339(row["time"]) <= now_ms - patience_ms)
        ]
        self._remember(ready)
        return ready

    def _remember(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._shown[row["id"]] = None
