"""``ari.client`` when responses get lost: one key for each create, one deletion, no second verification."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from ari.client import AriClient, ConnectionFailed


class LossyProxy:
    """Forwards each request; as many responses as ``to_lose`` are dropped with their connection."""

    def __init__(self, url: str) -> None:
        self.to_lose = 0
        self.forwarded: list[str] = []
        proxy, upstream = self, httpx2.Client(base_url=url, trust_env=False)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                found = upstream.request(self.command, self.path, content=body, headers=headers)
                proxy.forwarded.append(f"{self.command} {self.path}")
                if proxy.to_lose:
                    proxy.to_lose -= 1
                    self.close_connection = True
                    return
                self.send_response(found.status_code)
                for name in ("content-type", "retry-after", "x-request-id"):
                    if name in found.headers:
                        self.send_header(name, found.headers[name])
                self.send_header("content-length", str(len(found.content)))
                self.end_headers()
                self.wfile.write(found.content)

            def do_GET(self) -> None:
                self._forward()

            def do_POST(self) -> None:
                self._forward()

            def do_DELETE(self) -> None:
                self._forward()

            def log_message(self, *_: object) -> None:
                """Nothing: a test looks at ``forwarded``."""

        self._upstream = upstream
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve: Callable[..., None] = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._upstream.close()


@pytest.fixture
def proxy(shared_owner: Any) -> Iterator[LossyProxy]:
    """In front of the shared server."""
    made = LossyProxy(shared_owner.url)
    yield made
    made.close()


@pytest.fixture
def client(shared_owner: Any, proxy: LossyProxy) -> Iterator[AriClient]:
    """A client behind the proxy, whose key has all scopes."""
    with AriClient(proxy.url, key=shared_owner.create_key("behind a lossy proxy", scopes=["*"])[1]) as made:
        yield made


def test_a_create_makes_one_key(client: AriClient, proxy: LossyProxy) -> None:
    """Twice processed, and the response is that of the first time."""
    proxy.to_lose = 1
    created = client.keys.create("created once")
    assert proxy.forwarded == ["POST /api/keys"] * 2
    assert [key.id for key in client.keys.list(text="created once")] == [created.key.id]
    assert client.verify(created.secret).valid


def test_a_rotation_makes_one_secret(client: AriClient, proxy: LossyProxy) -> None:
    """A second one would be refused, or retire a secret that nobody has seen."""
    key_id = client.keys.create("rotated once").key.id
    proxy.to_lose = 1
    rotated = client.keys.rotate(key_id)
    assert rotated.secret_number == 2
    assert client.verify(rotated.secret).valid


def test_a_deletion_is_done_once(client: AriClient, proxy: LossyProxy) -> None:
    """The second attempt finds nothing, which is what was wanted."""
    key_id = client.keys.create("deleted once").key.id
    client.keys.revoke(key_id)
    proxy.to_lose = 1
    client.keys.delete(key_id)
    assert proxy.forwarded[-2:] == [f"DELETE /api/keys/{key_id}"] * 2


def test_a_verification_is_sent_once(client: AriClient, proxy: LossyProxy) -> None:
    """It consumed a unit of a limit; another one would cost the caller a second."""
    created = client.keys.create("verified once", limits=[{"limit": 5, "window": "1h"}])
    proxy.to_lose = 1
    with pytest.raises(ConnectionFailed):
        client.verify(created.secret)
    assert proxy.forwarded[-1:] == ["POST /api/verify"]
    assert proxy.forwarded.count("POST /api/verify") == 1
    assert client.verify(created.secret).limits[0].remaining == 3
