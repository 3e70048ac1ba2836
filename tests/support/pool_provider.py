"""A local provider that accepts several keys and responds to each as the test says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_DONE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@dataclass
class PoolProvider:
    """``responses`` has the status and headers for a key; other keys get a good response. ``used`` lists the keys of
    the requests in their order, and ``bodies`` what they sent. ``limited_model`` is the only model that gets such a
    response, if it is set. ``on_request`` runs before each response. ``usage`` is JSON text in place of the usage that
    a good response reports."""

    url: str
    responses: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    limited_model: str | None = None
    on_request: Any = None
    usage: str | None = None

    def limit(self, *keys: str, **headers: str) -> None:
        """Respond to these keys with 429 and these headers, whose ``_`` are hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.responses |= dict.fromkeys(keys, (429, sent))

    def reject(self, *keys: str) -> None:
        """Respond to these keys with 401."""
        self.responses |= dict.fromkeys(keys, (401, {}))


@contextmanager
def pool_provider() -> Iterator[PoolProvider]:
    """Serve on loopback until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    found = PoolProvider(f"http://127.0.0.1:{server.server_address[1]}")
    server.provider = found  # type: ignore[attr-defined]  # for the handlers
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Silent."""

    def serve(self) -> None:
        own: PoolProvider = self.server.provider
        key = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        own.bodies.append(self.rfile.read(int(self.headers.get("content-length") or 0)))
        own.used.append(key)
        if own.on_request is not None:
            own.on_request(key)
        status, headers = own.responses.get(key, (200, {}))
        if own.limited_model is not None and f'"{own.limited_model}"'.encode() not in own.bodies[-1]:
            status, headers = 200, {}
        body = _DONE if status == 200 else {"error": {"message": "No.", "type": "error", "code": _code(status)}}
        text = json.dumps(body)
        if own.usage is not None:
            text = text.replace(json.dumps(_DONE["usage"]), own.usage)
        self._send(status, headers, text.encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = serve  # noqa: N815 - the library's names


def _code(status: int) -> str:
    return "invalid_api_key" if status == 401 else "rate_limit_exceeded"
