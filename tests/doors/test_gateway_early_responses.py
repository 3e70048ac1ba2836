"""A provider that responds before the caller's body is complete: nothing hangs, and nobody else takes the body."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.gateway import PROVIDER_KEY, AiGateway

PATH = "/api/ai/openai_compatible/v1/embeddings"
SIZE, PIECE = 12_000_000, 250_000
Serve = Callable[[socket.socket], None]


@contextmanager
def _provider(ai: AiGateway, serve: Serve) -> Iterator[None]:
    """The gateway's provider, which gets a connection once the head of a request has come on it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)

    def one() -> None:
        link, _ = listener.accept()
        with link:
            link.settimeout(30)
            received = b""
            while b"\r\n\r\n" not in received:
                received += link.recv(1)
            serve(link)

    thread = threading.Thread(target=one, daemon=True)
    thread.start()
    admin = ai.owner.api(ai.reader)
    named = {"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}", "key": PROVIDER_KEY}
    admin.put("/api/integrations/openai_compatible", json=named).raise_for_status()
    try:
        yield
    finally:
        thread.join(30)
        listener.close()
        admin.delete("/api/integrations/openai_compatible")
    assert not thread.is_alive()


def _respond_early(status: str, body: bytes) -> Serve:
    """Responds at once, and reads nothing more until ARI closes the connection."""

    def serve(link: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        link.sendall(head.encode() + body)
        time.sleep(0.3)
        try:
            while link.recv(65_536):
                pass
        except ConnectionResetError:
            pass

    return serve


def _counts(link: socket.socket) -> None:
    """Begins its response when no more of the body fits on the way, takes the rest slowly, and says how long it was."""
    time.sleep(0.3)
    link.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n")
    size = 0
    link.settimeout(5)
    while size < SIZE:
        part = link.recv(65_536)
        if not part:
            break
        size += len(part)
    said = b"%d" % size
    link.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(said), said))


def _upload(ai: AiGateway, pause_seconds: float, chunked: bool) -> bytes:
    """What comes back while the body goes, in pieces with pauses."""
    framing = "transfer-encoding: chunked" if chunked else f"content-length: {SIZE}"
    head = f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {ai.key}\r\nconnection: close\r\n"
    with socket.create_connection(("127.0.0.1", ai.owner.server.port), timeout=40) as link:
        link.sendall(f"{head}content-type: application/octet-stream\r\n{framing}\r\n\r\n".encode())

        def send() -> None:
            try:
                for _ in range(SIZE // PIECE):
                    link.sendall(b"%x\r\n%s\r\n" % (PIECE, b"x" * PIECE) if chunked else b"x" * PIECE)
                    time.sleep(pause_seconds)
                link.sendall(b"0\r\n\r\n" if chunked else b"")
            except OSError:
                pass  # what was sent back is what counts

        sender = threading.Thread(target=send)
        sender.start()
        received = b""
        try:
            while part := link.recv(65_536):
                received += part
        except ConnectionResetError:
            received += b"(reset)"
        sender.join(30)
    return received


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("pause_seconds", [0, 0.02])
@pytest.mark.parametrize(
    ("said", "body", "status", "kept"),
    [
        ("401 Unauthorized", b'{"error":{"message":"Invalid API key"}}', b"502", b"provider_rejected"),
        ("413 Payload Too Large", b'{"error":"too large"}', b"413", b'{"error":"too large"}'),
        ("200 OK", b'{"early":true}', b"200", b'{"early":true}'),
    ],
)
def test_an_early_response_arrives(
    ai: AiGateway, said: str, body: bytes, status: bytes, kept: bytes, pause_seconds: float, chunked: bool
) -> None:
    """Whole, although the caller still sends."""
    with _provider(ai, _respond_early(said, body)):
        received = _upload(ai, pause_seconds, chunked)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert kept in received
    assert b"(reset)" not in received


@pytest.mark.parametrize("chunked", [False, True])
def test_a_response_that_begins_early_takes_nothing_of_the_body(ai: AiGateway, chunked: bool) -> None:
    """The provider gets every byte, though the head of its response went to the caller first."""
    with _provider(ai, _counts):
        received = _upload(ai, 0, chunked)
    assert received.startswith(b"HTTP/1.1 200")
    counted = int(received.rpartition(b"\r\n0\r\n\r\n")[0].rpartition(b"\r\n")[2])
    assert counted >= SIZE
    assert b"(reset)" not in received
