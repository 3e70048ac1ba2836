"""Runs calls with asynchronous I/O. ``client/generated/sync_calls.py`` is generated from this file."""

import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Generic, TypeVar

import httpx2

from ari.client.api_call import ApiCall
from ari.client.async_sleep import sleep
from ari.client.connection_settings import ConnectionSettings
from ari.client.exceptions import InvalidSettings
from ari.client.exchange import ApiReply, NoReply, Pause, exchange
from ari.client.export_lines import LineSplitter
from ari.client.http_requests import BodyLimit, FaultCatcher, KeyAuth, read_head, refuse_cookies, request_headers
from ari.client.page_cursor import PageWatch, list_items, next_call

T = TypeVar("T")
PageT = TypeVar("PageT")
ItemT = TypeVar("ItemT")


class AsyncConnections:
    """The connection pool of a process. A forked process gets its own: two would read each other's responses."""

    def __init__(self, settings: ConnectionSettings, transport: httpx2.AsyncBaseTransport | None) -> None:
        self._settings = settings
        self._transport = transport
        self._opening = threading.Lock()
        self._opened: tuple[int, httpx2.AsyncClient] | None = None
        self._closed = False

    def open(self) -> httpx2.AsyncClient:
        """The pool of this process. Raises InvalidSettings once closed."""
        opened = self._opened
        if opened is not None and opened[0] == os.getpid():
            return opened[1]
        with self._opening:
            if self._closed:
                raise InvalidSettings("The client is closed.")
            if opened is not None and self._transport is not None and opened[0] != os.getpid():
                raise InvalidSettings("The process was forked. With a transport, create the client after the fork.")
            if self._opened is None or self._opened[0] != os.getpid():
                client = httpx2.AsyncClient(
                    auth=KeyAuth(self._settings.key),
                    transport=self._transport,
                    trust_env=self._settings.is_encrypted,
                    follow_redirects=False,
                    cookies=refuse_cookies(),
                )
                self._opened = (os.getpid(), client)
            return self._opened[1]

    async def close(self) -> None:
        """Close the pool; the client can't be used any more."""
        with self._opening:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            await opened[1].aclose()


class AsyncCalls:
    """Sends calls, waits and repeats them as ``exchange`` says."""

    def __init__(
        self,
        settings: ConnectionSettings,
        connections: AsyncConnections,
        wait: Callable[[float], Awaitable[Any]] = sleep,
    ) -> None:
        self.settings = settings
        self.connections = connections
        self.wait = wait

    async def call(self, call: ApiCall[T]) -> T:
        """The operation's result. Raises ClientError."""
        return await self._run(call, self._send)

    async def iterate(self, call: ApiCall[ApiReply]) -> AsyncIterator[bytes]:
        """The body as it arrives, of any size. Raises ClientError, also in the middle."""
        async with AsyncExitStack() as opened:
            responses: list[httpx2.Response] = []

            async def send_and_keep(call: ApiCall[Any]) -> ApiReply | NoReply:
                with FaultCatcher(self.settings) as caught:
                    response = await opened.enter_async_context(self._stream(call))
                    if response.status_code >= 300:
                        return read_head(response, await self._read(response))
                    responses.append(response)
                    return read_head(response)
                return caught.reply

            await self._run(call, send_and_keep)
            with FaultCatcher(self.settings) as caught:
                async for chunk in responses[0].aiter_bytes():
                    yield chunk
            caught.raise_fault()

    async def _run(self, call: ApiCall[T], send: Callable[[ApiCall[Any]], Awaitable[ApiReply | NoReply]]) -> T:
        steps = exchange(call, self.settings.retries)
        reply: ApiReply | NoReply | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await self.wait(step.seconds)
                reply = None
            else:
                reply = await send(step)

    async def _send(self, call: ApiCall[Any]) -> ApiReply | NoReply:
        with FaultCatcher(self.settings) as caught:
            async with self._stream(call) as response:
                return read_head(response, await self._read(response))
        return caught.reply

    async def _read(self, response: httpx2.Response) -> bytes:
        body = BodyLimit(self.settings)
        async for chunk in response.aiter_bytes():
            body.add(chunk)
        return body.join()

    def _stream(self, call: ApiCall[Any]) -> AbstractAsyncContextManager[httpx2.Response]:
        return self.connections.open().stream(
            call.method,
            self.settings.base_url + call.target,
            content=call.body,
            headers=request_headers(call),
            timeout=self.settings.timeout_seconds,
        )


class AsyncPagedList(Generic[PageT, ItemT]):
    """A list of any length. Iterate over its items, or over its pages with ``pages()``."""

    def __init__(self, calls: AsyncCalls, call: ApiCall[PageT]) -> None:
        self._calls = calls
        self._call = call

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        async for page in self.pages():
            for item in list_items(page):
                yield item

    async def pages(self) -> AsyncIterator[PageT]:
        """The pages as the API returns them."""
        call: ApiCall[PageT] | None = self._call
        watch = PageWatch()
        while call is not None:
            page = await self._calls.call(call)
            yield page
            call = next_call(call, page, watch)


class AsyncExport:
    """A file. Iterate over it for bytes as they arrive, or over ``lines()``. Each iteration sends a request."""

    def __init__(self, calls: AsyncCalls, call: ApiCall[ApiReply]) -> None:
        self._calls = calls
        self._call = call

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._calls.iterate(self._call)

    async def lines(self) -> AsyncIterator[str]:
        """The lines, without line ends and byte order mark."""
        splitter = LineSplitter()
        async for chunk in self:
            for line in splitter.split(chunk):
                yield line
        for line in splitter.finish():
            yield line
