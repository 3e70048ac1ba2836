"""Hot-path reads of keys by digest, and of their totals.

Every call asks the store, so no result is older than the call. The question may be "did anything change?", which costs
half as much as a read (decision 10).
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from cachetools import RRCache

from ari.keys.model import ApiKey
from ari.keys.scopes import is_declared
from ari.storage.failover.link import Link
from ari.storage.lookups.postgres import PostgresBatchLookup
from ari.storage.lookups.sqlite import CommitCounter, PostgresLookup, SqliteLookup
from ari.storage.stores.keys import FOUND, FOUND_COLUMNS, key_of
from ari.usage.model import NO_USE, KeyTotals

_KEY = ", ".join(str(column) for column in FOUND_COLUMNS)
_TOTALS = "request_count, refused_count, first_used_at_ms, last_used_at_ms"
_NO_KEYS = "The key store can't be read now."
_NO_TOTALS = "The usage log cannot be read now."

K = TypeVar("K", bytes, str)
V = TypeVar("V")

_ANY_IMPORTED = "EXISTS (SELECT 1 FROM key_secrets WHERE foreign_id IS NOT NULL)"
_NO_DIGEST = bytes(32)
"""The digest of no key."""
MAX_CACHED = 15_000
"""Keys held by a worker, about 15 MB, and as many totals. A full cache evicts at random: with LRU, clients that call in
turn with a few keys more than it holds would miss every time (decision 44)."""
_DECLARED = "SELECT coalesce(group_concat(name, ' '), '') FROM custom_scopes WHERE name > ?"
_MARKS = 5
_MARKED_KEYS = f"""SELECT marks.*, {_KEY}, key_secrets.digest FROM (SELECT
    (SELECT transaction FROM key_mark WHERE name = 'api_keys'),
    extract(epoch FROM pg_postmaster_start_time())::float8,
    (SELECT seq FROM usage_folds WHERE name = 'count'),
    (SELECT seq FROM events ORDER BY seq DESC LIMIT 1),
    ARRAY(SELECT wanted FROM unnest(%s::text[]) AS wanted WHERE EXISTS (SELECT 1 FROM custom_scopes WHERE name = wanted)
        OR right(wanted, 2) = ':*' AND EXISTS (SELECT 1 FROM custom_scopes WHERE starts_with(name, rtrim(wanted, '*')))
    )) AS marks
    LEFT JOIN ({FOUND}) ON key_secrets.digest = ANY(%s)"""  # noqa: S608 - our own names
"""At least one row; without a known digest, its columns after the marks are empty. Most verifications name no custom
scope, and the last of the marks then reads no table."""


class SqliteKeyLookup:
    """Reads on the event loop; see ``SqliteLookup`` and ``ValidatedCache``.

    A call runs at most one statement: the question whether anything changed, or the read of a row that is not cached.
    The first call after a commit runs both. Unknown digests are not cached.
    """

    def __init__(self, keys_file: Path, usage_file: Path, commits: CommitCounter) -> None:
        by_digest = f"SELECT {_KEY} FROM {FOUND} WHERE key_secrets.digest = ?"  # noqa: S608 - our own names
        by_key = f"SELECT {_TOTALS} FROM usage_totals WHERE key_id = ?"  # noqa: S608 - our own names
        any_imported = f"SELECT ? WHERE {_ANY_IMPORTED}"
        self.keys = SqliteLookup(keys_file, by_digest, _NO_KEYS, commits)
        self.imported = SqliteLookup(keys_file, any_imported, _NO_KEYS, commits)
        self.key_totals = SqliteLookup(usage_file, by_key, _NO_TOTALS, CommitCounter())
        self.scopes = SqliteLookup(keys_file, _DECLARED, _NO_KEYS, commits)
        self.cached_keys = ValidatedCache[bytes, ApiKey](self.keys, key_of)
        self._has_imported = ValidatedCache[str, bool](self.imported, lambda _: True, absent=False)
        self._totals_cache = ValidatedCache[str, KeyTotals](self.key_totals, lambda row: KeyTotals(*row), NO_USE)
        self._scopes_cache = ValidatedCache[str, frozenset[str]](self.scopes, lambda row: frozenset(row[0].split()))

    async def find(self, digest: bytes) -> ApiKey | None:
        return self.cached_keys.get(digest)

    async def find_undeclared(self, scopes: Sequence[str]) -> set[str]:
        declared = self._scopes_cache.get("") or frozenset()
        return {scope for scope in scopes if not is_declared(scope, declared)}

    async def has_imported(self) -> bool:
        return bool(self._has_imported.get(""))

    async def totals(self, key_id: str) -> KeyTotals:
        totals = self._totals_cache.get(key_id)
        assert totals is not None
        return totals

    async def check(self) -> None:
        self.keys.row(_NO_DIGEST)
        self.key_totals.row("")

    async def close(self) -> None:
        self.keys.close()
        self.imported.close()
        self.key_totals.close()
        self.scopes.close()


class ValidatedCache(Generic[K, V]):
    """Values made from rows, by primary key; each counts only while nothing was committed to the file since its read.

    SQLite is asked whether that is so on every call (once for all calls of an event-loop tick), so the cache can never
    say yes for a key that was revoked. ``absent`` is the value for a missing row; ``None``: it is not cached.
    """

    def __init__(self, rows: SqliteLookup, parse: Callable[[tuple[Any, ...]], V], absent: V | None = None) -> None:
        self._rows = rows
        self._parse = parse
        self._absent = absent
        self._values: RRCache[K, V] = RRCache(MAX_CACHED)
        self._state = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: K) -> V | None:
        """The value of the row with this primary key, as committed now. Raises ``Unavailable``."""
        rows = self._rows
        try:  # get() of this cache costs three calls, reading an item one
            cached = self._values[name]
        except KeyError:
            cached = None
        if cached is not None and rows.is_unchanged_since(self._state):
            return cached
        row = rows.row(name)
        if rows.state != self._state:
            self._values.clear()
            self._state = rows.state
        value = self._absent if row is None else self._parse(row)
        if value is not None:
            self._values[name] = value
        return value


class PostgresKeyBatchLookup(PostgresBatchLookup[Any]):
    """Keys by digest, in one statement that also reads the mark of the last change to any key.

    The same statement looks up the declared scopes with the requested names; these are not cached.

    A cached key counts only if that mark, read by a statement that began after the call, equals the mark it was read
    with. Rows and mark come from one snapshot, and every transaction that changes or removes a key sets its own mark,
    whatever program runs it (migration 0007). The server's start time is part of the mark, since another server behind
    the same address may count from the start again.
    """

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        super().__init__(link, _NO_KEYS, timeout_seconds)
        self._cache: RRCache[bytes, ApiKey] = RRCache(MAX_CACHED)
        self._examined: tuple[Any, ...] | None = None
        self._mark: list[Any] | None = None
        self.totals_mark: int | None = None
        """The mark of the totals when keys were last read; ``None`` if it is not known."""

    def __len__(self) -> int:
        return len(self._cache)

    async def ask(self, keys: list[Any]) -> dict[Any, Any]:
        """The keys and scopes that exist. Runs a second statement where cached keys turn out to be old."""
        digests = [key for key in keys if isinstance(key, bytes)]
        names = [key for key in keys if isinstance(key, str)]
        cached_at = self._mark
        cached = {digest: self._cache[digest] for digest in digests if digest in self._cache}
        rows = await self.rows(_MARKED_KEYS, names, [digest for digest in digests if digest not in cached])
        *mark, self.totals_mark, newest_event, declared = rows[0][:_MARKS]
        await self._examine(mark[1], newest_event)
        if mark != self._mark:
            self._cache.clear()
            self._mark = mark
        if cached and mark != cached_at:
            return await self.ask(keys)
        found = {row[-1]: key_of(row[_MARKS:-1]) for row in rows if row[-1] is not None}
        if found and mark[0] is not None:
            self._cache.update(found)
        return found | cached | dict.fromkeys(declared, True)

    async def _examine(self, *seen: Any) -> None:
        """If the server or the data changed, compare the database with this node's record before returning anything
        from it, and record its newest event as seen."""
        if self._connection is not None and seen != self._examined:
            await self.link.aexamine(self._connection)
            self._examined = seen


class PostgresKeyLookup:
    """Lookups that share round trips. Totals have their own connection, and are read only after they changed."""

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        totals = f"SELECT {_TOTALS}, key_id FROM usage_totals WHERE key_id = ANY(%s)"  # noqa: S608 - our own names
        self.keys = PostgresKeyBatchLookup(link, timeout_seconds)
        self.imported = PostgresLookup(link, f"SELECT {_ANY_IMPORTED}, unnest(%s::text[])", _NO_KEYS, timeout_seconds)
        self.key_totals = PostgresLookup(link, totals, _NO_TOTALS, timeout_seconds)
        self._cache: RRCache[str, KeyTotals] = RRCache(MAX_CACHED)
        self._mark: int | None = None

    async def find(self, digest: bytes) -> ApiKey | None:
        key: ApiKey | None = await self.keys.row(digest)
        return key

    async def find_undeclared(self, scopes: Sequence[str]) -> set[str]:
        found = await asyncio.gather(*map(self.keys.enqueue, scopes))
        return {scope for scope, is_there in zip(scopes, found, strict=True) if not is_there}

    async def has_imported(self) -> bool:
        row = await self.imported.row("")
        return row is not None and bool(row[0])

    async def totals(self, key_id: str) -> KeyTotals:
        mark = self.keys.totals_mark
        if mark is None or mark != self._mark:
            self._cache.clear()
            self._mark = mark
        cached = self._cache.get(key_id)
        if cached is not None:
            return cached
        row = await self.key_totals.row(key_id)
        totals = NO_USE if row is None else KeyTotals(*row)
        if mark is not None and mark == self._mark:
            self._cache[key_id] = totals
        return totals

    async def check(self) -> None:
        await self.keys.row(_NO_DIGEST)
        await self.key_totals.row("")

    async def close(self) -> None:
        await self.keys.close()
        await self.imported.close()
        await self.key_totals.close()
