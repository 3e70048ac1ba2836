"""Hot-path reads of what is stored for a provider, its encrypted keys included: one point read for each request.

The store is asked every time, so a removed or replaced key is gone with the next request, in every process. A provider
may have many keys: PostgreSQL returns them again only if the mark of the row changed, and every change of a key changes
it (``stores/provider_keys.py``).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from cachetools import LRUCache

from ari.base.seal import Context, Sealed
from ari.integrations.credentials import KIND, Stored, StoredKey
from ari.integrations.model import Integration, ProviderKey
from ari.storage.commit_counter import CommitCounter
from ari.storage.failover.link import Link
from ari.storage.lookups.keys import ValidatedCache
from ari.storage.lookups.sqlite import PostgresLookup, SqliteLookup

_COLUMNS = "i.id, i.base_url, i.base_url_by, i.key_choice, i.failing_since_ms, i.pool_mark, u.title"
_TABLES = "LEFT JOIN integrations i ON i.provider = p.provider LEFT JOIN upstreams u ON u.name = p.provider"
_KEY = "k.id, k.label, k.mask, k.added_at_ms, k.added_by, k.sealed_subject, k.failing_since_ms, s.parts"
_SEALED = f"LEFT JOIN sealed_secrets s ON s.kind = '{KIND}' AND s.subject = k.sealed_subject"
_SQLITE_KEYS = f"""SELECT json_group_array(json(one)) FROM (
    SELECT json_array({_KEY}, hex(s.envelope)) AS one FROM provider_keys k {_SEALED}
    WHERE k.provider = ? ORDER BY k.position, k.id)"""  # noqa: S608 - our own names
_POSTGRES_KEYS = f"""SELECT i.pool_mark,
    json_agg(json_build_array({_KEY}, encode(s.envelope, 'hex')) ORDER BY k.position, k.id)::text, i.provider
    FROM integrations i JOIN provider_keys k ON k.provider = i.provider {_SEALED}
    WHERE i.provider = ANY(%s) GROUP BY i.provider, i.pool_mark"""  # noqa: S608 - our own names
_GONE = "The provider keys cannot be read now."
_MAX_POOLS = 200


class FoundProvider(NamedTuple):
    """The stored row and keys of one provider; ``upstream_title`` is ``None`` unless a named upstream has this name."""

    stored: Stored
    upstream_title: str | None


class ProviderLookup(Protocol):
    """Holds a connection of its own."""

    async def find(self, provider: str) -> FoundProvider:
        """The provider's stored row and keys, as committed now. Raises ``Unavailable``."""

    def forget(self, provider: str) -> None:
        """Read the provider's keys again next time: one of them couldn't be decrypted."""

    async def close(self) -> None:
        """Close the connection."""


class SqliteProviderLookup:
    """Reads on the event loop; see ``ValidatedCache``."""

    def __init__(self, keys_file: Path, commits: CommitCounter, find_watch: Callable[[], SqliteLookup | None]) -> None:
        # Always one row, since only rows are cached, and a provider without a key is looked up as often as others.
        query = f"SELECT {_COLUMNS}, p.provider FROM (SELECT ? AS provider) p {_TABLES}"  # noqa: S608 - our own
        self.rows = SqliteLookup(keys_file, query, _GONE, commits)
        self._keys = SqliteLookup(keys_file, _SQLITE_KEYS, _GONE, commits)
        self._cache = ValidatedCache[str, FoundProvider](self.rows, self._parse, find_watch=find_watch)

    async def find(self, provider: str) -> FoundProvider:
        found = self._cache.get(provider)
        assert found is not None
        return found

    def _parse(self, row: tuple[Any, ...]) -> FoundProvider:
        if row[5] is None:
            return _parse_row(row, ())
        self._keys.end_tick()
        keys = self._keys.row(row[-1])
        assert keys is not None
        return _parse_row(row, _parse_keys(row[-1], keys[0]))

    def forget(self, provider: str) -> None:
        """Nothing is kept longer than the file is unchanged."""

    async def close(self) -> None:
        self.rows.close()
        self._keys.close()


class PostgresProviderLookup:
    """Reads that share round trips; see ``PostgresLookup``."""

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        query = f"SELECT {_COLUMNS}, p.provider FROM unnest(%s::text[]) AS p(provider) {_TABLES}"  # noqa: S608 - our own
        self._rows = PostgresLookup(link, query, _GONE, timeout_seconds)
        self._keys = PostgresLookup(link, _POSTGRES_KEYS, _GONE, timeout_seconds)
        self._pools: LRUCache[str, tuple[str, tuple[StoredKey, ...]]] = LRUCache(_MAX_POOLS)
        """The keys of each provider and the mark that they were read with, in one statement."""

    async def find(self, provider: str) -> FoundProvider:
        row = await self._rows.row(provider)
        assert row is not None
        mark = row[5]
        if mark is None:
            return _parse_row((*row, provider), ())
        known = self._pools.get(provider)
        if known is None or known[0] != mark:
            found = await self._keys.row(provider)
            known = (mark, ()) if found is None else (found[0], _parse_keys(provider, found[1]))
            self._pools[provider] = known
        return _parse_row((*row, provider), known[1])

    def forget(self, provider: str) -> None:
        self._pools.pop(provider, None)

    async def close(self) -> None:
        await self._rows.close()
        await self._keys.close()


def _parse_row(row: tuple[Any, ...], keys: tuple[StoredKey, ...]) -> FoundProvider:
    own_id, base_url, base_url_by, key_choice, failing_since_ms, _, title, provider = row
    if own_id is None:
        return FoundProvider(Stored(None), title)
    found = Integration(
        own_id, provider, base_url, base_url_by, key_choice or "round_robin", failing_since_ms=failing_since_ms
    )
    return FoundProvider(Stored(found, keys), title)


def _parse_keys(provider: str, text: str) -> tuple[StoredKey, ...]:
    return tuple(_parse_key(provider, *row) for row in json.loads(text))


def _parse_key(
    provider: str,
    key_id: str,
    label: str,
    mask: str,
    added_at_ms: int,
    added_by: str,
    sealed_subject: str,
    failing_since_ms: int | None,
    parts: str | None,
    envelope: str | None,
) -> StoredKey:
    key = ProviderKey(
        key_id, provider, mask, added_at_ms, added_by, sealed_subject, label, failing_since_ms=failing_since_ms
    )
    if parts is None or not envelope:
        return StoredKey(key, None)
    context = Context(KIND, sealed_subject, tuple(json.loads(parts)))
    return StoredKey(key, Sealed(context, bytes.fromhex(envelope)))
