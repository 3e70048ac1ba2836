"""Kept connections of a broken server: what it sends in excess never becomes the response to another request."""

import asyncio
import fcntl
import socket
import sys
import termios
import threading
from collections.abc import AsyncIterator

import pytest

from ari.outbound.http import HttpClient
from ari.outbound.line import Line
from tests.support.kept_connections import OK, OTHER, POISON, run_bounded, serve

_SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_LARGE = b"x" * 150_000
_BODY_END = b"the end"


async def _ask_twice(method: str, *pieces: bytes) -> tuple[int, bytes, bytes, int]:
    """Status and body of the first response, the body of the second, and the connections."""
    async with serve(*pieces) as (broken, client):
        broken.gate.put_nowait(None)
        async with client.call(method, broken.url, private=True) as reply:
            for _ in pieces[1:]:
                broken.gate.put_nowait(None)
            first = reply.status, await reply.read_beginning(1_000_000)
        return *first, (await client.ask("GET", broken.url, private=True)).body, broken.connections


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    "excess",
    [
        POISON,
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"x",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"x\r\n\r\n",
        b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: 0\r\n\r\n",
    ],
)
@pytest.mark.parametrize(
    ("head", "body"),
    [
        (_SIZED, b"ok"),
        (_CHUNKED, b"2\r\nok\r\n0\r\n\r\n"),
        (_CHUNKED, b"2;a=b\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n"),
    ],
)
def test_bytes_after_a_response_end_the_connection(head: bytes, body: bytes, excess: bytes, at_once: bool) -> None:
    """With the response or after it, whole or not; the response itself arrives."""
    pieces = (head + b"\r\n" + body + excess,) if at_once else (head + b"\r\n", body + excess)
    assert run_bounded(lambda: _ask_twice("GET", *pieces)) == (200, b"ok", b"other", 2)


@pytest.mark.parametrize("excess", [POISON, b"HTTP/1.1 2", b"x"])
@pytest.mark.parametrize("framed", [False, True])
def test_bytes_after_a_body_that_pauses_reading_end_the_connection(excess: bytes, framed: bool) -> None:
    """The parser holds them back while the body is larger than the buffer."""
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_LARGE), _LARGE)
    sized = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(_LARGE)
    pieces = (_CHUNKED + b"\r\n", chunk + excess) if framed else (sized, _LARGE + excess)
    assert run_bounded(lambda: _ask_twice("GET", *pieces)) == (200, _LARGE, b"other", 2)


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("GET", _SIZED + b"connection: close\r\n\r\nok"),
        ("GET", _SIZED + b"Connection: keep-alive, Close\r\n\r\nok"),
        ("GET", b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ("GET", b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\n" + OK),
        ("GET", b"HTTP/1.1 102 Processing\r\n\r\n" + OK),
        ("GET", b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK),
        ("GET", b"HTTP/1.1 101 Switching Protocols\r\ncontent-length: 0\r\n\r\n" + OK),
        ("GET", b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + OK),
        ("GET", b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\nok"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nok"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n" + POISON),
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"),
        ("HEAD", OK),
        ("HEAD", b"HTTP/1.1 200 OK\r\n\r\nok"),
        ("HEAD", _CHUNKED + b"\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok"),
        ("GET", b"HTTP/1.1 200 OK\ncontent-length: 2\n\nokHTTP/1.1 2"),
        ("GET", b"HTTP/1.1 200 OK\ncontent-length: 10\n\na\r\n\r\nbcdefHTTP/"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\nok\r\n\r\n"),
    ],
)
def test_a_response_whose_end_is_unsure_ends_the_connection(method: str, response: bytes) -> None:
    """A server that sends a body where there is none, or that announced the end, may go on."""
    *_, second, connections = run_bounded(lambda: _ask_twice(method, response))
    assert (second, connections) == (b"other", 2)


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("GET", OK),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n" + b"\r\n" * 4),
        ("GET", _CHUNKED + b"\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"),
        ("GET", _CHUNKED + b"\r\n2;a=b\r\nok\r\n0;c=d\r\n\r\n"),
        ("GET", _CHUNKED + b"\r\n2\r\nok\r\n000\r\nx-trailer: 1\r\ny-trailer: \r\n\r\n"),
        ("GET", _CHUNKED + b"\r\n4\r\n\r\n\r\n\r\n0 \r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_connection_of_a_whole_response_is_kept(method: str, response: bytes, size: int) -> None:
    """However its bytes arrive."""

    async def work() -> None:
        pieces = [response[at : at + size] for at in range(0, len(response), size)]
        async with serve(*pieces) as (broken, client):
            for _ in pieces:
                broken.gate.put_nowait(None)
            await client.ask(method, broken.url, private=True)
            assert (await client.ask("GET", broken.url, private=True)).body == b"poison"
            assert broken.connections == 1

    run_bounded(work)


def _listen() -> tuple[socket.socket, str]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}/"


async def _serve_one(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    link, _ = await loop.sock_accept(listener)
    with link:
        await loop.sock_recv(link, 65_536)
        await loop.sock_sendall(link, OTHER)
        await loop.sock_recv(link, 1)


@pytest.mark.parametrize("excess", [POISON, b"x", b""])
def test_bytes_that_nobody_has_read_yet_end_the_connection(excess: bytes) -> None:
    """They arrive while the event loop is busy, just before the next request; so may the end of the connection."""

    async def work() -> None:
        listener, url = _listen()
        loop = asyncio.get_running_loop()
        with listener:
            async with HttpClient() as client, asyncio.TaskGroup() as group:
                first = group.create_task(client.ask("GET", url, private=True))
                link, _ = await loop.sock_accept(listener)
                with link:
                    await loop.sock_recv(link, 65_536)
                    await loop.sock_sendall(link, OK)
                    assert (await first).body == b"ok"
                    serving = group.create_task(_serve_one(listener))
                    if excess:
                        link.send(excess)
                    else:
                        link.shutdown(socket.SHUT_WR)
                    assert (await client.ask("POST", url, body=b"x", private=True)).body == b"other"
                serving.cancel()

    run_bounded(work)


@pytest.mark.parametrize("body", [None, b"short"])
def test_a_response_before_the_request_ends_the_connection(body: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response to the request may follow. What came before it is read as its response: it is nobody else's."""
    sent, connect = threading.Event(), Line.connection_made

    def send_first(listener: socket.socket) -> None:
        link, _ = listener.accept()
        with link:
            link.sendall(OK)
            sent.set()
            while link.recv(65_536):
                pass

    def wait_and_connect(line: Line, transport: asyncio.BaseTransport) -> None:
        assert sent.wait(15)
        connect(line, transport)

    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            thread = threading.Thread(target=send_first, args=(listener,), daemon=True)
            thread.start()
            async with HttpClient() as client:
                assert (await client.ask("POST", url, body=body, private=True)).body == b"ok"
                listener.setblocking(False)
                serving = asyncio.create_task(_serve_one(listener))
                assert (await client.ask("GET", url, private=True)).body == b"other"
                serving.cancel()
            thread.join(15)

    monkeypatch.setattr(Line, "connection_made", wait_and_connect)
    run_bounded(work)


@pytest.mark.parametrize("streams", [False, True])
def test_a_response_to_half_a_request_ends_the_connection(streams: bool) -> None:
    """Even if the rest of the request is sent before the end of the response."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 100
        await responded.wait()
        yield _BODY_END

    async def work() -> None:
        listener, url = _listen()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        loop = asyncio.get_running_loop()
        with listener:
            async with HttpClient() as client, asyncio.TaskGroup() as group:

                async def ask() -> bytes:
                    sent = pieces() if streams else b"x" * 900_000 + _BODY_END
                    async with client.call("POST", url, body=sent, private=True) as reply:
                        first = await reply.read()
                        responded.set()
                        return first + await reply.read_beginning(10)

                first = group.create_task(ask())
                link, _ = await loop.sock_accept(listener)
                with link:
                    received = await loop.sock_recv(link, 1)
                    await loop.sock_sendall(link, OK[:-1])
                    await responded.wait()
                    while _BODY_END not in received:
                        received = received[-10:] + await loop.sock_recv(link, 65_536)
                    await loop.sock_sendall(link, OK[-1:])
                    assert await first == b"ok"
                    serving = group.create_task(_serve_one(listener))
                    assert (await client.ask("GET", url, private=True)).body == b"other"
                serving.cancel()

    responded = asyncio.Event()
    run_bounded(work)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_response_that_precedes_its_request_reaches_nobody(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was on its way while the request was sent, of which the server's kernel has confirmed nothing yet."""
    is_slow = False

    def confirm_nothing(_: int, request: int, __: bytes) -> bytes:
        assert request == termios.TIOCOUTQ
        return (1_000 if is_slow else 0).to_bytes(4, sys.byteorder)

    async def work() -> None:
        nonlocal is_slow
        async with serve(OK) as (broken, client):
            broken.gate.put_nowait(None)
            assert (await client.ask("GET", broken.url, private=True)).body == b"ok"
            is_slow = True
            found = await client.ask(method, broken.url, body=b"x" * 100 if method == "POST" else None, private=True)
            assert (found.fault, found.body, broken.connections) == ("broken", b"", 1)
            is_slow = False
            assert (await client.ask("GET", broken.url, private=True)).body == b"other"

    monkeypatch.setattr(fcntl, "ioctl", confirm_nothing)
    run_bounded(work)


def test_accounts_have_their_own_connections() -> None:
    """Excess bytes that arrive just as a request goes out can't be found, but reach only the same account."""

    async def work() -> None:
        async with serve(OK) as (broken, client):
            broken.gate.put_nowait(None)
            bodies = []
            for account in (1, 2, 2, 1, None):
                async with client.call("GET", broken.url, private=True, account=account) as reply:
                    bodies.append(await reply.read())
            assert bodies == [b"ok", b"other", b"other", b"poison", b"other"]
            assert broken.connections == 3

    run_bounded(work)


@pytest.mark.parametrize(
    "pieces", [(OK + POISON,), (OK + b"HTTP/1.1 2",), (OK + b"x",), (OK, b"x"), (OK, _TIMEOUT + POISON)]
)
def test_a_server_that_sent_too_much_keeps_no_connection(pieces: tuple[bytes, ...]) -> None:
    """Its next extra response could arrive at a moment when it can't be found."""

    async def work() -> None:
        async with serve(*pieces) as (broken, client):
            broken.gate.put_nowait(None)
            assert (await client.ask("GET", broken.url, private=True)).body == b"ok"
            broken.gate.put_nowait(None)
            await broken.is_left.wait()
            for count in range(2, 6):
                async with client.call("GET", broken.url, private=True, account=count % 2) as reply:
                    assert await reply.read() == b"other"
                assert broken.connections == count

    run_bounded(work)
