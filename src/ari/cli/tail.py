"""Follow the usage log without gaps or repeats."""

from collections.abc import Iterable
from typing import Protocol

from cachetools import FIFOCache

from ari.usage.model import UsageFilter, UsageRow

_PAGE = 200
_REMEMBERED = 50_000


class UsagePages(Protocol):
    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        """Rows newest first, at most ``limit``, those with an id smaller than ``before_id``."""


def newest(store: UsagePages, where: UsageFilter, limit: int) -> list[UsageRow]:
    """At most ``limit`` rows, newest first, read page by page."""
    rows: list[UsageRow] = []
    while len(rows) < limit:
        wanted = min(_PAGE, limit - len(rows))
        page = store.page(where, rows[-1].id if rows else None, wanted)
        rows += page
        if len(page) < wanted:
            break
    return rows


class Tail:
    """Workers commit out of order, so each read goes back ``overlap_ms`` and skips rows that were already returned.

    A row whose handler is still running is held back until its status is known, for at most half the overlap.
    """

    def __init__(self, store: UsagePages, where: UsageFilter, overlap_ms: int) -> None:
        self._store = store
        self._where = where
        self._overlap_ms = overlap_ms
        self._since_ms = 0
        self._shown: FIFOCache[str, None] = FIFOCache(2 * _REMEMBERED)

    def start(self, now_ms: int, limit: int) -> list[UsageRow]:
        """The latest rows, oldest first. ``more`` returns the ones after them."""
        first = newest(self._store, self._where, limit)
        self._since_ms = now_ms - self._overlap_ms
        window = self._window()
        last = {row.id for row in first}
        self._remember(row for row in window if row.id not in last)
        return self._fresh(reversed(first), now_ms)

    def more(self, now_ms: int) -> list[UsageRow]:
        """The rows added since the last call, oldest first."""
        rows = self._window()
        self._since_ms = now_ms - self._overlap_ms
        return self._fresh(reversed(rows), now_ms)

    def _window(self) -> list[UsageRow]:
        where = UsageFilter(self._where.key_id, self._where.code, self._since_ms, self._where.until_ms)
        return newest(self._store, where, _REMEMBERED)

    def _fresh(self, rows: Iterable[UsageRow], now_ms: int) -> list[UsageRow]:
        patience_ms = self._overlap_ms // 2
        ready = [
            row
            for row in rows
            if row.id not in self._shown and (row.status is not None or row.at_ms <= now_ms - patience_ms)
        ]
        self._remember(ready)
        return ready

    def _remember(self, rows: Iterable[UsageRow]) -> None:
        for row in rows:
            self._shown[row.id] = None
