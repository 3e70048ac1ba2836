"""Kept connections of a careless server: what looks like excess and is none, and excess over TLS."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop

from ari.outbound.http import HttpClient
from tests.support.certificates import self_signed
from tests.support.kept_connections import OK, POISON, run_bounded, serve

_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (OK, b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        (OK, b"\r\n"),
        (OK + b"\r\n",),
        (_CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n\r\n",),
        (b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", b"\n"),
        (b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok\r\n", b"\r\n"),
    ],
)
def test_a_server_that_is_only_careless_keeps_its_next_connection(pieces: tuple[bytes, ...]) -> None:
    """A word that it closes, and line ends, are no response that another request could get."""

    async def work() -> None:
        async with serve(*pieces) as (careless, client):
            careless.gate.put_nowait(None)
            assert (await client.ask("GET", careless.url, private=True)).body == b"ok"
            careless.gate.put_nowait(None)
            await careless.is_left.wait()
            for _ in range(3):
                assert (await client.ask("GET", careless.url, private=True)).body == b"other"
            assert careless.connections == 2

    run_bounded(work)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """For a server that clients trust, and that sends session tickets (RFC 8446 §4.6.1)."""
    certificate = self_signed(tmp_path / "server.pem")
    trusting = ssl.create_default_context(cafile=str(certificate))
    connector = aiohttp.TCPConnector
    monkeypatch.setattr(connector, "__init__", partialmethod(connector.__init__, ssl=trusting))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.num_tickets = 8
    return context


_LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


def _serve_encrypted(listener: socket.socket, context: ssl.SSLContext, has_sent: threading.Event) -> None:
    """Serve one connection; ``has_sent`` is set once the session tickets are sent."""
    with listener, context.wrap_socket(listener.accept()[0], server_side=True) as link:
        has_sent.set()
        while link.recv(65_536):
            link.sendall(OK)


def test_session_tickets_are_no_excess(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop has not read them yet when the first request takes the connection.

    uvloop finishes the handshake only when it reads, so there is no such moment.
    """
    has_sent, connect = threading.Event(), aiohttp.TCPConnector.connect

    async def connect_slowly(*given: Any) -> Any:
        connection = await connect(*given)
        assert has_sent.wait(15)
        return connection

    async def work() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"https://localhost:{listener.getsockname()[1]}/"
        thread = threading.Thread(target=_serve_encrypted, args=(listener, tls, has_sent), daemon=True)
        thread.start()
        async with HttpClient() as client:
            for _ in range(4):  # a second connection would be refused
                assert (await client.ask("GET", url, private=True)).body == b"ok"

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect_slowly)
    run_bounded(work)


@_LOOPS
@pytest.mark.parametrize("pieces", [(OK + POISON,), (OK, POISON), (OK, b"x")])
def test_bytes_after_an_encrypted_response_end_the_connection(
    run: Callable[[Any], Any], tls: ssl.SSLContext, pieces: tuple[bytes, ...]
) -> None:
    """Also those that nobody has decrypted yet."""

    async def work() -> None:
        async with serve(*pieces, context=tls) as (broken, client):
            broken.gate.put_nowait(None)
            assert (await client.ask("GET", broken.url, private=True)).body == b"ok"
            broken.gate.put_nowait(None)
            for _ in range(8):  # the server sends, and the client has not read
                await asyncio.sleep(0)
            assert (await client.ask("GET", broken.url, private=True)).body == b"other"

    run_bounded(work, run)
