"""The hot path's lookups: of keys by digest, and of what a key was used for.

Every call asks the store, and no answer is older than the call. The question may be "did anything change?": half the
price of a read, measured in ``docs/decisions``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from cachetools import RRCache

from ari.keys.model import ApiKey
from ari.keys.ports import KeyFinder
from ari.storage.failover.link import Link
from ari.storage.lookups.postgres import PostgresBatchLookup
from ari.storage.lookups.sqlite import CommitCounter, PostgresLookup, SqliteLookup
from ari.storage.stores.keys import COLUMNS, key_of
from ari.usage.model import NO_USE, KeyTotals

_KEY = ", ".join(column.name for column in COLUMNS)
_TOTALS = "request_count, refused_count, first_used_at_ms, last_used_at_ms"
_NO_KEYS = "The key store cannot answer now."
_NO_TOTALS = "The usage log cannot be read now."

K = TypeVar("K", bytes, str)
V = TypeVar("V")

_NOBODY = bytes(32)
"""The digest of no key."""
MAX_CACHED = 15_000
"""Keys held by a worker, about 15 MB, and as many totals. A full cache evicts at random: with LRU, clients that call in
turn with a few keys more than it holds would miss every time (decision 44)."""
_MARKS = 4
_MARKED_KEYS = f"""SELECT marks.*, {_KEY}, digest FROM (SELECT
    (SELECT transaction FROM key_mark WHERE name = 'api_keys'),
    extract(epoch FROM pg_postmaster_start_time())::float8,
    (SELECT seq FROM usage_folds WHERE name = 'count'),
    (SELECT seq FROM events ORDER BY seq DESC LIMIT 1)) AS marks
    LEFT JOIN api_keys ON digest = ANY(%s)"""  # noqa: S608 - our own names
"""At least one row; without a known digest, its columns after the marks are empty."""


class HotFinder(KeyFinder, Protocol):
    """What the guard and its direct routes ask; holds connections of its own."""

    async def totals(self, key_id: str) -> KeyTotals:
        """What the key was used for, as committed when keys were last asked for or later. Raises ``Unavailable``."""

    async def check(self) -> None:
        """Ask what a verification asks, over the same connections. Raises ``Unavailable`` where one would."""

    async def close(self) -> None:
        """Let the connections go."""


class SqliteFinder:
    """Reads on the event loop; see ``SqliteLookup``.

    What was read is copied, and a copy counts only while SQLite says that nothing was committed to the file since
    before it was read: asked for every request, though once for all that a turn of the event loop serves. So one
    statement a call at most: that question, or the read of what is not copied yet; both for the first call after a
    commit. Unknown digests are not copied.
    """

    def __init__(self, keys_file: Path, usage_file: Path, commits: CommitCounter) -> None:
        by_digest = f"SELECT {_KEY} FROM api_keys WHERE digest = ?"  # noqa: S608 - our own names
        by_key = f"SELECT {_TOTALS} FROM usage_totals WHERE key_id = ?"  # noqa: S608 - our own names
        self.keys = SqliteLookup(keys_file, by_digest, _NO_KEYS, commits)
        self._totals = SqliteLookup(usage_file, by_key, _NO_TOTALS, CommitCounter())
        self._copies = ValidatedCache[bytes, ApiKey](self.keys, key_of)
        self._totals_copies = ValidatedCache[str, KeyTotals](self._totals, lambda row: KeyTotals(*row), NO_USE)

    async def find(self, digest: bytes) -> ApiKey | None:
        return self._copies.get(digest)

    async def totals(self, key_id: str) -> KeyTotals:
        totals = self._totals_copies.get(key_id)
        assert totals is not None
        return totals

    async def check(self) -> None:
        self.keys.row(_NOBODY)
        self._totals.row("")

    async def close(self) -> None:
        self.keys.close()
        self._totals.close()


class ValidatedCache(Generic[K, V]):
    """What rows were made into, as long as the file is as it was when they were read.

    ``absent`` stands for a row that there is none of; ``None``: it is asked for again each time.
    """

    def __init__(self, points: SqliteLookup, made_of: Callable[[tuple[Any, ...]], V], absent: V | None = None) -> None:
        self._points = points
        self._made_of = made_of
        self._absent = absent
        self._copies: RRCache[K, V] = RRCache(MAX_CACHED)
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
        if points.state != self._state:
            self._copies.clear()
            self._state = points.state
        made = self._absent if row is None else self._made_of(row)
        if made is not None:
            self._copies[name] = made
        return made


class PostgresKeys(PostgresBatchLookup[ApiKey]):
    """Keys by digest, in one statement that also tells whether any key was changed since they were copied.

    A copy counts only if the mark of the last change, read by a statement that began after the call did, is the one it
    was read with: rows and mark are of one snapshot, and every transaction that changes or removes a key sets its own
    mark (migration 0007), whoever runs it. The server's start belongs to the mark, since another server behind the same
    address may count anew. So the row of a key that is copied does not travel, and a change is found at the next call.
    """

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        super().__init__(link, _NO_KEYS, timeout_seconds)
        self._copies: RRCache[bytes, ApiKey] = RRCache(MAX_CACHED)
        self._examined: tuple[Any, ...] | None = None
        self._mark: list[Any] | None = None
        self.totals_mark: int | None = None
        """What the totals were at when keys were last asked for; ``None`` if that cannot be told."""

    def __len__(self) -> int:
        return len(self._copies)

    async def ask(self, digests: list[bytes]) -> dict[bytes, ApiKey]:
        """The known ones. A second statement is needed where copies turn out to be old."""
        copied_at = self._mark
        copied = {digest: self._copies[digest] for digest in digests if digest in self._copies}
        rows = await self.rows(_MARKED_KEYS, [digest for digest in digests if digest not in copied])
        *mark, self.totals_mark, newest_event = rows[0][:_MARKS]
        await self._examine(mark[1], newest_event)
        if mark != self._mark:
            self._copies.clear()
            self._mark = mark
        if copied and mark != copied_at:
            return await self.ask(digests)
        found = {row[-1]: key_of(row[_MARKS:-1]) for row in rows if row[-1] is not None}
        if found and mark[0] is not None:
            self._copies.update(found)
        return found | copied

    async def _examine(self, *seen: Any) -> None:
        """Where another server answers, or something was changed: no answer from it before the database was compared
        with what this node has seen, and the newest event became part of that."""
        if self._connection is not None and seen != self._examined:
            await self.link.aexamine(self._connection)
            self._examined = seen


class PostgresFinder:
    """Lookups that share round trips. Totals have their own connection, and are asked for only once they moved."""

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        totals = f"SELECT {_TOTALS}, key_id FROM usage_totals WHERE key_id = ANY(%s)"  # noqa: S608 - our own names
        self.keys = PostgresKeys(link, timeout_seconds)
        self._totals = PostgresLookup(link, totals, _NO_TOTALS, timeout_seconds)
        self._copies: RRCache[str, KeyTotals] = RRCache(MAX_CACHED)
        self._mark: int | None = None

    async def find(self, digest: bytes) -> ApiKey | None:
        return await self.keys.row(digest)

    async def totals(self, key_id: str) -> KeyTotals:
        mark = self.keys.totals_mark
        if mark is None or mark != self._mark:
            self._copies.clear()
            self._mark = mark
        copy = self._copies.get(key_id)
        if copy is not None:
            return copy
        row = await self._totals.row(key_id)
        totals = NO_USE if row is None else KeyTotals(*row)
        if mark is not None and mark == self._mark:
            self._copies[key_id] = totals
        return totals

    async def check(self) -> None:
        await self.keys.row(_NOBODY)
        await self._totals.row("")

    async def close(self) -> None:
        await self.keys.close()
        await self._totals.close()
