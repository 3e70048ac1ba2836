"""A connection of the HTTP client: what it received belongs to the response to its request, or it ends.

aiohttp offers no public way to learn whether a response began on a connection. ``_parser`` and ``_payload`` are its own
names; ``tests/unit/outbound/test_line.py`` fails if a version changes them.
"""

import asyncio
import fcntl
import re
import sys
import termios
from collections.abc import Callable
from time import thread_time
from typing import Any

from aiohttp import ClientPayloadError
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from aiohttp.http import HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD

from ari.base.readable import is_readable

MAX_HEAD_BYTES = 1024 * 1024
"""Limit for interim responses (1xx) and the head of the final one together."""
_SMALL_BYTES = 1_024
"""Reading the time twice takes 4 µs, as long as parsing so few bytes."""
_PARSE_SECONDS_PER_BYTE = 80e-9
"""Of a body in chunks of one byte each, the slowest kind."""
_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_EMPTY = re.compile(rb"(?:\r\n){2,}")
_EMPTY_LINES = (b"\n\n", b"\n\r\n")
_TIMEOUTS = (b"HTTP/1.1 408 ", b"HTTP/1.0 408 ")
_INTERIM = (101, 102, 103)
MAX_INTERIM = 100
"""Limit for interim responses before the final one; each takes 20 µs."""


class Line(ResponseHandler):
    """A connection. ``kept``: it served an earlier request; ``answered``: a byte of this response has arrived.

    It serves no further request after any byte that isn't part of the response to a request that was sent completely,
    or after a response whose end could be somewhere else: the next request would read the rest as its response.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.kept = False
        self.answered = False
        self.parse_seconds = 0.0
        """Time spent on parsing since ``begin``."""
        self.on_excess: Callable[[], None] = _ignore
        """Called when bytes arrive that aren't part of a response."""
        self._in_use = False
        self._sent_bytes = 0
        self._has_head = self._has_end = False
        self._head_bytes: int | None = 0
        self._body_bytes = 0
        self._interim = 0
        self._is_chunked = False
        self._has_bare_ends = False
        """Lines of the head ended with LF alone, so where it ended isn't known."""
        self._recent = b""
        """The last bytes received, as many as the end of a head or of chunks has."""

    def begin(self, *, kept: bool) -> None:
        """Assign it to a request."""
        self.kept, self.answered, self.parse_seconds = kept, False, 0.0
        self._in_use, self._sent_bytes, self._has_head, self._has_end = True, 0, False, False
        self._head_bytes, self._body_bytes, self._recent = 0, 0, b""
        self._interim, self._is_chunked, self._has_bare_ends = 0, False, False

    def mark_sent(self, size: int) -> None:
        """Mark the request as completely written, at least to the transport: ``size`` bytes."""
        self._sent_bytes = size

    def mark_head_read(self) -> None:
        """Mark the head as read; the size of the body is not limited."""
        self._head_bytes = None

    def end(self) -> None:
        """End the request."""
        self._in_use = False

    @property
    def is_encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    @property
    def has_unread(self) -> bool:
        """Whether there is anything to read, also what the event loop has not yet seen, or the connection ended."""
        place = None if self.transport is None else self.transport.get_extra_info("socket")
        if place is None or self.should_close or place.fileno() < 0:
            return True
        return is_readable(place)

    def feed_data(self, data: Any, size: int = 0) -> bool:  # type: ignore[override]  # a message and its payload
        """aiohttp waits for a final response after any 1xx except 101, even after one that HTTP doesn't define."""
        message, payload = data
        self._interim += message.code < 200
        if self._interim > MAX_INTERIM or (100 < message.code < 200 and message.code not in _INTERIM):
            self.set_exception(HttpProcessingError(message="too many interim responses, or an unknown one"))
            if self.transport is not None:
                self.transport.close()
            return False
        if self._has_head:
            self.on_excess()
        if self._has_head or message.code < 200 or _has_unsure_end(message, payload):
            self.force_close()
        self._has_head, self._is_chunked = message.code >= 200, message.chunked
        return bool(super().feed_data(data, size))

    def set_exception(self, exc: Any, exc_cause: Any = None) -> None:
        """Without this, aiohttp would let the reader of a body with malformed chunks wait forever."""
        super().set_exception(exc, *(() if exc_cause is None else (exc_cause,)))
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(ClientPayloadError("the body breaks off, or is malformed"))

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp calls this after each chunk that is read, and would parse nothing each time, for 2 µs."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        if data and not self._accept(data):
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and self.transport is not None:
                self.transport.abort()
                return
        # A head is parsed before the rest, so that a malformed rest doesn't discard it.
        at = 0
        while not self._has_head and self._parser is not None and (end := self._find_head_end(data, at)):
            self._parse(data[at:end])
            at = end
            if at == len(data) or self.exception() is not None:
                return
        self._parse(data[at:])

    def _accept(self, data: bytes) -> bool:
        """Note that bytes arrived, and when. Returns whether to read them."""
        if self._in_use:
            if not self.answered:
                self.answered = True
                return self._accept_first(data)
            return True
        self.answered = True
        self.force_close()
        if self._parser is None:  # a new connection, whose first request reads them
            return True
        if not _is_farewell(data):
            self.on_excess()
        self.close()
        return False

    def _accept_first(self, data: bytes) -> bool:
        """The same for the first bytes since the request."""
        unsent = _count_unsent(self.transport)
        if unsent or not self._sent_bytes:
            self.force_close()  # a response to a request that the server hasn't received completely
        if not self.kept or not 0 < self._sent_bytes <= unsent:
            return True
        # The server has received nothing of this request, so it responds to another one, or closes.
        if _is_farewell(data):
            self.answered = False
        else:
            self.on_excess()
            self.set_exception(HttpProcessingError(message="a response without a request"))
        if self.transport is not None:
            self.transport.close()
        return False

    def _find_head_end(self, data: bytes, at: int) -> int:
        """Offset of the end of the head that begins or goes on at ``at``, or of all empty lines there; 0 if none."""
        begun = self._recent[-3:]
        is_between = not begun or self._recent.endswith(_HEAD_END)
        if is_between and (empty := _EMPTY.match(data, at)) is not None:
            return empty.end()
        found = (begun + data[at : at + 3]).find(_HEAD_END)
        if found >= 0:
            return at + found + len(_HEAD_END) - len(begun)
        found = data.find(_HEAD_END, at)
        return 0 if found < 0 else found + len(_HEAD_END)

    def _parse(self, data: bytes) -> None:
        had_head = self._has_head
        if not had_head and (self._recent[-1:] + data).count(_LINE_END) != data.count(b"\n"):
            self._has_bare_ends = True
        self._recent = data[-5:] if len(data) >= 5 else (self._recent + data)[-5:]
        if had_head:
            self._body_bytes += len(data)
        if len(data) <= _SMALL_BYTES:
            super().data_received(data)
            self.parse_seconds += len(data) * _PARSE_SECONDS_PER_BYTE
        else:
            began = thread_time()
            super().data_received(data)
            self.parse_seconds += thread_time() - began
        self._check_end(data)

    def _check_end(self, data: bytes) -> None:
        """Find bytes that don't belong to the response."""
        payload = self._payload
        if not self._has_head or payload is None:
            return
        if self._has_bare_ends:
            is_clean, is_foreign = False, False  # the body's length isn't known here
        elif self._has_end:
            is_clean, is_foreign = not data, not _is_empty(data)
        else:
            self._has_end = payload.is_eof()
            if not self._has_end:
                return
            excess = self._body_bytes - payload.total_bytes
            is_clean = not excess or (self._is_chunked and _ends_chunks(self._recent))
            is_foreign = not self._recent.endswith(_EMPTY_LINES) and not _is_empty(self._recent[-excess:])
        if is_clean:
            return
        if is_foreign or self.exception() is not None:
            self.on_excess()
        self.force_close()
        if not self._in_use:
            self.close()


def _is_empty(data: bytes) -> bool:
    return not data.strip(b"\r\n")


def _ends_chunks(recent: bytes) -> bool:
    """Whether these last bytes can be the end of chunks, after trailers or none.

    The parser refuses lines after it that begin no response, and reports a response: only empty lines, and a line
    without an end, have to be found here.
    """
    return recent.endswith(_HEAD_END) and recent[:1] not in (b"\r", b"\n")


def _is_farewell(data: bytes) -> bool:
    """Whether a server waited too long for a request (RFC 9110 §15.5.9), or sent an empty line too many."""
    return (data.startswith(_TIMEOUTS) and data.count(b"HTTP/1.") == 1) or _is_empty(data)


def _ignore() -> None:
    pass


def _count_unsent(transport: asyncio.Transport | None) -> int:
    """Bytes that the other side's kernel has not confirmed. Takes 3 µs."""
    if transport is None:
        return 0
    unsent = transport.get_write_buffer_size()
    try:
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
    except (AttributeError, OSError):  # no socket, or a system without it
        return unsent
    return unsent + int.from_bytes(queued, sys.byteorder)


def _has_unsure_end(message: Any, payload: Any) -> bool:
    """Whether servers and clients may disagree about where a response ends (RFC 9112 §6.3)."""
    headers = message.headers
    if message.chunked:
        return message.version < HttpVersion11 or "Content-Length" in headers or payload is EMPTY_PAYLOAD
    if payload is not EMPTY_PAYLOAD and message.code not in EMPTY_BODY_STATUS_CODES:
        return False
    return headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
