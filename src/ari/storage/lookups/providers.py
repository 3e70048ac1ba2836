"""Hot-path reads of what is stored for a provider, its encrypted key included: one point read for each request.

The store is asked every time, so a removed or replaced key is gone with the next request, in every process.
"""

import json
from pathlib import Path
from typing import Any, Protocol

from ari.base.seal import Context, Sealed
from ari.integrations.credentials import KIND, NOTHING_STORED, Stored
from ari.integrations.model import Integration
from ari.storage.failover.link import Link
from ari.storage.lookups.keys import ValidatedCache
from ari.storage.lookups.sqlite import CommitCounter, PostgresLookup, SqliteLookup

_COLUMNS = "i.id, i.base_url, i.base_url_by, i.mask, i.added_at_ms, i.failing_since_ms, s.parts, s.envelope"
_SEALED = f"LEFT JOIN sealed_secrets s ON s.kind = '{KIND}' AND s.subject = i.provider"
_TABLES = f"integrations i ON i.provider = p.provider {_SEALED}"
_GONE = "The provider keys cannot be read now."


class ProviderLookup(Protocol):
    """Holds a connection of its own."""

    async def find(self, provider: str) -> Stored:
        """The provider's stored row and key, as committed now. Raises ``Unavailable``."""

    async def close(self) -> None:
        """Close the connection."""


class SqliteProviderLookup:
    """Reads on the event loop; see ``ValidatedCache``."""

    def __init__(self, keys_file: Path, commits: CommitCounter) -> None:
        # Always one row, since only rows are cached, and a provider without a key is looked up as often as others.
        query = f"SELECT {_COLUMNS}, p.provider FROM (SELECT ? AS provider) p LEFT JOIN {_TABLES}"  # noqa: S608 - our own
        self._rows = SqliteLookup(keys_file, query, _GONE, commits)
        self._cache = ValidatedCache[str, Stored](self._rows, _parse_row)

    async def find(self, provider: str) -> Stored:
        return self._cache.get(provider) or NOTHING_STORED

    async def close(self) -> None:
        self._rows.close()


class PostgresProviderLookup:
    """Reads that share round trips; see ``PostgresLookup``."""

    def __init__(self, link: Link, timeout_seconds: float) -> None:
        query = f"SELECT {_COLUMNS}, i.provider FROM integrations i {_SEALED} WHERE i.provider = ANY(%s)"  # noqa: S608 - our own
        self._rows = PostgresLookup(link, query, _GONE, timeout_seconds)

    async def find(self, provider: str) -> Stored:
        row = await self._rows.row(provider)
        return NOTHING_STORED if row is None else _parse_row((*row, provider))

    async def close(self) -> None:
        await self._rows.close()


def _parse_row(row: tuple[Any, ...]) -> Stored:
    own_id, base_url, base_url_by, mask, added_at_ms, failing_since_ms, parts, envelope, provider = row
    if own_id is None:
        return NOTHING_STORED
    found = Integration(
        own_id, provider, base_url, mask, added_at_ms, failing_since_ms=failing_since_ms, base_url_by=base_url_by
    )
    if envelope is None:
        return Stored(found, None)
    return Stored(found, Sealed(Context(KIND, provider, tuple(json.loads(parts))), bytes(envelope)))
