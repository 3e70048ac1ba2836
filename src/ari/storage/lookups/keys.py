"""Hot-path reads of keys by digest, and of their totals.

Every call asks the store, so no result is older than the call. The question may be "did anything change?", which costs
half as much as a read (decision 10).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from cachetools import RRCache

from ari.keys.model import ApiKey
from ari.keys.scopes import is_declared
from ari.storage.commit_counter import CommitCounter
from ari.storage.failover.link import Link
from ari.storage.lookups.postgres import PostgresBatchLookup
from ari.storage.lookups.sqlite import AtTickEnd, PostgresLookup, SqliteLookup, call_at_loop_tick_end
from ari.storage.postgres_sessions import is_pooled
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
_VERSION = "concat_ws(' ', key_secrets.xmin, api_keys.xmin, consumers.xmin)"
"""The transactions that wrote a key's rows; empty without rows. PostgreSQL sets ``xmin`` in every row that is written,
whatever program writes it (decision 66)."""
_MARKS = 4
_CHANGED_KEYS = f"""SELECT marks.*, {_KEY}, asked.digest, {_VERSION} FROM (SELECT
    extract(epoch FROM pg_postmaster_start_time())::float8,
    (SELECT seq FROM usage_folds WHERE name = 'count'),
    (SELECT seq FROM events ORDER BY seq DESC LIMIT 1),
    ARRAY(SELECT wanted FROM unnest(%s::text[]) AS wanted
        WHERE EXISTS (SELECT 1 FROM custom_scopes WHERE name = wanted OFFSET 0)
        OR right(wanted, 2) = ':*' AND EXISTS (SELECT 1 FROM custom_scopes WHERE starts_with(name, rtrim(wanted, '*')))
    )) AS marks
    LEFT JOIN (unnest(%s::bytea[], %s::text[]) AS asked (digest, version)
        LEFT JOIN key_secrets ON key_secrets.digest = asked.digest
        LEFT JOIN api_keys ON api_keys.id = key_secrets.key_id
        LEFT JOIN consumers ON consumers.id = api_keys.consumer_id
    ) ON asked.version <> {_VERSION}"""  # noqa: S608 - our own names
"""One row for each asked digest whose rows are not those of the asked version; without one, a row with only the marks.
Most verifications name no custom scope, and the last of the marks then reads no table. OFFSET 0 keeps PostgreSQL from
reading all scopes to look for one."""


class SqliteKeyLookup:
    """Reads on the event loop; see ``SqliteLookup`` and ``ValidatedCache``.

    A call runs at most one statement: the question whether anything changed, or the read of a row that is not cached.
    The first call after a commit runs both. Unknown digests are not cached.
    """

    reads_at_once = True

    def __init__(
        self,
        keys_file: Path,
        usage_file: Path,
        commits: CommitCounter,
        at_tick_end: AtTickEnd = call_at_loop_tick_end,
    ) -> None:
        by_digest = f"SELECT {_KEY} FROM {FOUND} WHERE key_secrets.digest = ?"  # noqa: S608 - our own names
        by_key = f"SELECT {_TOTALS} FROM usage_totals WHERE key_id = ?"  # noqa: S608 - our own names
        any_imported = f"SELECT ? WHERE {_ANY_IMPORTED}"
        self.keys = SqliteLookup(keys_file, by_digest, _NO_KEYS, commits, at_tick_end)
        self.imported = SqliteLookup(keys_file, any_imported, _NO_KEYS, commits, at_tick_end)
        self.key_totals = SqliteLookup(usage_file, by_key, _NO_TOTALS, CommitCounter(), at_tick_end)
        self.scopes = SqliteLookup(keys_file, _DECLARED, _NO_KEYS, commits, at_tick_end)
        self.cached_keys = ValidatedCache[bytes, ApiKey](self.keys, key_of)
        keys = self.keys  # a function that refers to self is a cycle, which would keep files open until it is collected
        self._has_imported = ValidatedCache[str, bool](self.imported, lambda _: True, False, lambda: keys)
        self._totals_cache = ValidatedCache[str, KeyTotals](self.key_totals, lambda row: KeyTotals(*row), NO_USE)
        self._scopes_cache = ValidatedCache[str, frozenset[str]](
            self.scopes, lambda row: frozenset(row[0].split()), find_watch=lambda: keys
        )

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

    def end_tick(self) -> None:
        """Ask each file again at its next use, where no event loop ends ticks."""
        for lookup in (self.keys, self.imported, self.key_totals, self.scopes):
            lookup.end_tick()

    async def close(self) -> None:
        self.close_files()

    def close_files(self) -> None:
        """Close the connections, on any thread."""
        self.keys.close()
        self.imported.close()
        self.key_totals.close()
        self.scopes.close()

    def abandon(self) -> None:
        """Close the connections after an exception interrupted a call, without waiting."""
        for lookup in (self.keys, self.imported, self.key_totals, self.scopes):
            lookup.abandon()


class ValidatedCache(Generic[K, V]):
    """Values made from rows, by primary key; each counts only while nothing was committed to the file since its read.

    SQLite is asked whether that is so on every call (once for all calls of an event-loop tick), so the cache can never
    say yes for a key that was revoked. ``absent`` is the value for a missing row; ``None``: it is not cached.

    ``find_watch`` finds another lookup of the same file on the same event loop, which is asked instead: one question
    for the caches of all, each of which takes 6 µs. A row is then read after the question, so a commit between the two
    is noticed by the next one.
    """

    def __init__(
        self,
        rows: SqliteLookup,
        parse: Callable[[tuple[Any, ...]], V],
        absent: V | None = None,
        find_watch: Callable[[], SqliteLookup | None] = lambda: None,
    ) -> None:
        self._rows = rows
        self._watch: SqliteLookup | None = None
        self._find_watch = find_watch
        self._parse = parse
        self._absent = absent
        self._values: RRCache[K, V] = RRCache(MAX_CACHED)
        self._state = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: K) -> V | None:
        """The value of the row with this primary key, as committed now. Raises ``Unavailable``."""
        watch = self._watch
        if watch is None:
            watch = self._watch = self._find_watch() or self._rows
        try:  # get() of this cache costs three calls, reading an item one
            cached = self._values[name]
        except KeyError:
            cached = None
        if cached is not None and watch.is_unchanged_since(self._state):
            return cached
        if watch is self._rows:
            row = watch.row(name)
            state = watch.state
        else:
            state = watch.look()
            self._rows.end_tick()  # its file may be the one from before the look
            row = self._rows.row(name)
        if state != self._state:
            self._values.clear()
            self._state = state
        value = self._absent if row is None else self._parse(row)
        if value is not None:
            self._values[name] = value
        return value


class PostgresKeyBatchLookup(PostgresBatchLookup[Any]):
    """Keys by digest, in one statement that returns only the keys whose rows are not those of the cached version.

    The same statement looks up the declared scopes with the requested names; these are not cached.

    A cached key counts only if a statement that began after the call found each of its rows written by the same
    transaction as when it was cached. The cache ends with its connection and with the server's start, since a server
    that crashed or another one behind the same address may use the number of a transaction again. Behind a pooler in
    transaction mode a server that crashed looks as before, so there no cached key counts.
    """

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        super().__init__(link, _NO_KEYS, timeout_seconds)
        self._cache: RRCache[bytes, tuple[str, ApiKey]] = RRCache(MAX_CACHED)
        self._of: tuple[int, float] | None = None
        self._newest_event = 0
        self.totals_mark: int | None = None
        """The mark of the totals when keys were last read; ``None`` if it is not known."""

    def __len__(self) -> int:
        return len(self._cache)

    async def ask(self, keys: list[Any]) -> dict[Any, Any]:
        """The keys and scopes that exist."""
        await self.open()
        digests = list(dict.fromkeys(key for key in keys if isinstance(key, bytes)))
        names = [key for key in keys if isinstance(key, str)]
        pooled = self._connection is not None and is_pooled(self._connection)
        is_same = self._of is not None and self._of[0] == self.opened and not pooled
        cached = {digest: self._cache[digest] for digest in digests if digest in self._cache} if is_same else {}
        versions = [cached[digest][0] if digest in cached else "" for digest in digests]
        asked = _as_array(rf"\\x{digest.hex()}" for digest in digests), _as_array(versions)
        rows = await self.rows(_CHANGED_KEYS, names, *asked)
        started_at, self.totals_mark, newest_event, declared = rows[0][:_MARKS]
        changed = {row[-2]: row[_MARKS:] for row in rows if row[-2] is not None}
        is_used = bool(names) or any(digest in changed or digest not in cached for digest in digests)
        server = (self.opened, started_at)
        await self._examine(server, newest_event or 0, is_used)
        if self._of != server:
            self._cache.clear()
            self._of = server
            if cached:
                return await self.ask(keys)
        found = {digest: key for digest, (_, key) in cached.items() if digest not in changed}
        for digest, (*row, _, version) in changed.items():
            self._cache.pop(digest, None)
            if row[0] is not None:
                found[digest] = key = key_of(tuple(row))
                self._cache[digest] = (version, key)
        return found | dict.fromkeys(declared, True)

    async def _examine(self, server: tuple[int, float], newest_event: int, is_used: bool) -> None:
        """If the server or the data changed, compare the database with this node's record before returning anything
        from it, and record its newest event as seen. Keys that didn't change add nothing."""
        if self._connection is None:
            return
        moved = newest_event > self._newest_event and is_used
        if server != self._of or newest_event < self._newest_event or moved:
            await self.link.aexamine(self._connection)
            self._newest_event = newest_event


def _as_array(texts: Iterable[str]) -> str:
    """An array for PostgreSQL of texts that need no escaping: 0.05 µs for each; psycopg takes 30 for each ``bytes``."""
    return "{" + ",".join([f'"{text}"' for text in texts]) + "}"


class PostgresKeyLookup:
    """Lookups that share round trips. Totals have their own connection, and are read only after they changed."""

    reads_at_once = False

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
