"""Follow the usage log without gaps or repeats."""

from collections.abc import Iterable
from typing import Protocol

from cachetools import FIFOCache

from ari.usage.model import UsageRow
from ari.usage.search import SearchPage, UsageSearch

_PAGE = 200
_REMEMBERED = 50_000


class SearchableLog(Protocol):
    def search(self, search: UsageSearch, before_id: str | None, limit: int) -> SearchPage:
        """Matching rows newest first, at most ``limit``, those with an id smaller than ``before_id``."""


def newest(log: SearchableLog, search: UsageSearch, limit: int) -> list[UsageRow]:
    """At most ``limit`` matching rows, newest first, read page by page."""
    rows: list[UsageRow] = []
    before: str | None = None
    while len(rows) < limit:
        found = log.search(search, before, min(_PAGE, limit - len(rows)))
        rows += found.rows
        before = found.next_before
        if before is None:
            break
    return rows


class Tail:
    """Workers commit out of order, so each read goes back ``overlap_ms`` and skips rows that were already returned.

    A row whose handler is still running is held back until its status is known, for at most half the overlap.
    """

    def __init__(self, log: SearchableLog, search: UsageSearch, overlap_ms: int) -> None:
        self._log = log
        self._search = search
        self._overlap_ms = overlap_ms
        self._since_ms = 0
        self._shown: FIFOCache[str, None] = FIFOCache(2 * _REMEMBERED)

    def start(self, now_ms: int, limit: int) -> list[UsageRow]:
        """The latest rows, oldest first. ``more`` returns the ones after them."""
        first = newest(self._log, self._search, limit)
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
        search = self._search.within(self._since_ms, self._search.where.until_ms)
        return newest(self._log, search, _REMEMBERED)

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
