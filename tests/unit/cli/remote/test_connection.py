"""Whatever responds at the URL of a remote instance, the command line says one sentence and keeps the key."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ari.base.errors import AriError, Conflict, Forbidden, Invalid, NotFound, RateLimited, Unavailable
from ari.cli import key_output
from ari.cli.chosen_instance import choose_remote
from ari.cli.remote.connection import Connection, RemoteFailed
from ari.cli.targets import open_remote
from tests.support.certificates import self_signed
from tests.support.ports import free_port

KEY = "ari_k_" + "7" * 49
Answer = tuple[int, dict[str, str], bytes]


class Stranger:
    """A server that sends the same response to everything and remembers the requests."""

    def __init__(self) -> None:
        self.response: Answer = (200, {"content-type": "application/json"}, b"{}")
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stranger.seen.append(
                    (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
                )
                status, headers, body = stranger.response
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "content-length" not in headers:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    found = Stranger()
    yield found
    found.server.shutdown()
    found.server.server_close()


def get(url: str) -> dict[str, Any]:
    with Connection(url, KEY) as opened:
        return opened.get("keys", "a/b", text="x y", flag=True, none=None)


def refuse(url: str, kind: type[AriError], call: Callable[[str], Any] = get) -> str:
    with pytest.raises(kind) as refused:
        call(url)
    sentence = str(refused.value)
    assert KEY not in sentence
    assert "\n" not in sentence
    assert sentence.isprintable()
    return sentence


def problem(status: int, code: str, detail: str, **more: Any) -> Answer:
    document = {"status": status, "code": code, "detail": detail, **more}
    return status, {"content-type": "application/problem+json", "retry-after": "77"}, json.dumps(document).encode()


def test_a_request_has_the_key_and_exact_path(stranger: Stranger) -> None:
    """Names are data: a slash in one doesn't name another route."""
    assert get(stranger.url) == {}
    [(method, path, headers)] = stranger.seen
    assert (method, path) == ("GET", "/api/keys/a%2Fb?text=x%20y&flag=true")
    assert headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_be_another_path_is_not_found(stranger: Stranger, name: str) -> None:
    """No request is sent."""

    def read(url: str) -> None:
        with Connection(url, KEY) as opened:
            opened.get("presets", name)

    refuse(stranger.url, NotFound, read)
    assert stranger.seen == []


@pytest.mark.parametrize(
    ("response", "kind", "said"),
    [
        (problem(401, "expired", "This key expired."), RemoteFailed, "refused the key: This key expired."),
        (problem(403, "insufficient_scope", "This key needs the scope “keys:read”."), Forbidden, "needs the scope"),
        (problem(404, "not_found", "No such API key."), NotFound, "No such API key."),
        (problem(409, "key_active", "Only inactive keys."), Conflict, "Only inactive keys."),
        (problem(429, "rate_limited", "Too many requests."), RateLimited, "Too many requests."),
        (problem(503, "unavailable", "ARI can't decide."), Unavailable, "ARI can't decide."),
        (problem(500, "internal", "Something failed."), RemoteFailed, "Something failed."),
        (
            problem(422, "invalid", "See errors.", errors=[{"location": "name", "message": "Enter a name."}]),
            Invalid,
            "Enter a name.",
        ),
        ((200, {"content-type": "text/html"}, b"<html>"), RemoteFailed, "doesn't respond like ARI"),
        ((404, {"content-type": "text/html"}, b"<html>"), RemoteFailed, "doesn't respond like ARI"),
        ((200, {"content-type": "application/json"}, b'{"items": ['), RemoteFailed, "valid JSON"),
        ((200, {"content-type": "application/json"}, b"[1]"), RemoteFailed, "another shape"),
        ((200, {"content-type": "application/json"}, b"\xff"), RemoteFailed, "doesn't respond like ARI"),
        ((302, {"location": "https://evil.example/"}, b""), RemoteFailed, "redirects to https://evil.example"),
        (problem(404, "not_found", "\x1b[2Jgone\u202e"), NotFound, "gone"),
    ],
)
def test_each_response_becomes_one_sentence(
    stranger: Stranger, response: Answer, kind: type[AriError], said: str
) -> None:
    """Problem details as on a data directory; anything else names the URL."""
    stranger.response = response
    assert said in refuse(stranger.url, kind)


def test_a_redirect_never_gets_the_key(stranger: Stranger) -> None:
    """Not even to another port of this machine."""
    other = Stranger()
    stranger.response = (307, {"location": f"{other.url}/api/keys"}, b"")
    refuse(stranger.url, RemoteFailed)
    assert other.seen == []
    other.server.shutdown()
    other.server.server_close()


def test_nobody_listens() -> None:
    """The sentence names the URL."""
    url = f"http://127.0.0.1:{free_port()}"
    assert url in refuse(url, RemoteFailed)


def test_silence_ends() -> None:
    """A server that accepts and never responds; a change may have been made."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        def send(url: str, method: str, *parts: str) -> None:
            with Connection(url, KEY, timeout_seconds=0.05, retries=0) as opened:
                opened.send(method, "keys", *parts)

        assert "changed" not in refuse(url, RemoteFailed, lambda url: send(url, "GET"))
        revoked = refuse(url, RemoteFailed, lambda url: send(url, "POST", "key_1", "revoke"))
        assert revoked.endswith("Whether anything was changed is unknown.")


def test_an_untrusted_certificate_gets_no_request(stranger: Stranger, tmp_path: Any) -> None:
    """TLS is always verified."""
    certificate = self_signed(tmp_path / "certificate.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stranger.server.socket = context.wrap_socket(stranger.server.socket, server_side=True)
    url = stranger.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
    assert "certificate" in refuse(url, RemoteFailed).lower()
    assert stranger.seen == []


def test_proxies_of_the_environment_get_no_plain_request(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to this machine stays on it."""
    proxy = Stranger()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    get(stranger.url)
    assert (len(stranger.seen), proxy.seen) == (1, [])
    proxy.server.shutdown()
    proxy.server.server_close()


def test_pages_are_read_to_their_end(stranger: Stranger) -> None:
    """At most as many items as wanted."""
    pages: list[dict[str, Any]] = [
        {"items": [{"id": 1}, {"id": 2}], "next_cursor": "c"},
        {"items": [{"id": 3}], "next_cursor": None},
    ]
    sizes = []
    with Connection(stranger.url, KEY) as opened:
        for limit in (None, 2, 3):
            stranger.seen.clear()
            responses = iter(pages)

            def read(*_: str, responses: Iterator[dict[str, Any]] = responses, **__: Any) -> dict[str, Any]:
                return next(responses)

            opened.get = read  # type: ignore[method-assign]  # pages without a server
            sizes.append(len(opened.list_items("keys", limit=limit)))
    assert sizes == [3, 2, 3]


@pytest.mark.parametrize(
    "page", [{"items": [], "next_cursor": "A"}, {"items": [{}], "next_cursor": "A"}, {"items": [], "next_cursor": 5}]
)
def test_a_list_without_end_is_refused(stranger: Stranger, page: dict[str, Any]) -> None:
    """After a page that was there already."""
    stranger.response = (200, {"content-type": "application/json"}, json.dumps(page).encode())

    def read(url: str) -> None:
        with Connection(url, KEY) as opened:
            opened.list_items("keys")

    assert "doesn't respond like ARI" in refuse(stranger.url, RemoteFailed, read)
    assert len(stranger.seen) <= 3


@pytest.mark.parametrize(
    "body",
    [{}, {"items": None, "next_cursor": None}, {"items": "abc", "next_cursor": None}, {"items": [{"id": 5}]}],
)
def test_json_of_another_shape_is_not_of_ari(
    stranger: Stranger, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with the URL, in place of an unexpected error."""
    monkeypatch.setenv("ARI_KEY", KEY)
    stranger.response = (200, {"content-type": "application/json"}, json.dumps(body).encode())
    choose_remote(stranger.url, None)

    def read(_: str) -> None:
        with open_remote() as target:
            key_output.show_list(target, target.keys.list_by("created"), False)

    try:
        assert "doesn't respond like ARI" in refuse(stranger.url, RemoteFailed, read)
    finally:
        monkeypatch.delenv("ARI_URL", raising=False)
        choose_remote(None, None)
