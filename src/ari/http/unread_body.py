"""A request body that the response does not depend on: read before the response, so that closing resets nothing.

A server that closes a connection while data of the client is still unread makes the kernel send a reset, and the client
may lose a response that was already sent (RFC 9112 §9.6). The RFC reads on after the response; our HTTP server ends the
connection's reading with the response, so ARI reads first, within the limits below.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from ari.base.served_request import note_wait
from ari.http.request_head import RequestHead

Message = MutableMapping[str, Any]
LINGER_SECONDS = 10
IDLE_SECONDS = 2
MAX_LENGTH_DIGITS = 12
MAX_DRAINED_BYTES = 64 * 1024 * 1024
_TURNS = 3
"""Of the event loop: a reader that was canceled has stopped by then."""


def announces_body(head: RequestHead) -> bool:
    """Whether a body follows the head. A client that sent ``Expect: 100-continue`` sends none after a response."""
    headers = head.headers
    if b"content-length" in headers:
        return headers[b"content-length"] != b"0" and b"expect" not in headers
    return b"transfer-encoding" in headers and b"expect" not in headers


def read_length(head: RequestHead) -> int | None:
    """The length of the body, where the HTTP server has taken it from Content-Length (RFC 9112 §6.3)."""
    declared = head.headers.get(b"content-length")
    if declared is None or not declared.isdigit() or head.repeated or b"transfer-encoding" in head.headers:
        return None
    return int(declared) if len(declared) <= MAX_LENGTH_DIGITS else None


class UnreadBody:
    """An ASGI ``receive`` that knows whether the body was read to its end.

    The piece that completes ``length`` ends the body. The HTTP server would report the end with an empty piece, which
    takes a change to its thread and back: 40 µs of a request. ``is_taken``: a handler reads the body while its
    response passes, and nobody else may.
    """

    __slots__ = ("_is_reading", "_left", "_receive", "is_read", "is_taken")

    def __init__(self, receive: Callable[[], Awaitable[Message]], length: int | None = None) -> None:
        self._receive = receive
        self._left = length
        self._is_reading = False
        self.is_read = False
        self.is_taken = False

    async def __call__(self) -> Message:
        self._is_reading = True
        try:
            message = await self._receive()
        finally:
            self._is_reading = False
        if self._left is not None:
            self._left -= len(message.get("body", b""))
            if self._left == 0:
                message["more_body"] = False
        if not message.get("more_body", False):
            self.is_read = True
        return message

    async def drain(self) -> None:
        """Read and drop the rest: for ``LINGER_SECONDS`` at most, and until nothing comes for ``IDLE_SECONDS``.

        Does nothing while a handler reads the body: it streams both ways.
        """
        if self.is_taken:
            return
        for _ in range(_TURNS):
            if self._is_reading:
                await asyncio.sleep(0)
        size, began = 0, perf_counter()
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not (self.is_read or self._is_reading) and size < MAX_DRAINED_BYTES:
                    async with asyncio.timeout(IDLE_SECONDS):
                        size += len((await self()).get("body", b""))
        except Exception:  # noqa: BLE001 - the response is decided; what is wrong with a dropped body changes nothing
            self.is_read = True
        finally:
            note_wait("client", began)
