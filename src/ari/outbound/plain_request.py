"""A request without what aiohttp adds for browsers: redirects, cookies, passwords, proxies and headers of its own.

Its session builds all of that for each request, and writes each body in a task: 40 µs of the event loop. What replaces
it uses names of aiohttp's own; ``tests/unit/outbound/test_plain_request.py`` fails if a version changes what is sent.
A short body is written with the head, and its response is only what ``http.py`` needs of one.
"""

import asyncio
from collections.abc import AsyncIterable, Sequence
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.helpers import BaseTimerContext, TimeoutHandle, TimerNoop
from aiohttp.http import HttpVersion11, RawResponseMessage
from aiohttp.http_writer import _serialize_headers
from aiohttp.payload import BytesPayload
from multidict import CIMultiDict
from yarl import URL

from ari.outbound.line import Line

Headers = Sequence[tuple[str, str]]

READ_BYTES = 64 * 1024
"""Approximate limit of buffered response bytes."""
MAX_LINE_BYTES = 64 * 1024
MAX_HEADERS = 500
"""Limits for the lines of a response's head. Long policies and cookies exceed aiohttp's own, 8 KiB and 128."""
_MAX_AT_ONCE = 64 * 1024
"""A longer body is written in a task, since a server may respond before it has read all of it."""
_LEAST_HEAD_BYTES = len(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
_NO_HEADERS_OF_AIOHTTP: CIMultiDict[None] = CIMultiDict({"Content-Type": None})
_NO_TIMER = TimerNoop()


class PlainResponse:
    """The head and the body of a response whose request is sent. Releases its connection at the end of the body."""

    __slots__ = ("connection", "content", "raw_headers", "status")

    def __init__(self, connection: Connection, message: RawResponseMessage, content: aiohttp.StreamReader) -> None:
        self.connection: Connection | None = connection
        self.status = message.code
        self.raw_headers = message.raw_headers
        self.content = content
        content.on_eof(self._release)

    def _release(self) -> None:
        connection = self.connection
        if connection is None or (connection.protocol is not None and connection.protocol.upgraded):
            return
        self.connection = None
        connection.release()

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self.content.exception() is None:
            self.content.set_exception(aiohttp.ClientConnectionError("Connection closed"))
        connection.close()


Response = PlainResponse | aiohttp.ClientResponse


async def send_plain(
    connector: aiohttp.BaseConnector,
    method: str,
    url: URL,
    headers: Headers,
    body: bytes | AsyncIterable[bytes] | None,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as aiohttp's sessions take it
    account: int | None = None,
) -> Response:
    """Send a request and return its response once the head has arrived. Raises what aiohttp raises.

    Requests with different values of ``account`` never use the same connection.
    """
    if not timeout.total:
        return await _send(_PlainRequest(method, url, headers, body, _NO_TIMER, account), connector, timeout)
    whole = TimeoutHandle(asyncio.get_running_loop(), timeout.total, ceil_threshold=timeout.ceil_threshold)
    handle, timer = whole.start(), whole.timer()
    assert handle is not None
    try:
        with timer:
            response = await _send(_PlainRequest(method, url, headers, body, timer, account), connector, timeout)
    except BaseException:
        whole.close()
        handle.cancel()
        raise
    if response.connection is None:
        handle.cancel()
    else:
        response.connection.add_callback(handle.cancel)
    return response


async def _send(
    request: "_PlainRequest",
    connector: aiohttp.BaseConnector,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - see above
) -> Response:
    connection = await connector.connect(request, traces=[], timeout=timeout)
    try:
        assert connection.protocol is not None
        connection.protocol.set_response_params(
            timer=request.timer,
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=timeout.sock_read,
            read_bufsize=READ_BYTES,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            timeout_ceil_threshold=timeout.ceil_threshold,
        )
        if request.can_write_at_once(connection.protocol):
            request.write_at_once(connection.protocol)
            return PlainResponse(connection, *await _read_head(request, connection.protocol))
        response = await request.send(connection)
        if not request.body:
            _mark_sent(connection.protocol, _LEAST_HEAD_BYTES)
        try:
            return await response.start(connection)
        except BaseException:
            response.close()
            raise
    except BaseException:
        connection.close()
        raise


async def _read_head(
    request: "_PlainRequest", protocol: ResponseHandler
) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    """The head of the final response. Raises what aiohttp raises."""
    with request.timer:
        while True:
            message, content = await protocol.read()
            if message.code == 101 or not 100 <= message.code <= 199:
                return message, content


def _mark_sent(protocol: ResponseHandler | None, size: int) -> None:
    if isinstance(protocol, Line):
        protocol.mark_sent(size)


class _PlainRequest(aiohttp.ClientRequest):
    def __init__(
        self,
        method: str,
        url: URL,
        headers: Headers,
        body: bytes | AsyncIterable[bytes] | None,
        timer: BaseTimerContext,
        account: int | None,
    ) -> None:
        if not method.isalpha() or not url.raw_host or url.scheme not in ("http", "https"):
            raise ValueError("no request over HTTP")
        self._session: Any = None
        self._account = account
        self.method, self.original_url, self.url = method.upper(), url, url.with_fragment(None)
        self.loop, self.response_class = asyncio.get_running_loop(), aiohttp.ClientResponse
        self.version = HttpVersion11
        self.chunked = self.compress = self.length = self.server_hostname = None
        self.proxy = self.proxy_auth = self.proxy_headers = None
        self._ssl, self._traces = True, []
        self.timer = self._timer = timer
        self._skip_auto_headers = _NO_HEADERS_OF_AIOHTTP
        self.update_headers(headers)
        self._at_once = b""
        if isinstance(body, bytes) and body and self._is_short(body):
            self._at_once = body
            return
        self.update_body_from_data(BytesPayload(body) if isinstance(body, bytes) else body)
        self.update_transfer_encoding()
        self.update_expect_continue()

    @property
    def connection_key(self) -> ConnectionKey:
        """Separates accounts by a field that aiohttp fills only for proxies."""
        return super().connection_key._replace(proxy_headers_hash=self._account)

    async def write_bytes(self, writer: Any, conn: Connection, content_length: int | None = None) -> None:
        await super().write_bytes(writer, conn, content_length)
        _mark_sent(conn.protocol, writer.output_size)

    def _is_short(self, body: bytes) -> bool:
        """Whether the body can be written with the head, which has its length then."""
        headers, length = self.headers, str(len(body))
        if len(body) > _MAX_AT_ONCE or "Transfer-Encoding" in headers or "Expect" in headers:
            return False
        return headers.setdefault("Content-Length", length) == length

    def can_write_at_once(self, protocol: ResponseHandler) -> bool:
        """Whether ``write_at_once`` can send it. Otherwise, ``send`` can."""
        if self._at_once and protocol.writing_paused:
            self.update_body_from_data(BytesPayload(self._at_once))
            self._at_once = b""
        return bool(self._at_once)

    def write_at_once(self, protocol: ResponseHandler) -> None:
        """Write the head and a short body together."""
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        head = _serialize_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        data = head + self._at_once
        transport.write(data)
        _mark_sent(protocol, len(data))
        protocol.start_timeout()
