"""The one HTTP client: bounded in time and size, to permitted addresses only (security.md 38).

aiohttp, since it forwards several times as many requests a second as the others (decision 20). It is told to follow no
redirect, to read no proxy or password from the environment, to keep no cookie, to decompress nothing and to verify TLS.
Which addresses it may reach is in ``connections.py``.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from types import TracebackType
from typing import Literal, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from ari.outbound.connections import ConnectionAttempt, Connector, Line, RefusedAddress, attempt_now

FaultWord = Literal["unreachable", "timed_out", "refused_address", "tls", "broken"]
"""``broken``: what came back is no HTTP response, or breaks off."""
Headers = Sequence[tuple[str, str]]

CONNECT_SECONDS = 10.0
READ_BYTES = 64 * 1024
"""About how much of an answer is held that its reader has not taken yet."""


_FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


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

    __slots__ = ("_content", "_line", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, line: Line | None) -> None:
        self._content = response.content
        self._line = line
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
        except _FAILURES as error:
            raise OutboundFault(_word(error)) from None

    def parse_seconds(self) -> float:
        """The time that reading took since this was last asked."""
        line = self._line
        if line is None:
            return 0.0
        spent, line.parse_seconds = line.parse_seconds, 0.0
        return spent

    async def rest(self, seconds: float) -> None:
        """Take nothing from the network for a moment: what comes then waits in the kernel, and is read at once."""
        line = self._line
        if line is None or self._content.is_eof():
            return
        line.pause_reading()
        try:
            await asyncio.sleep(seconds)
        finally:
            line.resume_reading()

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
        sent as they are, and of others only those without which there is no request. A server may close a connection
        just when a request goes out on it. So a request is sent once more, on a new connection, if it met a kept one
        that ended before any byte of a response (RFC 9112 §9.3.1). A body that is streamed goes on a new one at once.
        """
        replayable = body is None or isinstance(body, bytes)
        attempt = ConnectionAttempt(fresh=not replayable)
        send = partial(self._send, method, url, headers, body, private, patience)
        try:
            response = await send(attempt)
        except OutboundFault as fault:
            if not (replayable and fault.word == "broken" and attempt.met_closed_line):
                raise
            attempt = ConnectionAttempt(fresh=True)
            response = await send(attempt)
        try:
            yield Reply(response, attempt.line)
        finally:
            # Gives the connection back if the answer was read to its end, else closes it, which cancels the request.
            response.close()

    async def _send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | AsyncIterable[bytes] | None,
        private: bool,
        patience: Patience,
        attempt: ConnectionAttempt,
    ) -> aiohttp.ClientResponse:
        token = attempt_now.set(attempt)
        try:
            response = await self._session(private).request(
                method,
                URL(url, encoded=True),
                headers=CIMultiDict(headers),
                data=body,
                allow_redirects=False,
                timeout=_timeout(patience),
            )
        except _FAILURES as error:
            raise OutboundFault(_word(error)) from None
        finally:
            attempt_now.reset(token)
        if attempt.line is not None:
            attempt.line.head_done()
        return response

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
    session = aiohttp.ClientSession(
        connector=Connector(private),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=READ_BYTES,
    )
    # Its own retry may meet a second closed connection, and also follows a response that began.
    session._retry_connection = False
    return session


def _word(error: BaseException) -> FaultWord:
    if isinstance(error, TimeoutError):
        return "timed_out"
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
        return "tls"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, RefusedAddress):
        return "refused_address"
    return "unreachable" if isinstance(error, aiohttp.ClientConnectorError | ValueError) else "broken"
