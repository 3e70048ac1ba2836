"""``ari.client`` against servers that aren't ARI: the key goes nowhere else, nothing hangs, and nothing is a yes."""

import gzip
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ari.client import ClientError, ConnectionFailed, UnexpectedResponse
from tests.support.certificates import self_signed
from tests.support.client_driver import ClientDriver, connect_client
from tests.support.ports import free_port
from tests.support.provider import provider

KEY = "ari_k_secret"
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CSV = b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n4\r\nid\r\n\r\n"
YES = b'{"valid": true, "code": "ok", "key": null, "limits": [], "exceeded": null, "retry_after_seconds": null}'
BOMB = gzip.compress(b" " * 40_000_000, compresslevel=9)


class RawServer:
    """Reads a request from each connection, sends ``reply`` and closes, or keeps the connection open and silent."""

    def __init__(self, reply: bytes, *, silent: bool = False, context: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self._reply, self._silent, self._context = reply, silent, context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
                if self._context is not None:
                    connection = self._context.wrap_socket(connection, server_side=True)
                self.received.append(_read_request(connection))
                connection.sendall(self._reply)
            except OSError:
                if self._socket.fileno() < 0:
                    return
                continue
            self._open.append(connection)
            if not self._silent:
                connection.close()

    def close(self) -> None:
        for one in (self._socket, *self._open):
            one.close()


def _read_request(connection: socket.socket) -> bytes:
    """The head and the body: closing with a part unread would reset the connection and lose the reply."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
        head, ended, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)
        if ended and len(body) >= (0 if length is None else int(length[1])):
            break
    return received


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Makes servers, which end with the test."""
    made: list[RawServer] = []

    def make(reply: bytes, **options: Any) -> RawServer:
        made.append(RawServer(reply, **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., ClientDriver]]:
    """Makes clients without retries."""
    made: list[ClientDriver] = []

    def make(url: str, **options: Any) -> ClientDriver:
        made.append(connect_client(request.param, url, key=KEY, retries=0, **options))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


def _verify(client: Any) -> Any:
    return client.verify("ari_k_of_a_caller")


def test_a_redirect_takes_the_key_nowhere(
    connect: Callable[..., ClientDriver], serve: Callable[..., RawServer]
) -> None:
    """Neither to another host nor to another path."""
    with provider() as other:
        server = serve(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: %s/\r\n\r\n" % other.url.encode())
        with pytest.raises(UnexpectedResponse, match=r"redirects to http://127\.0\.0\.1"):
            connect(f"http://127.0.0.1:{server.port}")(_verify)
        assert other.asked == []
        assert len(server.received) == 1


@pytest.mark.parametrize(
    "reply",
    [
        JSON + b"content-length: 500\r\n\r\n" + YES,
        JSON + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(YES), YES),
        JSON + b"content-length: 20\r\n\r\n" + YES[:20],
        JSON.replace(b"application/json", b"text/html") + b"\r\n" + YES,
        JSON + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB,
        b"HTTP/1.1 200 OK\r\n\r\n" + YES,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + YES,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
    ids=["short", "no-end", "cut-json", "html", "bomb", "no-type", "no-content", "upgrade", "headers", "ssh", "closed"],
)
def test_nothing_but_a_whole_verdict_is_one(
    connect: Callable[..., ClientDriver], serve: Callable[..., RawServer], reply: bytes
) -> None:
    """Even if it contains a yes: the response must be whole, JSON, of the right type and of bounded size."""
    with pytest.raises(ClientError) as raised:
        connect(f"http://127.0.0.1:{serve(reply).port}")(_verify)
    assert KEY not in str(raised.value)
    assert "exceeded" not in str(raised.value)


def test_a_server_that_says_nothing(connect: Callable[..., ClientDriver], serve: Callable[..., RawServer]) -> None:
    """The timeout ends it, before a response and in the middle of one."""
    for reply in (b"", JSON + b"content-length: 500\r\n\r\n{"):
        server = serve(reply, silent=True)
        with pytest.raises(ConnectionFailed, match=r"within 0\.2 s"):
            connect(f"http://127.0.0.1:{server.port}", timeout_seconds=0.2)(_verify)


def test_an_export_that_is_cut_off(connect: Callable[..., ClientDriver], serve: Callable[..., RawServer]) -> None:
    """It must not look like a complete file."""
    run = connect(f"http://127.0.0.1:{serve(CSV).port}")
    with pytest.raises(ConnectionFailed):
        run(lambda ari: ari.usage.export())
    with pytest.raises(ConnectionFailed):
        run(lambda ari: ari.usage.export().lines())


def test_a_certificate_that_nobody_vouches_for(
    connect: Callable[..., ClientDriver], serve: Callable[..., RawServer], tmp_path: Path
) -> None:
    """The key isn't sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "tls.pem"))
    server = serve(JSON + b"\r\n" + YES, context=context)
    with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
        connect(f"https://localhost:{server.port}")(_verify)
    assert server.received == []


def test_a_proxy_never_sees_the_key(
    connect: Callable[..., ClientDriver], serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One from the environment is used for https only, which it can't read."""
    proxy = serve(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConnectionFailed):
        connect(f"http://127.0.0.1:{free_port()}")(_verify)
    assert proxy.received == []
    with pytest.raises(ConnectionFailed):
        connect("https://keys.example.net")(_verify)
    [received] = proxy.received
    assert received.startswith(b"CONNECT keys.example.net:443 ")
    assert KEY.encode() not in received


def test_https_to_a_plain_server(connect: Callable[..., ClientDriver], serve: Callable[..., RawServer]) -> None:
    """It fails; nothing falls back to http."""
    server = serve(JSON + b"\r\n" + YES)
    with pytest.raises(ConnectionFailed):
        connect(f"https://127.0.0.1:{server.port}")(_verify)
    assert not [one for one in server.received if KEY.encode() in one]
