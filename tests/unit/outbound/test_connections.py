"""Kept connections: which request is sent once more, what an unasked byte does, when a head of a response ends."""

import asyncio
import contextlib
import fcntl
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.client_proto import ResponseHandler

from ari.outbound.http import HttpClient, Timeouts
from ari.outbound.line import MAX_HEAD_BYTES, MAX_INTERIM
from tests.support.kept_connections import OK, run_bounded


class Peer:
    """``turns`` says what each request gets, by connection: bytes, or ``None`` to close without a word."""

    def __init__(self, *turns: list[bytes | None]) -> None:
        self.turns = list(turns)
        self.requests: list[int] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, turns = self.connections, self.turns[min(self.connections, len(self.turns) - 1)]
        self.connections += 1
        try:
            for turn in turns:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or b"0"))
                self.requests.append(number)
                if turn is None:
                    break
                writer.write(turn)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def _peer(*turns: list[bytes | None]) -> AsyncIterator[tuple[Peer, str]]:
    peer = Peer(*turns)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    try:
        yield peer, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_kept_connection_that_closed_is_replaced(method: str) -> None:
    """Once, by a new one, even if every kept connection is closed; the caller notices nothing."""

    async def work() -> None:
        closed: list[bytes | None] = [OK, None]
        async with _peer(closed, closed, closed, [OK, OK]) as (peer, url), HttpClient() as client:
            together = [client.ask(method, url, body=b"x", private=True) for _ in range(3)]
            assert {found.status for found in await asyncio.gather(*together)} == {200}
            assert peer.connections == 3
            found = await client.ask(method, url, body=b"x", private=True)
            assert (found.status, peer.connections, len(peer.requests)) == (200, 4, 5)

    run_bounded(work)


def test_a_server_that_closes_before_it_has_the_request_gets_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a new connection: what it waited for too long was this request."""
    is_slow = False
    late = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

    async def work() -> None:
        nonlocal is_slow
        async with _peer([OK, late], [OK]) as (peer, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).body == b"ok"
            is_slow = True
            assert (await client.ask("POST", url, body=b"x", private=True)).status == 200
            assert peer.connections == 2

    monkeypatch.setattr(fcntl, "ioctl", lambda *_: (1_000 if is_slow else 0).to_bytes(4, sys.byteorder))
    run_bounded(work)


@pytest.mark.parametrize(
    "begun", [b"H", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 103 Early\r\n\r\n"]
)
def test_a_response_that_began_is_not_requested_again(begun: bytes) -> None:
    """The server has read the request then."""

    async def work() -> None:
        async with _peer([OK, begun]) as (peer, url), HttpClient() as client:
            assert (await client.ask("POST", url, body=b"x", private=True)).status == 200
            assert (await client.ask("POST", url, body=b"x", private=True)).fault == "broken"
            assert len(peer.requests) == 2

    run_bounded(work)


def test_a_new_connection_that_closes_is_no_reason_to_try_again() -> None:
    """The server may have read the request; a second failure in a row is not repeated either."""

    async def work() -> None:
        async with _peer([None]) as (peer, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).fault == "broken"
            assert len(peer.requests) == 1
        async with _peer([OK, None], [None]) as (peer, url), HttpClient() as client:
            assert (await client.ask("POST", url, body=b"x", private=True)).status == 200
            assert (await client.ask("POST", url, body=b"x", private=True)).fault == "broken"
            assert peer.requests == [0, 0, 1]

    run_bounded(work)


def test_silence_is_no_reason_to_try_again() -> None:
    """A server that thinks has the request."""

    async def work() -> None:
        async with _peer([OK, b"", OK]) as (peer, url), HttpClient() as client:
            assert (await client.ask("POST", url, body=b"x", private=True)).status == 200
            assert (await client.ask("POST", url, body=b"x", private=True, seconds=0.2)).fault == "timed_out"
            assert len(peer.requests) == 2

    run_bounded(work)


def test_a_streamed_body_takes_a_new_connection() -> None:
    """It cannot be sent twice."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async def work() -> None:
        async with _peer([OK, None]) as (peer, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).status == 200
            headers = [("content-length", "1")]
            async with client.call("POST", url, headers, pieces(), private=True, timeouts=Timeouts()) as reply:
                assert reply.status == 200
            assert peer.connections == 2

    run_bounded(work)


@pytest.mark.parametrize("unasked", [OK, b"x", b"\r\n\r\n"])
def test_an_unasked_response_reaches_nobody(unasked: bytes) -> None:
    """Bytes after a response, with it or later, end the connection."""

    async def work() -> None:
        async with _peer([OK + OK, OK]) as (peer, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).body == b"ok"
            await asyncio.sleep(0)
            found = await client.ask("GET", url, private=True)
            assert (found.status, found.body, peer.connections) == (200, b"ok", 2)

        async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await writer.drain()
            await gate.wait()
            writer.write(unasked)
            closed.set_result(await reader.read())
            writer.close()

        gate, closed = asyncio.Event(), asyncio.get_running_loop().create_future()
        server = await asyncio.start_server(late, "127.0.0.1", 0)
        async with HttpClient() as client:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            assert (await client.ask("GET", url, private=True)).body == b"ok"
            gate.set()
            assert await closed == b""
        server.close()

    run_bounded(work)


_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "rest", "connections"),
    [
        (_CHUNKED, b"5\r\nhello\r\n0\r\n\r\n", 1),
        (_SIZED, b"hello", 1),
        (_CHUNKED, b"5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", 2),
        (_CHUNKED, b"5\r\nhello\r\n0\r\n\r\n" + OK, 2),
        (_SIZED, b"helloHTTP/1.1 200 OK\r\n", 2),
        (_SIZED, b"hello" + OK, 2),
    ],
)
def test_a_connection_is_kept_after_a_body_that_came_later(head: bytes, rest: bytes, connections: int) -> None:
    """Each stream would otherwise pay for a new connection; bytes after the body still end it."""

    async def work() -> None:
        made = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal made
            made += 1
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await reader.readuntil(b"\r\n\r\n"):
                    writer.write(head)
                    await gate.get()
                    writer.write(rest)
            writer.close()

        gate: asyncio.Queue[None] = asyncio.Queue()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with HttpClient() as client:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            for _ in range(2):
                async with client.call("GET", url, private=True) as reply:
                    gate.put_nowait(None)
                    assert await reply.read_beginning(100) == b"hello"
        server.close()
        assert made == connections

    run_bounded(work)


def test_interim_responses_have_an_end() -> None:
    """A server that sends 103 for ever is left; a few are passed over."""
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"

    async def work() -> None:
        async with _peer([early * 50 + OK]) as (_, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).body == b"ok"
        async with _peer([early * (MAX_HEAD_BYTES // len(early) + 10_000)]) as (_, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).fault == "broken"
        async with _peer([early * (MAX_INTERIM + 1) + OK]) as (_, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).fault == "broken"

    run_bounded(work)


def test_empty_lines_before_a_response_are_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of them, each looked at alone, would keep all other requests waiting for seconds."""
    parsed: list[int] = []
    parse = ResponseHandler.data_received

    def count(line: ResponseHandler, data: bytes) -> None:
        parsed.append(len(data))
        parse(line, data)

    async def work() -> None:
        async with _peer([b"\r\n" * 50_000 + OK]) as (_, url), HttpClient() as client:
            assert (await client.ask("GET", url, private=True)).body == b"ok"

    monkeypatch.setattr(ResponseHandler, "data_received", count)
    run_bounded(work)
    assert len(parsed) < 1_000


def test_rest_leaves_bytes_in_the_kernel() -> None:
    """What comes during a rest is read at once after it, and nothing is lost."""

    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            loop = asyncio.get_running_loop()

            async def trickle() -> None:
                link, _ = await loop.sock_accept(listener)
                await loop.sock_recv(link, 65_536)
                await loop.sock_sendall(link, b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n*")
                await gate.wait()
                for _ in range(100):
                    await loop.sock_sendall(link, b"x")
                    await asyncio.sleep(0)
                sent.set()
                link.close()

            gate, sent = asyncio.Event(), asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(trickle())
                async with HttpClient() as client:
                    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
                    async with client.call("GET", url, private=True) as reply:
                        assert await reply.read() == b"*"
                        resting = group.create_task(reply.rest(0.2))
                        await asyncio.sleep(0)
                        gate.set()
                        await sent.wait()
                        await resting
                        assert await reply.read() == b"x" * 100
                        assert reply.parse_seconds() > 0
                        assert reply.parse_seconds() == 0

    run_bounded(work)


@pytest.mark.parametrize("chunk", [b"x" * 100_000, b"y"], ids=["large chunks", "small chunks"])
def test_a_body_larger_than_the_buffer_arrives_whole(chunk: bytes) -> None:
    """Reading pauses while the buffer is full, by its bytes or its chunks, and goes on when it was read."""
    count = 20 if len(chunk) > 1 else 50_000
    body = (b"%x\r\n%s\r\n" % (len(chunk), chunk)) * count + b"0\r\n\r\n"

    async def read() -> bytes:
        response = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body
        async with (
            _peer([response]) as (_, url),
            HttpClient() as client,
            client.call("GET", url, private=True) as reply,
        ):
            found = bytearray()
            while piece := await reply.read():
                found += piece
            return bytes(found)

    assert run_bounded(read) == chunk * count
