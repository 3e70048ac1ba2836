"""A response that was logged also arrives (promise 2), even if the request's body comes late (RFC 9112 §9.6)."""

import socket
import time
from typing import Any

import pytest

_PIECE = 4_096


def _send_body_late(port: int, head: bytes, body: bytes) -> tuple[int, int, int]:
    """Status, announced length and received length of the response, when the body is sent 10 ms after the head."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        client.sendall(head)
        time.sleep(0.01)
        client.sendall(body)
        received = b""
        try:
            while b"\r\n\r\n" not in received or len(received) < _get_announced_bytes(received):
                chunk = client.recv(_PIECE)
                if not chunk:
                    break
                received += chunk
        except ConnectionResetError:
            pass
        head_bytes, _, content = received.partition(b"\r\n\r\n")
        return int(head_bytes.split()[1]), _get_announced_bytes(received) - len(head_bytes) - 4, len(content)


def _get_announced_bytes(received: bytes) -> int:
    head, _, _ = received.partition(b"\r\n\r\n")
    lines = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return len(head) + 4 + int(lines[0])


def _head(secret: str, method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"x-api-key: {secret}", *lines, "", ""]
    ).encode()


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_a_large_response_survives_a_late_body(shared_owner: Any, connection: str) -> None:
    """GET with a body that arrives after the response began, by its length and in chunks."""
    _, secret = shared_owner.create_key("k", scopes=["api:read"])
    port = shared_owner.server.port
    for _ in range(15):
        for framing, body in (
            ("content-length: 12", b"x" * 12),
            ("transfer-encoding: chunked", b"c\r\n" + b"x" * 12 + b"\r\n0\r\n\r\n"),
        ):
            head = _head(secret, "GET", "/api/openapi.json", framing, f"connection: {connection}")
            status, announced, got = _send_body_late(port, head, body)
            assert (status, got) == (200, announced)
            assert announced > 50_000


def test_a_refusal_arrives_although_the_body_is_large(shared_owner: Any) -> None:
    """413 and 401 come before the body; anyone who still sends it reads them."""
    _, secret = shared_owner.create_key("k", scopes=["keys:write"])
    port = shared_owner.server.port
    for key, wanted in ((secret, 413), ("ari_k_nonsense", 401)):
        head = _head(key, "POST", "/api/keys", "content-type: application/json", "content-length: 1000000")
        status, announced, got = _send_body_late(port, head, b"x" * 1_000_000)
        assert (status, got) == (wanted, announced)


def test_the_connection_serves_the_next_request(shared_owner: Any) -> None:
    """A body that was read after its response leaves the connection in order."""
    _, secret = shared_owner.create_key("k", scopes=["api:read"])
    with socket.create_connection(("127.0.0.1", shared_owner.server.port), timeout=20) as client:
        for _ in range(3):
            client.sendall(_head(secret, "GET", "/api/me", "content-length: 5") + b"hello")
            received = b""
            while b"\r\n\r\n" not in received or len(received) < _get_announced_bytes(received):
                received += client.recv(_PIECE)
            assert received.startswith(b"HTTP/1.1 200 ")
