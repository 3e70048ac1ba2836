"""A server on which a test decides what each connection gets, to see which connections a client keeps."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ari.outbound.http import HttpClient

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
OTHER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother"
POISON = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"


class Server:
    """Sends ``pieces`` to the first request, each after ``gate``, and never reads that connection again.

    Later requests on it get ``POISON``, those on other connections ``OTHER``.
    """

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.gate: asyncio.Queue[None] = asyncio.Queue()
        self.is_left = asyncio.Event()
        """The first connection was closed."""
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in self.pieces if number == 1 else (OTHER,):
                if number == 1:
                    await self.gate.get()
                writer.write(piece)
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(POISON if number == 1 else OTHER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.is_left.set()


@asynccontextmanager
async def serve(*pieces: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Server, HttpClient]]:
    """A server of ``pieces``, with TLS if there is a ``context``, and a client."""
    broken = Server(*pieces)
    server = await asyncio.start_server(broken.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    broken.url = f"http://127.0.0.1:{port}/" if context is None else f"https://localhost:{port}/"
    try:
        async with HttpClient() as client:
            yield broken, client
    finally:
        server.close()


def run_bounded(work: Callable[[], Awaitable[Any]], run: Callable[[Any], Any] = asyncio.run) -> Any:
    """Do ``work`` in an event loop of its own, for 20 seconds at most."""

    async def limit() -> Any:
        async with asyncio.timeout(20):
            return await work()

    return run(limit())
