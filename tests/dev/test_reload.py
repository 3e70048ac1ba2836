"""The development server: whole pages get a script that reloads them after a restart; nothing else changes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from dev.server import PATH, STARTED, with_reload

pytestmark = pytest.mark.slow

Header = tuple[bytes, bytes]
POLICY = (b"content-security-policy", b"script-src 'nonce-abc' localhost/static/; connect-src 'self'")


def _respond(path: str, headers: Sequence[Header], *pieces: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """The response as the browser gets it, from these headers and pieces of a body."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(with_reload(app)({"type": "http", "path": path}, receive, send))
    return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def test_a_page_gets_the_script_with_its_own_nonce() -> None:
    """Also where the body comes in pieces; the length fits."""
    html = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"26"), POLICY]
    headers, body = _respond("/settings", html, b"<html><body>", b"Hello</body></html>")
    assert body.startswith(b'<html><body>Hello<script nonce="abc">')
    assert body.endswith(b"</script></body></html>")
    assert PATH.encode() in body
    assert STARTED.encode() in body
    assert headers[b"content-length"] == str(len(body)).encode()


def test_everything_else_passes_unchanged() -> None:
    """Fragments for htmx, JSON, and pages without a nonce."""
    fragment = [(b"content-type", b"text/html"), POLICY]
    assert _respond("/settings", fragment, b"<tr></tr>")[1] == b"<tr></tr>"
    json = [(b"content-type", b"application/json"), POLICY]
    assert _respond("/api/me", json, b'"</bo', b'dy>"') == (dict(json), b'"</body>"')
    assert _respond("/x", [(b"content-type", b"text/html")], b"<body></body>")[1] == b"<body></body>"


def test_the_script_learns_of_a_restart() -> None:
    """Each start has another text, which the app never sees."""
    assert _respond(PATH, [], b"the app") == ({b"content-type": b"text/plain"}, STARTED.encode())
