"""Connections of the HTTP client: only to permitted addresses, and each tracks what it received.

aiohttp offers no public way to learn whether a connection was kept from an earlier request, or whether a response
began on it. ``_factory``, ``_get`` and ``_release`` are its own names; ``tests/unit/outbound/test_connections.py``
fails if a version changes them.
"""

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from time import thread_time
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from ari.base.addresses import is_permitted
from ari.outbound.lookups import LookupThreads

KEEP_ALIVE_SECONDS = 30.0
MAX_CONNECTIONS = 4_000
"""Limit for all hosts together, per process; further calls wait for a connection until the connect timeout."""
MAX_HEAD_BYTES = 1024 * 1024
"""Limit for interim responses (1xx) and the head of the final one together."""
_SMALL_BYTES = 1_024
"""Reading the time twice takes 4 µs, as long as parsing so few bytes."""
_PARSE_SECONDS_PER_BYTE = 80e-9
"""Of a body in chunks of one byte each, the slowest kind."""
_LAST_CHUNK = b"0\r\n\r\n"
_INTERIM = (101, 102, 103)


class Line(ResponseHandler):
    """A connection. ``kept``: it served an earlier request; ``answered``: a byte of this response has arrived."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.kept = False
        self.answered = False
        self.parse_seconds = 0.0
        """Time spent on parsing since ``begin``."""
        self._in_use = False
        self._head_bytes: int | None = 0

    def begin(self, *, kept: bool) -> None:
        """Assign it to a request."""
        self.kept, self.answered, self.parse_seconds = kept, False, 0.0
        self._in_use, self._head_bytes = True, 0

    def mark_head_read(self) -> None:
        """Mark the head as read; the size of the body is not limited."""
        self._head_bytes = None

    def end(self) -> None:
        """End the request."""
        self._in_use = False

    def feed_data(self, data: Any, size: int = 0) -> bool:  # type: ignore[override]  # a message and its payload
        """aiohttp waits for a final response after any 1xx except 101, even after one that HTTP doesn't define."""
        if 100 < data[0].code < 200 and data[0].code not in _INTERIM:
            self.set_exception(HttpProcessingError(message="no such interim response"))
            if self.transport is not None:
                self.transport.close()
            return False
        return bool(super().feed_data(data, size))

    def set_exception(self, exc: Any, exc_cause: Any = None) -> None:
        """Without this, aiohttp would let the reader of a body with malformed chunks wait forever."""
        super().set_exception(exc, *(() if exc_cause is None else (exc_cause,)))
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(aiohttp.ClientPayloadError("the body breaks off, or is malformed"))

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp calls this after each chunk that is read, and would parse nothing each time, for 2 µs."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        if data:
            self.answered = True
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and self.transport is not None:
                self.transport.abort()
                return
        was_in_use, payload = self._in_use, self._payload
        unread = 0 if payload is None else payload.total_bytes + len(data)
        if len(data) <= _SMALL_BYTES:
            super().data_received(data)
            self.parse_seconds += len(data) * _PARSE_SECONDS_PER_BYTE
        else:
            began = thread_time()
            super().data_received(data)
            self.parse_seconds += thread_time() - began
        is_whole_body = payload is not None and payload.total_bytes == unread
        is_expected = was_in_use and (is_whole_body or _ends_chunks(data))
        if not self._in_use and (self._buffer or (data and not is_expected)):
            # Unexpected data: the next request would read it as its response.
            self.close()


def _ends_chunks(data: bytes) -> bool:
    """Whether the data that ended a response is the end of its last chunk, so nothing of it is left."""
    return data.endswith(_LAST_CHUNK) or _LAST_CHUNK.endswith(data)


@dataclass(slots=True)
class ConnectionAttempt:
    """One attempt at a request. ``fresh``: use no kept connection; ``line`` is the connection that it got."""

    fresh: bool = False
    line: Line | None = None

    @property
    def met_closed_line(self) -> bool:
        """Whether it used a kept connection that ended before any byte of the response."""
        return self.line is not None and self.line.kept and not self.line.answered


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

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - aiohttp's signature
        connection = await super().connect(req, traces, timeout)
        line, attempt = connection.protocol, attempt_now.get()
        if isinstance(line, Line):
            # A new one is not yet marked; a kept one was, by ``_get``.
            line.begin(kept=line.kept)
            if attempt is not None:
                attempt.line = line
        return connection

    async def _get(self, key: Any, traces: Any) -> Any:
        attempt = attempt_now.get()
        if attempt is not None and attempt.fresh:
            return None
        connection = await super()._get(key, traces)
        if connection is not None and isinstance(connection.protocol, Line):
            connection.protocol.kept = True
        return connection

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if isinstance(protocol, Line):
            protocol.end()
        super()._release(key, protocol, should_close=should_close)


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
