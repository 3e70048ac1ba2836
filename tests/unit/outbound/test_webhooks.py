"""Requests to webhooks' URLs, with real receivers on this machine: silent, redirecting, endless, and private ones."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ari.outbound.webhooks import HttpWebhookSender, Posted


@contextmanager
def receiver(response: bytes | None) -> Iterator[tuple[int, list[bytes]]]:
    """A receiver that reads one request and responds with these bytes; ``None`` for silence."""
    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                taken.append(connection.recv(65_536))
                if response is not None:
                    connection.sendall(response)
                connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], taken
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _post(url: str, *, private: bool = True, seconds: float = 5.0) -> Posted:
    sender = HttpWebhookSender()
    return asyncio.run(sender.post(url, [("x-test", "1")], b"{}", private=private, within_seconds=seconds))


def test_only_the_status_is_read() -> None:
    """A body without end is left unread, and what it says is kept nowhere."""
    with receiver(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nsecret") as (port, taken):
        assert _post(f"http://127.0.0.1:{port}/hook?a=b") == Posted(200)
    assert taken[0].startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert b"x-test: 1" in taken[0].lower()


def test_redirects_are_not_followed() -> None:
    """The event would go where nobody checked."""
    with receiver(b"HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n") as (port, _):
        assert _post(f"http://127.0.0.1:{port}/").status == 307


def test_a_silent_receiver_ends_in_time() -> None:
    """It holds one task for the time limit."""
    with receiver(None) as (port, _):
        assert _post(f"http://127.0.0.1:{port}/", seconds=0.2) == Posted(None, "No response in time.")


def test_waits_are_bounded() -> None:
    """An hour at most, whatever the receiver asks."""
    with receiver(b"HTTP/1.1 429 X\r\nretry-after: 999999\r\ncontent-length: 0\r\n\r\n") as (port, _):
        assert _post(f"http://127.0.0.1:{port}/") == Posted(429, None, 3600.0)


def test_garbage_is_no_response() -> None:
    """Another protocol on that port."""
    with receiver(b"SSH-2.0-OpenSSH\r\n\r\n") as (port, _):
        assert _post(f"http://127.0.0.1:{port}/").status is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"])
def test_private_addresses_need_the_owner(host: str) -> None:
    """Checked at the connection, so a name that leads to one is refused too; link-local ones always."""
    assert "isn't allowed" in (_post(f"http://{host}:9/", private=False).fault or "")
    if host.startswith("169"):
        assert "isn't allowed" in (_post(f"http://{host}:9/", private=True).fault or "")
