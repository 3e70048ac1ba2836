"""The outbound client: what it refuses to reach, what bounds it, and that it adds nothing and follows nothing."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ari.outbound.http import FetchResult, HttpClient, OutboundFault, Timeouts
from tests.support.certificates import self_signed

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def run(work: Awaitable[Any]) -> Any:
    async def run_bounded() -> Any:
        async with asyncio.timeout(20):
            return await work

    return asyncio.run(run_bounded())


@asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback that reads a head and lets ``handler`` respond."""

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await handler(reader, writer, await reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(on_connect, "127.0.0.1", 0, ssl=context)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _respond_with(answer: bytes, heads: list[bytes] | None = None) -> Handler:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        if heads is not None:
            heads.append(head)
        writer.write(answer)
        await writer.drain()

    return handler


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_this_machine_is_reached_only_by_the_owners_word() -> None:
    """A literal address passes no resolver; it is checked where the socket is made."""

    async def work() -> None:
        async with serving(_respond_with(OK)) as url, HttpClient() as client:
            assert (await client.ask("GET", url)).fault == "refused_address"
            named = url.replace("127.0.0.1", "localhost")
            assert (await client.ask("GET", named)).fault == "refused_address"
            assert (await client.ask("GET", url, private=True)).body == b"ok"
            # The connection made under the one rule is not there under the other.
            assert (await client.ask("GET", url)).fault == "refused_address"

    run(work())


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "0.0.0.0", "100.100.100.200"],
)
def test_metadata_stays_refused_for_the_owners_base_urls(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is even tried."""
    tried: list[Any] = []

    async def connect(*place: Any) -> None:
        tried.append(place)

    async def work() -> Any:
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
        async with HttpClient() as client:
            return await client.ask("GET", f"http://{host}/", private=True)

    assert run(work()).fault == "refused_address"
    assert tried == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_other_spellings_of_addresses_reach_nothing(host: str) -> None:
    """What only the system's resolver would take for an address."""

    async def work() -> Any:
        async with serving(_respond_with(OK)) as url, HttpClient() as client:
            return await client.ask("GET", f"http://{host}:{url.rpartition(':')[2]}/")

    assert run(work()).fault in ("refused_address", "unreachable")


def test_one_bad_address_of_a_name_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to a good and a bad address is refused, whichever would be tried first (rebinding)."""

    async def work() -> Any:
        def two(*_: Any, **__: Any) -> list[Any]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, ("93.184.216.34", 80)), (*kind, ("169.254.169.254", 80))]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        async with HttpClient() as client:
            return await client.ask("GET", "http://rebound.example/")

    assert run(work()).fault == "refused_address"


def test_a_name_is_resolved_again_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that was good a second ago is checked again."""
    asked: list[str] = []

    async def work() -> list[Any]:
        close = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
        async with serving(_respond_with(close)) as url, HttpClient() as client:
            port = int(url.rpartition(":")[2])

            def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
                asked.append(host)
                place = ("127.0.0.1" if len(asked) == 1 else "169.254.169.254", port)
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]

            monkeypatch.setattr(socket, "getaddrinfo", resolve)
            return [await client.ask("GET", f"http://name.example:{port}/", private=True) for _ in range(2)]

    first, second = run(work())
    assert (first.status, second.fault) == (200, "refused_address")
    assert asked == ["name.example"] * 2


def test_nothing_is_added_followed_or_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head is what was given; a redirect and a packed body come as they are; no proxy of the environment."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    heads: list[bytes] = []
    packed = gzip.compress(b"x")
    told = b"location: /there\r\nset-cookie: a=b\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n" % len(packed)
    answer = b"HTTP/1.1 307 Go\r\n" + told + b"\r\n" + packed

    async def work() -> list[Any]:
        async with serving(_respond_with(answer, heads)) as url, HttpClient() as client:
            return [await client.ask("GET", f"{url}/a%2Fb?c=%20", (("x-a", "1"),), private=True) for _ in range(2)]

    for asked in run(work()):
        assert (asked.status, asked.body) == (307, packed)
    assert len(heads) == 2
    for head in heads:
        lines = head.decode().rstrip().split("\r\n")
        assert lines[0] == "GET /a%2Fb?c=%20 HTTP/1.1"
        assert {line.partition(":")[0].lower() for line in lines[1:]} == {"host", "x-a"}


def test_a_test_call_is_bounded_in_time_and_size() -> None:
    """A silent, a dripping and an endless server each cost what was allowed."""

    async def stay_silent(*_: Any) -> None:
        await asyncio.Event().wait()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async def send_endlessly(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async def ask(handler: Handler) -> Any:
        async with serving(handler) as url, HttpClient() as client:
            return await client.ask("GET", url, private=True, seconds=0.3, most_bytes=1_000)

    assert run(ask(stay_silent)).fault == "timed_out"
    assert run(ask(drip)).fault == "timed_out"
    assert len(run(ask(send_endlessly)).body) == 1_000


def test_where_nobody_listens() -> None:
    """Neither at the address nor under the name."""

    async def work() -> list[Any]:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        async with HttpClient() as client:
            nobody = await client.ask("GET", f"http://127.0.0.1:{port}/", private=True)
            unknown = await client.ask("GET", "http://no-such-name.invalid/", private=True)
            return [nobody.fault, unknown.fault]

    assert run(work()) == ["unreachable", "unreachable"]


def test_tls_is_verified(tmp_path: Path) -> None:
    """A certificate that nobody vouches for is no provider's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "pair.pem"))

    async def work() -> Any:
        async with serving(_respond_with(OK), context) as url, HttpClient() as client:
            return await client.ask("GET", url.replace("http:", "https:"), private=True)

    assert run(work()).fault == "tls"


def test_a_body_that_breaks_off_is_a_fault() -> None:
    """A cut response never looks like a whole one."""
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nabc"

    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(cut)
        await writer.drain()
        writer.close()

    async def work() -> None:
        async with serving(handler) as url, HttpClient() as client, client.call("GET", url, private=True) as reply:
            assert await reply.read() == b"abc"
            with pytest.raises(OutboundFault, match="broken"):
                await reply.read()

    run(work())


def test_a_reader_who_stops_stops_the_sender() -> None:
    """Little is held of what is not read; and leaving the call closes the connection, which cancels the request."""
    sent = 0

    async def work() -> None:
        gone = asyncio.Event()

        async def send_endlessly(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                while True:
                    writer.write(b"x" * 65_536)
                    await writer.drain()
                    sent += 65_536
            except ConnectionError:
                gone.set()
                raise

        patience = Timeouts(idle_seconds=10, whole_seconds=None)
        async with serving(send_endlessly) as url, HttpClient() as client:
            async with client.call("GET", url, private=True, timeouts=patience) as reply:
                await reply.read()
                before = -1
                while before != sent:
                    before = sent
                    await asyncio.sleep(0.1)
            await gone.wait()

    run(work())
    assert sent < 32 * 1024 * 1024


@pytest.mark.parametrize("lines", [[b"a" * 60_000], [b"a"] * 400])
def test_a_long_head_is_read(lines: list[bytes]) -> None:
    """Policies and cookies make some heads longer than aiohttp's own limits."""
    head = b"".join(b"x-%d: %s\r\n" % one for one in enumerate(lines))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"content-length: 2\r\n\r\nok")
        writer.close()

    async def work() -> FetchResult:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with asyncio.timeout(20), server, HttpClient() as client:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            return await client.ask("GET", url, private=True)

    assert asyncio.run(work()).body == b"ok"
