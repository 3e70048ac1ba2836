"""A local server that speaks like OpenAI, Anthropic, Gemini and Ollama, also when things go wrong.

The model's name says what happens: any name gets a good response; ``slow`` waits until the test opens ``gate``;
``hold`` sends one event, then waits; ``drip`` and ``flood`` send bytes without end, slowly or at once; ``broken``
breaks off in the middle; ``pings`` keeps a stream alive until the test opens ``gate``; ``fails`` reports an error in a
stream; ``no-options`` refuses ``stream_options``; ``429``, ``401``, and those that begin with a status and end with
``-key``, are errors, the latter with bodies that repeat the key; ``redirect``, ``gzip``, ``huge``, ``html``, ``loud``
are what they say. It takes the one key it was given. ``echo`` and what begins so repeat the key in good responses,
``401-scope`` is a 401 that does not mean the key.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.provider_answers import chat, message, response
from tests.support.provider_echo import echo
from tests.support.provider_formats import BAD_HEADERS, LIMITS, gemini_part

WAIT_SECONDS = 20


@dataclass
class Seen:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StandIn:
    """The running server. ``seen`` are its requests; ``hung_up`` is set when a caller left in the middle."""

    url: str
    key: str
    seen: list[Seen] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    sent_bytes: int = 0

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    def reset(self) -> None:
        """As at its start."""
        self.seen.clear()
        self.sent_bytes = 0
        for one in (self.gate, self.reached, self.hung_up):
            one.clear()


@contextmanager
def stand_in(key: str) -> Iterator[StandIn]:
    """Serve on loopback until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    found = StandIn(f"http://127.0.0.1:{server.server_address[1]}", key)
    server.stand_in = found  # type: ignore[attr-defined]  # for the handlers
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Silent."""

    def serve(self) -> None:
        own: StandIn = self.server.stand_in
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = self._read_body(headers)
        except (OSError, ValueError):
            own.hung_up.set()
            self.close_connection = True
            return
        own.seen.append(Seen(self.command, self.path, headers, body))
        asked = json.loads(body) if body[:1] == b"{" else {}
        model = str(asked.get("model") or self._model_in_path())
        if not self._knows_key(headers):
            self._error(401, f"Incorrect API key provided: {own.key[:8]}****{own.key[-4:]}.")
        elif not self._misbehave(asked, model, own):
            self._respond(asked, model, own)

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self._exactly(int(headers.get("content-length", 0)))
        found = b""
        while size := int(self.rfile.readline() or b"x", 16):
            found += self._exactly(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _exactly(self, size: int) -> bytes:
        found = self.rfile.read(size)
        if len(found) < size:
            raise ConnectionError
        return found

    def _model_in_path(self) -> str:
        return self.path.partition("/models/")[2].partition(":")[0].partition("?")[0]

    def _knows_key(self, headers: dict[str, str]) -> bool:
        key = self.server.stand_in.key
        given = (headers.get("x-api-key"), headers.get("x-goog-api-key"), headers.get("authorization"))
        return [one for one in given if one is not None] in ([key], [f"Bearer {key}"])

    def _misbehave(self, asked: dict[str, Any], model: str, own: StandIn) -> bool:
        """Whether the model's name requests something else than a good response."""
        if model.startswith("slow"):
            own.reached.set()
            own.gate.wait(WAIT_SECONDS)
            if model == "slow-429":
                self._error(429, "Rate limit reached.", LIMITS)
        elif model == "drip":
            self._pour(b": x\n\n", 0.05, own)
        elif model == "flood":
            self._pour(b"x" * 65_536, 0, own)
        elif model == "429":
            self._error(429, "Rate limit reached.", LIMITS)
        elif model == "401-scope":
            self._error(401, "You have insufficient permissions for this operation. Missing scopes: api.model.request.")
        elif model.startswith("echo"):
            echo(self, model, own.key)
        elif model == "401":
            self._error(401, f"Incorrect API key provided: {own.key}.")
        elif model.endswith("-key"):
            self._error(int(model[:3]), f"Something about {own.key}, or {own.key[4:20]} of it.")
        else:
            return self._be_strange(asked, model, own)
        return model != "slow"

    def _be_strange(self, asked: dict[str, Any], model: str, own: StandIn) -> bool:
        """Likewise, for a good response in an odd form."""
        if model == "redirect":
            self.send_body(307, b"", "text/plain", {"Location": f"{own.url}/elsewhere"})
        elif model == "gzip":
            self.send_body(200, gzip.compress(b'{"model":"gzip"}'), "application/json", {"Content-Encoding": "gzip"})
        elif model == "huge":
            self.send_body(200, b'{"model":"huge","data":"' + b"x" * 3_000_000 + b'"}', "application/json")
        elif model.startswith("no-options") and "stream_options" in asked:
            self._error(400, "Extra inputs are not permitted", param="stream_options")
        elif model == "pings":
            self._ping(own)
        elif model == "html":
            self.send_body(200, b"<script>document.title='ran'</script>", "text/html")
        elif model == "loud":
            self.send_body(200, b'{"model":"loud"}', "application/json", BAD_HEADERS | {"X-Request-Id": "req_theirs"})
        else:
            return False
        return True

    def _pour(self, piece: bytes, pause_seconds: float, own: StandIn) -> None:
        """Bytes without end, until nobody takes them."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while not own.gate.wait(pause_seconds):
                self.send_chunk(piece)
                own.sent_bytes += len(piece)
        except OSError:
            own.hung_up.set()
        self.close_connection = True

    def _respond(self, asked: dict[str, Any], model: str, own: StandIn) -> None:
        path, _, query = self.path.partition("?")
        chats = {"/chat/completions": chat, "/responses": response, "/messages": message}
        speak = next((one for ending, one in chats.items() if path.endswith(ending)), None)
        if speak is not None:
            told = speak(asked, model)
            if isinstance(told, list):
                self._events(told, model, own)
            else:
                self.send_json(told)
        elif path.endswith(":generateContent"):
            self.send_json(gemini_part(model, "Hello", 5))
        elif path.endswith(":streamGenerateContent"):
            parts = [gemini_part(model, text, count) for text, count in (("Hel", 1), ("lo", 5))]
            if "alt=sse" in query:
                self._events([f"data: {json.dumps(part)}\r\n\r\n" for part in parts], model, own)
            else:
                self.send_json(parts)
        elif path.endswith("/api/chat"):
            self._ollama(asked, model)
        elif path.endswith("/embeddings"):
            vector = [0.25, -0.5] * (500_000 if model == "large" else 1)
            data = [{"object": "embedding", "index": 0, "embedding": vector}]
            usage = {"prompt_tokens": 4, "total_tokens": 4}
            self.send_json({"object": "list", "model": model, "data": data, "usage": usage})
        elif path.endswith("/models"):
            self.send_json(
                {"object": "list", "data": [{"id": "gpt-x", "object": "model", "created": 1, "owned_by": "x"}]}
            )
        else:
            self.send_json({"path": self.path, "method": self.command})

    def _ollama(self, asked: dict[str, Any], model: str) -> None:
        line = {"model": model, "message": {"role": "assistant", "content": "Hello"}, "done": False}
        done = {**line, "done": True, "prompt_eval_count": 29, "eval_count": 25}
        if asked.get("stream") is False:
            self.send_json(done)
        else:
            lines = json.dumps(line) + "\n" + json.dumps(done) + "\n"
            self.send_body(200, lines.encode(), "application/x-ndjson")

    def _ping(self, own: StandIn) -> None:
        """A head, then comments of one line feed; a chunk of a chat only once the gate is open."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self.send_chunk(b": ping\n")
            self._wait_or_notice(own)
            self.send_chunk(b'\ndata: {"choices":[{"delta":{"content":"4"}}]}\n\ndata: [DONE]\n\n')
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            own.hung_up.set()
            self.close_connection = True

    def _events(self, events: list[str], model: str, own: StandIn) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number, event in enumerate(events):
                if model == "fails" and number == 2:
                    self.send_chunk(b'event: error\ndata: {"type":"error","error":{"message":"Overloaded"}}\n\n')
                    break
                if model == "broken" and number == 2:
                    self.send_chunk(event.encode()[:9])
                    self.close_connection = True
                    return
                # Cut in the middle, so that events come in parts.
                half = len(event) // 2
                self.send_chunk(event.encode()[:half])
                self.send_chunk(event.encode()[half:])
                if model == "hold" and number == 0:
                    own.reached.set()
                    self._wait_or_notice(own)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            own.hung_up.set()
            self.close_connection = True

    def _wait_or_notice(self, own: StandIn) -> None:
        """Until the gate opens; a caller who hangs up in the meantime ends it with an error."""
        self.connection.settimeout(0.02)
        try:
            for _ in range(WAIT_SECONDS * 50):
                if own.gate.is_set():
                    return
                try:
                    if self.connection.recv(1) == b"":
                        raise ConnectionError
                except TimeoutError:
                    continue
        finally:
            self.connection.settimeout(None)

    def send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def send_json(self, content: object) -> None:
        self.send_body(200, json.dumps(content).encode(), "application/json")

    def _error(
        self, status: int, message: str, headers: dict[str, str] | None = None, param: str | None = None
    ) -> None:
        error = {"type": "invalid_request_error", "message": message, "code": None, "param": param}
        content = {"type": "error", "error": error}
        self.send_body(status, json.dumps(content).encode(), "application/json", headers)

    def send_body(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except OSError:
            self.server.stand_in.hung_up.set()
            self.close_connection = True


for _verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler.serve)
