"""An ASGI app called without a server, with the scope that the server would make."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True)
class AsgiResponse:
    """A response as the app sent it."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """The values of its ``Set-Cookie`` headers."""

    @property
    def text(self) -> str:
        return self.body.decode()


def scope_of(method: str, target: bytes, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """The ASGI scope of a request. ``target`` is the request target as on the wire."""
    raw_path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 3000),
    }


async def call(
    app: Any, method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> AsgiResponse:
    """Send one request. ``target`` is the request target as on the wire."""
    scope = scope_of(method, target, headers)
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    assert start["type"] == "http.response.start", sent
    named = {name.decode(): value.decode("latin-1") for name, value in start.get("headers", ())}
    cookies = tuple(value.decode() for name, value in start.get("headers", ()) if name == b"set-cookie")
    return AsgiResponse(start["status"], named, b"".join(part.get("body", b"") for part in sent[1:]), cookies)
