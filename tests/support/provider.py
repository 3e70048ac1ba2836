"""A stand-in for a provider on loopback: responds to the test call as the test says and remembers what it was sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Provider:
    """``status`` and ``body`` are what it responds; ``asked`` holds method, path and headers of every request."""

    port: int = 0
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def refuse(self, code: str = "invalid_api_key") -> None:
        """Respond as OpenAI does to a wrong key: its error repeats parts of it."""
        _, _, sent = self.asked[-1] if self.asked else ("", "", {"authorization": ""})
        message = f"Incorrect API key provided: {sent.get('authorization', '')}."
        self.status, self.body = 401, json.dumps({"error": {"message": message, "code": code}}).encode()


@contextmanager
def provider() -> Iterator[Provider]:
    """A running stand-in."""
    kept = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(kept.status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(kept.body)))
            self.end_headers()
            self.wfile.write(kept.body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing: a test looks at ``asked``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
