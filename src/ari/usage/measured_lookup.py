"""A lookup whose time and failures are counted: 0.9 µs at most for each key."""

from collections.abc import Sequence
from time import perf_counter

from ari.base.errors import Unavailable
from ari.base.served_request import NOTED_SECONDS, note_wait
from ari.keys.model import ApiKey
from ari.metrics.recording import Metrics
from ari.usage.model import KeyTotals
from ari.usage.ports import KeyLookup


class MeasuredLookup:
    """``lookup`` in the same shape."""

    def __init__(self, lookup: KeyLookup, metrics: Metrics) -> None:
        self._lookup = lookup
        self._metrics = metrics
        self.reads_at_once = lookup.reads_at_once
        self.has_imported = lookup.has_imported
        self.close = lookup.close

    async def find(self, digest: bytes) -> ApiKey | None:
        """What ``lookup`` finds. Raises ``Unavailable``."""
        began = perf_counter()
        try:
            return await self._lookup.find(digest)
        except Unavailable:
            self._metrics.count_database_error()
            raise
        finally:
            seconds = perf_counter() - began
            self._metrics.observe_lookup(seconds)
            if seconds > NOTED_SECONDS:
                note_wait("database", began)

    async def find_undeclared(self, scopes: Sequence[str]) -> set[str]:
        """What ``lookup`` finds. Raises ``Unavailable``."""
        return await self._lookup.find_undeclared(scopes)

    async def totals(self, key_id: str) -> KeyTotals:
        """What ``lookup`` finds. Raises ``Unavailable``."""
        return await self._lookup.totals(key_id)

    async def check(self) -> None:
        """Check ``lookup``. Raises ``Unavailable``."""
        try:
            await self._lookup.check()
        except Unavailable:
            self._metrics.count_database_error()
            raise
