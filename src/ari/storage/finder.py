"""The hot path's lookups: of keys by digest, and of what a key was used for.

Every call asks the store, and no answer is older than the call. On SQLite the question may be "did anything change?":
half the price of a read, measured in ``docs/decisions``.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ari.keys.model import ApiKey
from ari.keys.ports import KeyFinder
from ari.storage.keys import COLUMNS, key_of
from ari.storage.points import Commits, PostgresPoints, SqlitePoints
from ari.usage.model import NO_USE, KeyTotals

_KEY = ", ".join(column.name for column in COLUMNS)
_TOTALS = "request_count, refused_count, first_used_at_ms, last_used_at_ms"
_NO_KEYS = "The key store cannot answer now."
_NO_TOTALS = "The usage log cannot be read now."

K = TypeVar("K", bytes, str)
V = TypeVar("V")

_MOST_COPIED = 10_000
"""Keys held by a worker, about 10 MB, and as many totals."""
_key_of = lru_cache(_MOST_COPIED)(key_of)
"""The same row makes the same key; remembered by all its columns, so a row that changed is another."""


class HotFinder(KeyFinder, Protocol):
    """What the guard and its direct routes ask; holds connections of its own."""

    async def totals(self, key_id: str) -> KeyTotals:
        """What the key was used for, as committed now. Raises ``Unavailable``."""

    async def close(self) -> None:
        """Let the connections go."""


class SqliteFinder:
    """Reads on the event loop; see ``SqlitePoints``.

    What was read is copied, and a copy counts only while SQLite says that nothing was committed to the file since
    before it was read: asked for every request, though once for all that a turn of the event loop serves. So one
    statement a call at most: that question, or the read of what is not copied yet; both for the first call after a
    commit. Unknown digests are not copied.
    """

    def __init__(self, keys_file: Path, usage_file: Path, commits: Commits) -> None:
        by_digest = f"SELECT {_KEY} FROM api_keys WHERE digest = ?"  # noqa: S608 - our own names
        by_key = f"SELECT {_TOTALS} FROM usage_totals WHERE key_id = ?"  # noqa: S608 - our own names
        self.keys = SqlitePoints(keys_file, by_digest, _NO_KEYS, commits)
        self._totals = SqlitePoints(usage_file, by_key, _NO_TOTALS, Commits())
        self._copies = Copies[bytes, ApiKey](self.keys, key_of)
        self._totals_copies = Copies[str, KeyTotals](self._totals, lambda row: KeyTotals(*row))

    async def find(self, digest: bytes) -> ApiKey | None:
        return self._copies.get(digest)

    async def totals(self, key_id: str) -> KeyTotals:
        return self._totals_copies.get(key_id) or NO_USE

    async def close(self) -> None:
        self.keys.close()
        self._totals.close()


class Copies(Generic[K, V]):
    """What rows were made into, as long as the file is as it was when they were read."""

    def __init__(self, points: SqlitePoints, made_of: Callable[[tuple[Any, ...]], V]) -> None:
        self._points = points
        self._made_of = made_of
        self._copies: dict[K, V] = {}
        self._state = 0

    def __len__(self) -> int:
        return len(self._copies)

    def get(self, name: K) -> V | None:
        """What the row with this primary key is now. Raises ``Unavailable``."""
        copy = self._copies.get(name)
        points = self._points
        if copy is not None and points.still(self._state):
            return copy
        row = points.row(name)
        if points.state != self._state or len(self._copies) >= _MOST_COPIED:
            self._copies.clear()
            self._state = points.state
        if row is None:
            return None
        made = self._copies[name] = self._made_of(row)
        return made


class PostgresFinder:
    """Reads that share round trips; see ``PostgresPoints``. Totals have their own connection: they delay no verdict."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        keys = f"SELECT {_KEY}, digest FROM api_keys WHERE digest = ANY(%s)"  # noqa: S608 - our own names
        totals = f"SELECT {_TOTALS}, key_id FROM usage_totals WHERE key_id = ANY(%s)"  # noqa: S608 - our own names
        self.keys = PostgresPoints(url, keys, _NO_KEYS, timeout_seconds)
        self._totals = PostgresPoints(url, totals, _NO_TOTALS, timeout_seconds)

    async def find(self, digest: bytes) -> ApiKey | None:
        row = await self.keys.row(digest)
        return None if row is None else _key_of(row)

    async def totals(self, key_id: str) -> KeyTotals:
        row = await self._totals.row(key_id)
        return NO_USE if row is None else KeyTotals(*row)

    async def close(self) -> None:
        await self.keys.close()
        await self._totals.close()
