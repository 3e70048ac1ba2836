"""The gateway's lookup of what is stored for a provider, its sealed key among it: one point read for each request.

Nothing is remembered here, so a key that was removed or replaced is gone with the next request, in every process.
"""

import json
from pathlib import Path
from typing import Any, Protocol

from ari.base.seal import Context, Sealed
from ari.integrations.credentials import KIND, Stored
from ari.integrations.model import Integration
from ari.storage.points import Commits, PostgresPoints, SqlitePoints

_COLUMNS = "i.id, i.base_url, i.mask, i.added_at_ms, i.failing_since_ms, s.parts, s.envelope"
_FROM = f"FROM integrations i LEFT JOIN sealed_secrets s ON s.kind = '{KIND}' AND s.subject = i.provider"
_GONE = "The provider keys cannot be read now."


class ProviderFinder(Protocol):
    """Holds a connection of its own."""

    async def find(self, provider: str) -> Stored:
        """What is stored for the provider, as committed now. Raises ``Unavailable``."""

    async def close(self) -> None:
        """Let the connection go."""


class SqliteProviderFinder:
    """Reads on the event loop; see ``SqlitePoints``."""

    def __init__(self, keys_file: Path, commits: Commits) -> None:
        query = f"SELECT {_COLUMNS} {_FROM} WHERE i.provider = ?"
        self._points = SqlitePoints(keys_file, query, _GONE, commits)

    async def find(self, provider: str) -> Stored:
        return _stored(provider, self._points.row(provider))

    async def close(self) -> None:
        self._points.close()


class PostgresProviderFinder:
    """Reads that share round trips; see ``PostgresPoints``."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        query = f"SELECT {_COLUMNS}, i.provider {_FROM} WHERE i.provider = ANY(%s)"
        self._points = PostgresPoints(url, query, _GONE, timeout_seconds)

    async def find(self, provider: str) -> Stored:
        return _stored(provider, await self._points.row(provider))

    async def close(self) -> None:
        await self._points.close()


def _stored(provider: str, row: tuple[Any, ...] | None) -> Stored:
    if row is None:
        return Stored(None, None)
    own_id, base_url, mask, added_at_ms, failing_since_ms, parts, envelope = row
    found = Integration(own_id, provider, base_url, mask, added_at_ms, failing_since_ms=failing_since_ms)
    if envelope is None:
        return Stored(found, None)
    return Stored(found, Sealed(Context(KIND, provider, tuple(json.loads(parts))), bytes(envelope)))
