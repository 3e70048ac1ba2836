"""HTTP/1.1 over one kept-alive socket, on the event loop, with as little of our own work as possible: for load."""

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_BODILESS = frozenset((204, 304))


class Reply(NamedTuple):
    """A whole response."""

    status: int
    body: bytes


class Gone(ConnectionError):
    """The connection ended in the middle of a response; ``status`` of a half-received response, if its line arrived."""

    def __init__(self, status: int | None) -> None:
        super().__init__("the connection ended before the answer was whole")
        self.status = status


class Wire(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._waiter: asyncio.Future[Reply] | None = None

    @classmethod
    async def to(cls, port: int) -> "Wire":
        """Connect to a server on this machine. Raises ``OSError``."""
        _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return wire

    @property
    def is_open(self) -> bool:
        """Whether the other side has not closed it yet, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes, seconds: float = 60) -> Reply:
        """Send a request and wait for its response. Raises ``Gone``, also after ``seconds`` of silence."""
        if self._transport is None or not self.is_open:
            raise Gone(None)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Reply] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(seconds, self.close)
        self._transport.write(request)
        try:
            return await waiter
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0 or self._waiter is None:
            return
        status = int(self._received[9:12])
        length = 0
        if status not in _BODILESS:
            found = _LENGTH.search(self._received, 0, head_end)
            length = int(found[1]) if found else 0
        if len(self._received) >= head_end + 4 + length:
            body = self._received[head_end + 4 : head_end + 4 + length]
            self._received = b""
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(Reply(status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            status = int(self._received[9:12]) if self._received.find(b"\r\n") > 12 else None
            waiter.set_exception(Gone(status))


def request(method: str, target: str, port: int, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", f"host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in headers.items())]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
