"""The command ``ari``, with pages that reload once the server has restarted."""

import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from ari import server
from ari.cli.main import main

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]

PATH = "/_dev/started"
STARTED = secrets.token_hex(8)
"""Differs after each restart, and is the same in all workers."""
SCRIPT = f"""<script nonce="NONCE">
window.ariReload ??= setInterval(async () => {{
  try {{
    const response = await fetch("{PATH}");
    if (response.ok && (await response.text()) !== "{STARTED}") location.reload();
  }} catch {{ /* the server is restarting */ }}
}}, 500);
</script></body>"""
_NONCE = re.compile(rb"'nonce-([^']+)'")


def with_reload(app: App) -> App:
    """Add the script to every whole page, allowed by the nonce of the page's content security policy."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["path"] == PATH:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": STARTED.encode()})
        else:
            await app(scope, receive, _Page(send).send)

    return wrapped


class _Page:
    """Holds an HTML response until it is complete, and passes on everything else."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        nonce = _NONCE.search(dict(headers).get(b"content-security-policy", b""))
        if nonce:
            self._body = self._body.replace(b"</body>", SCRIPT.encode().replace(b"NONCE", nonce[1]))
        length = (b"content-length", str(len(self._body)).encode())
        await self._send({**start, "headers": [*headers, length]})
        await self._send({"type": "http.response.body", "body": self._body})


def _is_html(start: Message) -> bool:
    headers = dict(start["headers"])
    return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers


if __name__ == "__main__":
    build_app = server.build_app
    server.build_app = lambda *args: with_reload(build_app(*args))  # type: ignore[assignment]  # an ASGI app
    main()
