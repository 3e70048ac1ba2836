"""The one HTTP client: bounded in time and size, to permitted addresses only (security.md 38).

aiohttp, since it forwards several times as many requests a second as the others (decision 20). It is told to follow no
redirect, to read no proxy or password from the environment, to keep no cookie, to decompress nothing and to verify TLS.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from ari.base.addresses import permitted

FaultWord = Literal["unreachable", "timed_out", "refused_address", "tls"]
Headers = Sequence[tuple[str, str]]

CONNECT_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 30.0
MOST_CONNECTIONS = 1_000
"""To all hosts together, in one process; further calls wait for one, as long as a connection may take."""
READ_BYTES = 64 * 1024
"""About how much of an answer is held that its reader has not taken yet."""


class OutboundFault(Exception):
    """A call that got no answer, or not the whole of it; ``word`` says why. It never quotes what was sent."""

    def __init__(self, word: FaultWord) -> None:
        super().__init__(word)
        self.word: FaultWord = word


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take: for a connection, for the next bytes of the answer, and for all of it."""

    connect_seconds: float = CONNECT_SECONDS
    idle_seconds: float = 10.0
    whole_seconds: float | None = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """The outcome of one bounded request: an answer with the beginning of its body, or a fault."""

    status: int | None
    fault: FaultWord | None = None
    body: bytes = b""


class Reply:
    """An answer whose head has come; its body is read as its reader takes it."""

    __slots__ = ("_content", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content
        self.status = response.status
        self.headers: Sequence[tuple[bytes, bytes]] = response.raw_headers

    @property
    def at_end(self) -> bool:
        """Whether all of the body was read; it may be over without that being known yet."""
        return self._content.at_eof()

    async def read(self) -> bytes:
        """What of the body is there, as soon as there is any; empty at its end.

        Raises ``OutboundFault`` where it breaks off.
        """
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise OutboundFault(_word(error)) from None

    async def beginning(self, most_bytes: int) -> bytes:
        """At most so much of the body."""
        found = bytearray()
        while len(found) < most_bytes and (chunk := await self.read()):
            found += chunk
        return bytes(found[:most_bytes])


class HttpClient:
    """Belongs to one event loop; connections are made at the first call and kept until ``close``."""

    def __init__(self) -> None:
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def call(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes | AsyncIterable[bytes] | None = None,
        *,
        private: bool = False,
        patience: Patience = Patience(),
    ) -> AsyncIterator[Reply]:
        """Send a request to exactly this URL; the reply, once its head is here. Raises ``OutboundFault``.

        ``private``: the base URL was set by the owner, so it may be on this machine or its networks. The headers are
        sent as they are, and of others only those without which there is no request.
        """
        try:
            response = await self._session(private).request(
                method,
                URL(url, encoded=True),
                headers=CIMultiDict(headers),
                data=body,
                allow_redirects=False,
                timeout=_timeout(patience),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise OutboundFault(_word(error)) from None
        try:
            yield Reply(response)
        finally:
            # Gives the connection back if the answer was read to its end, else closes it, which cancels the request.
            response.close()

    async def ask(
        self,
        method: str,
        url: str,
        headers: Headers = (),
        body: bytes | None = None,
        *,
        private: bool = False,
        seconds: float = 10.0,
        most_bytes: int = 64 * 1024,
    ) -> Asked:
        """One request that ends within ``seconds``; at most so much of its answer is read."""
        patience = Patience(min(seconds, CONNECT_SECONDS), seconds, seconds)
        try:
            async with self.call(method, url, headers, body, private=private, patience=patience) as reply:
                return Asked(reply.status, None, await reply.beginning(most_bytes))
        except OutboundFault as fault:
            return Asked(None, fault.word)

    async def close(self) -> None:
        """Let all connections go."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _session(self, private: bool) -> aiohttp.ClientSession:
        """One for each rule of addresses, so that no connection made under one is used under the other."""
        found = self._sessions.get(private)
        if found is None:
            found = self._sessions[private] = _new_session(private)
        return found


@lru_cache(16)
def _timeout(patience: Patience) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=patience.whole_seconds, connect=patience.connect_seconds, sock_read=patience.idle_seconds
    )


def _new_session(private: bool) -> aiohttp.ClientSession:
    def checked_socket(info: Any) -> socket.socket:
        """Every connection passes here with the very address it goes to, also where the host is a literal address."""
        family, kind, protocol, _, place = info
        if not permitted(place[0], private=private):
            raise _RefusedAddress
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        resolver=_CheckingResolver(private),
        socket_factory=checked_socket,
        use_dns_cache=False,
        limit=MOST_CONNECTIONS,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=READ_BYTES,
    )


class _RefusedAddress(OSError):
    """The host has an address that no call may reach."""


class _CheckingResolver(AbstractResolver):
    """Resolves at every connection; one bad address among several is enough to refuse them all."""

    def __init__(self, private: bool) -> None:
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        if not all(permitted(str(place[0]), private=self._private) for *_, place in found):
            raise _RefusedAddress
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=numeric)
            for kind, _, protocol, _, place in found
        ]

    async def close(self) -> None:
        """Holds nothing."""


def _word(error: BaseException) -> FaultWord:
    if isinstance(error, TimeoutError):
        return "timed_out"
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
        return "tls"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return "refused_address" if isinstance(cause, _RefusedAddress) else "unreachable"
