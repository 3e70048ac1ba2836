"""Connections of the HTTP client: only to permitted addresses, and none is kept that may hold bytes of a response.

aiohttp offers no public way to learn whether a connection was kept from an earlier request. ``_factory``, ``_get`` and
``_release`` are its own names; ``tests/unit/outbound/test_connections.py`` fails if a version changes them.
"""

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from cachetools import TTLCache

from ari.base.addresses import is_permitted
from ari.outbound.line import Line
from ari.outbound.lookups import LookupThreads

KEEP_ALIVE_SECONDS = 30.0
MAX_CONNECTIONS = 4_000
"""Limit for all hosts together, per process; further calls wait for a connection until the connect timeout."""
MAX_DISTRUSTED, DISTRUST_SECONDS = 1_000, 3_600.0
"""Of servers that sent bytes after a response. Each of their requests has a new connection: the next excess response
could arrive at a moment when it can't be found."""
_MAX_TURNS = 10
"""Of the event loop, to decrypt what arrived; a server that sends without a pause is not waited for."""


@dataclass(slots=True)
class ConnectionAttempt:
    """One attempt at a request. ``fresh``: use no kept connection; ``line`` is the connection that it got."""

    fresh: bool = False
    line: Line | None = None

    @property
    def met_closed_line(self) -> bool:
        """Whether it used a kept connection that ended before any byte of the response."""
        return self.line is not None and self.line.kept and not self.line.answered


_Place = tuple[str, int | None]
attempt_now: ContextVar[ConnectionAttempt | None] = ContextVar("attempt_now", default=None)
"""The attempt that is requesting a connection."""


class Connector(aiohttp.TCPConnector):
    """Connects to permitted addresses; ``private``: also to private ones. ``lookups`` resolves names."""

    def __init__(self, private: bool, lookups: LookupThreads) -> None:
        def open_permitted_socket(info: Any) -> socket.socket:
            """Called for every connection with its exact address, also for literal addresses."""
            family, kind, protocol, _, place = info
            if not is_permitted(place[0], private=private):
                raise RefusedAddress
            return socket.socket(family, kind, protocol)

        super().__init__(
            resolver=_CheckingResolver(private, lookups),
            socket_factory=open_permitted_socket,
            use_dns_cache=False,
            limit=MAX_CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        self._factory: Any = partial(Line, loop=self._loop)
        self._distrusted: TTLCache[_Place, None] = TTLCache(MAX_DISTRUSTED, DISTRUST_SECONDS)

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        connection = await super().connect(req, traces, timeout)
        line, attempt = connection.protocol, attempt_now.get()
        if isinstance(line, Line):
            # A new one is not yet marked; a kept one was, by ``_get``.
            if not line.kept:
                line.on_excess = partial(self._distrust, _find_place(req.connection_key))
                if await _has_unread(connection, line):
                    line.force_close()  # the response came before its request
            line.begin(kept=line.kept)
            if attempt is not None:
                attempt.line = line
        return connection

    async def _get(self, key: Any, traces: Any) -> Any:
        attempt = attempt_now.get()
        if (attempt is not None and attempt.fresh) or _find_place(key) in self._distrusted:
            return None
        while (connection := await super()._get(key, traces)) is not None:
            line = connection.protocol
            if not isinstance(line, Line) or not await _has_unread(connection, line):
                break
            connection.close()
        if connection is not None and isinstance(connection.protocol, Line):
            connection.protocol.kept = True
        return connection

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if isinstance(protocol, Line):
            protocol.end()
        should_close = should_close or _find_place(key) in self._distrusted
        super()._release(key, protocol, should_close=should_close)

    def _distrust(self, place: _Place) -> None:
        self._distrusted[place] = None


async def _has_unread(connection: Any, line: Line) -> bool:
    """Whether there is anything to read. With TLS, that may be a session ticket: then the event loop reads it first."""
    try:
        for _ in range(_MAX_TURNS if line.is_encrypted else 0):
            if not line.has_unread:
                return False
            await asyncio.sleep(0)
    except BaseException:
        connection.close()
        raise
    return line.has_unread


def _find_place(key: Any) -> _Place:
    """Host and port of aiohttp's key of a connection, which distinguishes accounts too."""
    return key.host, key.port


class RefusedAddress(OSError):
    """The host has an address that ARI isn't allowed to call."""


class _CheckingResolver(AbstractResolver):
    """Resolves for every connection; one forbidden address among several refuses them all."""

    def __init__(self, private: bool, lookups: LookupThreads) -> None:
        self._private = private
        self._lookups = lookups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._lookups.resolve(host, family)
        if not all(is_permitted(str(place[0]), private=self._private) for *_, place in found):
            raise RefusedAddress
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=numeric)
            for kind, _, protocol, _, place in found
        ]

    async def close(self) -> None:
        """There is nothing to close."""
