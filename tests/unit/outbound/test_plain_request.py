"""The bytes of a request: the given head and body, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp.base_protocol import BaseProtocol

from ari.outbound.http import HttpClient, OutboundFault, Timeouts

_LONG = b"x" * 300_000


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


async def _record(method: str, headers: list[tuple[str, str]], body: Any, whole_seconds: float | None) -> bytes:
    """All bytes of the request, whose server responds once it has read the given end."""
    end = {b"": b"\r\n\r\n", b"short": b"short", _LONG: _LONG, "streamed": b"0\r\n\r\n"}[body]
    received, ended = bytearray(), asyncio.Event()

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not received.endswith(end) and (data := await reader.read(65_536)):
            received.extend(data)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" + (b"" if method == "HEAD" else b"ok"))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = _pieces() if body == "streamed" else body or None
    url, times = f"http://127.0.0.1:{port}/a%2Fb?c=d#e", Timeouts(whole_seconds=whole_seconds)
    async with asyncio.timeout(20), server:
        try:
            async with (
                HttpClient() as client,
                client.call(method, url, headers, given, private=True, timeouts=times) as reply,
            ):
                assert (reply.status, await reply.read_beginning(10)) == (200, b"" if method == "HEAD" else b"ok")
        finally:
            await ended.wait()
    return bytes(received).replace(str(port).encode(), b"PORT")


@pytest.mark.parametrize("whole_seconds", [None, 15.0])
@pytest.mark.parametrize(
    ("method", "body", "added", "sent"),
    [
        ("GET", b"", b"", b""),
        ("HEAD", b"", b"", b""),
        ("POST", b"", b"content-length: 0\r\n", b""),
        ("POST", b"short", b"content-length: 5\r\n", b"short"),
        ("PUT", _LONG, b"content-length: 300000\r\n", _LONG),
        ("POST", "streamed", b"transfer-encoding: chunked\r\n", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
    ],
)
def test_only_the_given_head_and_body_are_sent(
    method: str, body: Any, added: bytes, sent: bytes, whole_seconds: float | None
) -> None:
    """A provider must not see headers that its caller didn't choose, nor the fragment of a URL."""
    received = asyncio.run(
        _record(method, [("x-a", "1"), ("x-a", "2"), ("accept-encoding", "identity")], body, whole_seconds)
    )
    head, _, rest = received.partition(b"\r\n\r\n")
    start = b"host: 127.0.0.1:port\r\nx-a: 1\r\nx-a: 2\r\naccept-encoding: identity\r\n"
    assert head.partition(b"\r\n")[0] == f"{method} /a%2Fb?c=d HTTP/1.1".encode()
    assert head.partition(b"\r\n")[2].lower() + b"\r\n" == start + added
    assert rest == sent


def test_a_connection_that_is_full_gets_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short body is written with its head, unless the connection has to be waited for."""
    at_once = asyncio.run(_record("POST", [("x-a", "1")], b"short", None))
    monkeypatch.setattr(BaseProtocol, "writing_paused", property(lambda _: True))
    assert asyncio.run(_record("POST", [("x-a", "1")], b"short", None)) == at_once


@pytest.mark.parametrize("header", [("expect", "100-continue"), ("content-length", "4")])
def test_a_short_body_is_written_at_once_only_if_its_head_says_so(header: tuple[str, str]) -> None:
    """A server that reads less than it gets would take the rest for another request."""
    with pytest.raises(OutboundFault):
        asyncio.run(_record("POST", [header], b"short", 0.3))


@pytest.mark.parametrize("headers", [[("x-a", "1\r\nx-b: 2")], [("x-a\r\nx-b", "1")]])
def test_no_header_adds_a_line(headers: list[tuple[str, str]]) -> None:
    """A header with a line break would be another header, or another request."""
    with pytest.raises(OutboundFault, match="unreachable"):
        asyncio.run(_record("POST", headers, b"short", None))
