"""The API that a proxy protects: repeats requests as JSON, streams, upgrades to a WebSocket, and counts what came."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WAIT_SECONDS = 20
FIRST_PIECE, LAST_PIECE = b"first\n", b"last\n"
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


@dataclass(frozen=True)
class Received:
    """A request that reached the upstream; ``headers`` are its lines, in order and as sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body_length: int
    body_sha256: str

    def values(self, name: str) -> list[str]:
        """The values of every line with this name."""
        return [value for line, value in self.headers if line.lower() == name.lower()]

    @property
    def identity(self) -> list[tuple[str, str]]:
        """Lines that an app might take for ARI's: CGI and WSGI make no difference between ``-`` and ``_``."""
        return [(name, value) for name, value in self.headers if name.lower().replace("_", "-").startswith("x-ari-")]


@dataclass
class Upstream:
    """``GET /stream`` sends its second piece only when ``gate`` is set; an upgrade echoes bytes."""

    port: int
    received: list[Received] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def last(self) -> Received:
        return self.received[-1]

    def targets(self) -> list[str]:
        """The targets of all requests that came, oldest first."""
        return [one.target for one in list(self.received)]

    def reset(self) -> None:
        """Forget all requests and close the gate."""
        self.received.clear()
        self.gate.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    upstream: Upstream

    def handle_error(self, *_: object) -> None:
        """Callers that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Any method is handled alike; the base class looks for ``do_GET`` and the like."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _handle(self) -> None:
        body = self._read_body()
        digest = hashlib.sha256(body).hexdigest()
        received = Received(self.command, self.path, tuple(self.headers.items()), len(body), digest)
        self.server.upstream.received.append(received)
        if self.headers.get("upgrade", "").lower() == "websocket":
            self._echo()
        elif self.path.startswith("/stream"):
            self._stream()
        else:
            self._respond(received)

    def _read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Trailers."""
        return body

    def _respond(self, received: Received) -> None:
        facts = {"method": received.method, "target": received.target, "body_length": received.body_length}
        content = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(FIRST_PIECE), FIRST_PIECE))
        self.server.upstream.gate.wait(WAIT_SECONDS)
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(LAST_PIECE), LAST_PIECE))

    def _echo(self) -> None:
        digest = hashlib.sha1((self.headers["sec-websocket-key"] + WEBSOCKET_GUID).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        while piece := self.connection.recv(65_536):
            self.connection.sendall(piece)

    def log_message(self, *_: object) -> None:
        """Nothing: a test looks at ``received``."""


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """An upstream on a free port of 127.0.0.1."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = Upstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.upstream
    finally:
        server.upstream.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
