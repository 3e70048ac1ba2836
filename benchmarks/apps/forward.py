"""The cost of an HTTP client alone: ASGI apps that only forward requests to ``BENCH_PROVIDER``.

``aiohttp_app`` also streams, as a forwarder must that doesn't know its responses; it is the reference of the gateways.
"""

import os
from typing import Any

import aiohttp
import httpx2

from ari.outbound.http import HttpClient

_URL = os.environ.get("BENCH_PROVIDER", "")
_HEADERS = {"content-type": "application/json", "authorization": "Bearer x", "accept-encoding": "identity"}


class _Forwarder:
    """``ask`` is one client's way to send a body and get an answer's."""

    async def open(self) -> None:
        """On the loop that serves."""

    async def ask(self, body: bytes) -> bytes:
        raise NotImplementedError

    async def forward(self, body: bytes, send: Any) -> None:
        """Send the provider's answer to the caller."""
        answer = await self.ask(body)
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            await self.forward(body, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            await self.open()
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})


class _Aiohttp(_Forwarder):
    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(auto_decompress=False, connector=connector)

    async def forward(self, body: bytes, send: Any) -> None:
        async with self._session.post(_URL, data=body, headers=_HEADERS, allow_redirects=False) as answer:
            kept = (b"content-type", b"content-length")
            headers = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() in kept]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            content = answer.content
            more = True
            while more:
                chunk = await content.readany()
                more = bool(chunk) and not content.at_eof()
                await send({"type": "http.response.body", "body": chunk, "more_body": more})


class _Httpx2(_Forwarder):
    async def open(self) -> None:
        limits = httpx2.Limits(max_connections=1_000, max_keepalive_connections=1_000)
        self._client = httpx2.AsyncClient(limits=limits, trust_env=False)

    async def ask(self, body: bytes) -> bytes:
        return (await self._client.post(_URL, content=body, headers=_HEADERS)).content


class _Outbound(_Forwarder):
    async def open(self) -> None:
        self._client = HttpClient()

    async def ask(self, body: bytes) -> bytes:
        async with self._client.call("POST", _URL, list(_HEADERS.items()), body, private=True) as reply:
            return await reply.read_beginning(1 << 20)


aiohttp_app, httpx2_app, outbound_app = _Aiohttp(), _Httpx2(), _Outbound()
