"""A request without what aiohttp adds for browsers: redirects, cookies, passwords, proxies and headers of its own.

Its session builds all of that for each request, and writes each body in a task: 40 µs of the event loop. What replaces
it uses names of aiohttp's own; ``tests/unit/outbound/test_plain_request.py`` fails if a version changes what is sent.
"""

import asyncio
from collections.abc import AsyncIterable, Sequence
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.helpers import BaseTimerContext, TimeoutHandle, TimerNoop
from aiohttp.http import HttpVersion11
from aiohttp.http_writer import _serialize_headers
from aiohttp.payload import BytesPayload
from multidict import CIMultiDict
from yarl import URL

Headers = Sequence[tuple[str, str]]

READ_BYTES = 64 * 1024
"""Approximate limit of buffered response bytes."""
_MAX_AT_ONCE = 64 * 1024
"""A longer body is written in a task, since a server may respond before it has read all of it."""
_NO_HEADERS_OF_AIOHTTP: CIMultiDict[None] = CIMultiDict({"Content-Type": None})
_NO_TIMER = TimerNoop()
_WRITTEN: Any = SimpleNamespace(output_size=0)
"""Takes the place of a writer in a response whose request is sent."""


async def send_plain(
    connector: aiohttp.BaseConnector,
    method: str,
    url: URL,
    headers: Headers,
    body: bytes | AsyncIterable[bytes] | None,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as aiohttp's sessions take it
) -> aiohttp.ClientResponse:
    """Send a request and return its response once the head has arrived. Raises what aiohttp raises."""
    if not timeout.total:
        return await _send(_PlainRequest(method, url, headers, body, _NO_TIMER), connector, timeout)
    whole = TimeoutHandle(asyncio.get_running_loop(), timeout.total, ceil_threshold=timeout.ceil_threshold)
    handle, timer = whole.start(), whole.timer()
    assert handle is not None
    try:
        with timer:
            response = await _send(_PlainRequest(method, url, headers, body, timer), connector, timeout)
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
) -> aiohttp.ClientResponse:
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
            timeout_ceil_threshold=timeout.ceil_threshold,
        )
        response = await request.send(connection)
        try:
            return await response.start(connection)
        except BaseException:
            response.close()
            raise
    except BaseException:
        connection.close()
        raise


class _PlainRequest(aiohttp.ClientRequest):
    def __init__(
        self,
        method: str,
        url: URL,
        headers: Headers,
        body: bytes | AsyncIterable[bytes] | None,
        timer: BaseTimerContext,
    ) -> None:
        if not method.isalpha() or not url.raw_host or url.scheme not in ("http", "https"):
            raise ValueError("no request over HTTP")
        self._session: Any = None
        self.method, self.original_url, self.url = method.upper(), url, url.with_fragment(None)
        self.loop, self.response_class = asyncio.get_running_loop(), aiohttp.ClientResponse
        self.version = HttpVersion11
        self.chunked = self.compress = self.length = self.server_hostname = None
        self.proxy = self.proxy_auth = self.proxy_headers = None
        self._ssl, self._traces = True, []
        self.timer = self._timer = timer
        self._skip_auto_headers = _NO_HEADERS_OF_AIOHTTP
        self.update_headers(headers)
        self.update_body_from_data(BytesPayload(body) if isinstance(body, bytes) else body)
        self.update_transfer_encoding()
        self.update_expect_continue()
        self._at_once = b""
        if isinstance(body, bytes) and len(body) <= _MAX_AT_ONCE and self.headers["Content-Length"] == str(len(body)):
            self._at_once = body

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write a short body together with the head."""
        protocol = conn.protocol
        if not self._at_once or self.chunked or self._continue is not None or protocol.writing_paused:
            return await super().send(conn)
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        head = _serialize_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        transport.write(head + self._at_once)
        protocol.start_timeout()
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=self._traces,
            loop=self.loop,
            session=self._session,
            stream_writer=_WRITTEN,
        )
