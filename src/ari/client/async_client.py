"""The asynchronous client. ``client/generated/sync_client.py`` is generated from this file."""

from typing import Self

import httpx2

from ari.client.async_calls import AsyncCalls, AsyncConnections
from ari.client.connection_settings import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_SECONDS,
    change_settings,
    read_settings,
)
from ari.client.generated.async_resources import AsyncResources


class AsyncAriClient(AsyncResources):
    """A client for the HTTP API of one ARI instance. Share one; close it at the end, or use ``async with``.

    ``base_url``: the instance's URL, by default ``ARI_URL``. It must be https unless it is this machine's, or
    ``allow_http`` is set. ``key``: the API key, by default ``ARI_KEY``. ``timeout_seconds``: for connecting and for
    each wait for data. ``retries``: how often a request is repeated, at most, where that is safe; 0 turns it off.
    ``transport``: an HTTPX2 transport with your own TLS settings or proxy; without one, ``HTTPS_PROXY``, ``NO_PROXY``
    and ``SSL_CERT_FILE`` apply to https URLs. Raises InvalidSettings. Each call raises ClientError.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        key: str | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: int = DEFAULT_RETRIES,
        allow_http: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        settings = read_settings(base_url, key, timeout_seconds, retries, allow_http=allow_http)
        super().__init__(AsyncCalls(settings, AsyncConnections(settings, transport)))

    def with_options(self, *, timeout_seconds: float | None = None, retries: int | None = None) -> Self:
        """The same client and connections with another timeout or number of retries."""
        changed = object.__new__(type(self))
        settings = change_settings(self._calls.settings, timeout_seconds, retries)
        AsyncResources.__init__(changed, AsyncCalls(settings, self._calls.connections, self._calls.wait))
        return changed

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._calls.settings.base_url!r})"

    async def close(self) -> None:
        """Close all connections."""
        await self._calls.connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
