"""The benchmark's client of streams, against a server that streams."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from benchmarks import streams

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"9\r\ndata: 1\n\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"
Responder = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(respond: Responder) -> AsyncIterator[int]:
    """The port of a server that calls ``respond`` for each request of a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await respond(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def respond_whole(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + EVENT + EVENT + b"0\r\n\r\n")


async def respond_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + EVENT)


async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    writer.close()


def test_every_first_event_is_measured() -> None:
    """One figure per request, and none of them failed."""

    async def run() -> dict[str, float]:
        async with serving(respond_whole) as port:
            return await streams.first_events(port, [REQUEST], rate=200, seconds=0.1)

    found = asyncio.run(run())
    assert (found["count"], found["failed"]) == (20, 0)
    assert found["p50_us"] > 0


def test_a_stream_without_an_event_counts_as_failed() -> None:
    """It is never a fast one."""

    async def run() -> dict[str, float]:
        async with serving(break_off) as port:
            return await streams.first_events(port, [REQUEST], rate=100, seconds=0.05)

    found = asyncio.run(run())
    assert (found["count"], found["failed"]) == (0, 5)


def test_streams_stay_open_after_their_first_event() -> None:
    """All of them, at once."""

    async def run() -> int:
        async with serving(respond_once) as port:
            opened = await streams.open_streams(port, [REQUEST], 60, 10)
            count = sum(not writer.is_closing() for writer in opened)
            for writer in opened:
                writer.close()
            return count

    assert asyncio.run(run()) == 60
