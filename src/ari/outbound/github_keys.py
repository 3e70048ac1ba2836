"""The public keys with which GitHub signs its alerts; fulfills ``keys.ports.AlertKeys``."""
# Imports inside functions here: the command line starts without an HTTP client.

import asyncio
from collections.abc import Callable

import msgspec

from ari.base.clock import DAY_MS, MINUTE_MS, SECOND_MS
from ari.base.errors import Unavailable

PAUSE_SECONDS = 10 * MINUTE_MS / SECOND_MS
"""Between two requests for the list, whatever the key IDs of strangers. GitHub allows 60 an hour."""
MAX_AGE_SECONDS = DAY_MS / SECOND_MS
"""After this time a key must be on the list again: GitHub may have withdrawn it."""
MAX_KEYS = 100
_MAX_BYTES = 64 * 1024
_FETCH_SECONDS = 10.0


class _PublicKey(msgspec.Struct):
    key_identifier: str
    key: str


class _PublicKeys(msgspec.Struct):
    public_keys: list[_PublicKey]


class GitHubKeys:
    """Belongs to one event loop. ``monotonic`` returns seconds."""

    def __init__(self, url: str, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._keys: dict[str, str] = {}
        self._tried_at: float | None = None
        self._fetched_at: float | None = None

    async def find(self, key_id: str) -> str | None:
        """The public key with this ID as PEM. Raises ``Unavailable`` while the list can't be fetched."""
        if not self._is_fresh() or key_id not in self._keys:
            async with self._lock:
                if self._tried_at is None or self._monotonic() - self._tried_at >= PAUSE_SECONDS:
                    await self._fetch()
        if not self._is_fresh():
            raise Unavailable(
                "GitHub's public keys can't be fetched right now.", retry_after_seconds=int(PAUSE_SECONDS)
            )
        return self._keys.get(key_id)

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self._monotonic() - self._fetched_at < MAX_AGE_SECONDS

    async def _fetch(self) -> None:
        from ari.outbound.http import HttpClient  # noqa: PLC0415 - see above

        self._tried_at = self._monotonic()
        headers = [("accept", "application/json"), ("user-agent", "ari")]
        async with HttpClient() as client:
            found = await client.ask(
                "GET", self._url, headers, private=True, seconds=_FETCH_SECONDS, most_bytes=_MAX_BYTES
            )
        try:
            listed = msgspec.json.decode(found.body, type=_PublicKeys).public_keys if found.status == 200 else []
        except (msgspec.DecodeError, ValueError):
            listed = []
        if not listed:
            import structlog  # noqa: PLC0415 - see above

            structlog.get_logger("ari.outbound").warning(
                "GitHub's public keys could not be fetched", status=found.status, fault=found.fault
            )
            return
        self._keys = {one.key_identifier: one.key for one in listed[:MAX_KEYS]}
        self._fetched_at = self._monotonic()
