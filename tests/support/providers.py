"""A local server that speaks like OpenAI, Anthropic and Gemini, also when things go wrong.

The model that a request names says what happens: any name answers well; ``slow`` waits until the test opens ``gate``;
``hold`` sends one event, then waits; ``drip`` and ``flood`` send bytes without end, slowly or at once; ``broken``
breaks off in the middle; ``429``, ``401``, and those that begin with a status and end with ``-key``, are errors, the
latter with bodies that repeat the key; ``redirect``, ``gzip``, ``huge``, ``html``, ``loud`` are what they say. It takes
the one key it was given. ``echo`` and what begins so repeat the key in good responses, ``401-scope`` is a 401 that
does not mean the key.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.provider_echo import echo

WAIT_SECONDS = 20
BAD_HEADERS = {
    "Set-Cookie": "session=1",
    "Location": "https://evil.example/",
    "Clear-Site-Data": '"*"',
    "Link": "</x>; rel=preload",
    "Refresh": "0; url=https://evil.example/",
    "Service-Worker-Allowed": "/",
    "Access-Control-Allow-Origin": "*",
    "Strict-Transport-Security": "max-age=1",
    "Alt-Svc": 'h3=":443"',
    "Openai-Organization": "org-private",
    "Content-Security-Policy": "default-src *",
    "Cache-Control": "public, max-age=600",
}
LIMITS = {"retry-after": "7", "retry-after-ms": "1", "x-ratelimit-remaining-requests": "0", "x-should-retry": "true"}


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
        elif not self._misbehave(model, own):
            self._answer(asked, model, own)

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

    def _misbehave(self, model: str, own: StandIn) -> bool:
        """Whether the model's name asked for something else than a good answer."""
        if model == "slow":
            own.reached.set()
            own.gate.wait(WAIT_SECONDS)
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
            return self._be_strange(model, own)
        return model != "slow"

    def _be_strange(self, model: str, own: StandIn) -> bool:
        """Likewise, where it is a good answer in an odd form."""
        if model == "redirect":
            self._send(307, b"", "text/plain", {"Location": f"{own.url}/elsewhere"})
        elif model == "gzip":
            self._send(200, gzip.compress(b'{"model":"gzip"}'), "application/json", {"Content-Encoding": "gzip"})
        elif model == "huge":
            self._send(200, b'{"model":"huge","data":"' + b"x" * 3_000_000 + b'"}', "application/json")
        elif model == "html":
            self._send(200, b"<script>document.title='ran'</script>", "text/html")
        elif model == "loud":
            self._send(200, b'{"model":"loud"}', "application/json", BAD_HEADERS | {"X-Request-Id": "req_theirs"})
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
                self._chunk(piece)
                own.sent_bytes += len(piece)
        except OSError:
            own.hung_up.set()
        self.close_connection = True

    def _answer(self, asked: dict[str, Any], model: str, own: StandIn) -> None:
        path, _, query = self.path.partition("?")
        if path.endswith("/chat/completions"):
            self._chat(asked, model, own)
        elif path.endswith("/responses"):
            self._response(asked, model, own)
        elif path.endswith("/messages"):
            self._message(asked, model, own)
        elif path.endswith(":generateContent"):
            self._json(_gemini(model, "Hello", 5))
        elif path.endswith(":streamGenerateContent"):
            parts = [_gemini(model, text, count) for text, count in (("Hel", 1), ("lo", 5))]
            if "alt=sse" in query:
                self._events([f"data: {json.dumps(part)}\r\n\r\n" for part in parts], model, own)
            else:
                self._json(parts)
        elif path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
            usage = {"prompt_tokens": 4, "total_tokens": 4}
            self._json({"object": "list", "model": model, "data": data, "usage": usage})
        elif path.endswith("/models"):
            self._json({"object": "list", "data": [{"id": "gpt-x", "object": "model", "created": 1, "owned_by": "x"}]})
        else:
            self._json({"path": self.path, "method": self.command})

    def _chat(self, asked: dict[str, Any], model: str, own: StandIn) -> None:
        tools = asked.get("tools")
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
        message: dict[str, Any] = {"role": "assistant", "content": None if tools else "Hello"}
        if tools:
            message["tool_calls"] = [call]
        reason = "tool_calls" if tools else "stop"
        usage = {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "total_tokens": 18,
            "prompt_tokens_details": {"cached_tokens": 3},
        }
        head = {"id": "chatcmpl-1", "created": 1, "model": model}
        if not asked.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            self._json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
            return
        telling = (asked.get("stream_options") or {}).get("include_usage") is True
        head["object"] = "chat.completion.chunk"
        pieces: list[dict[str, Any]] = [{"role": "assistant"}, {"content": "Hel"}, {"content": "lo"}]
        if tools:
            pieces = [{"role": "assistant", "tool_calls": [{"index": 0, **call}]}]
        chunks = [{**head, "choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in pieces]
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if telling:
            chunks = [{**chunk, "usage": None} for chunk in chunks] + [{**head, "choices": [], "usage": usage}]
        self._events([f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"], model, own)

    def _response(self, asked: dict[str, Any], model: str, own: StandIn) -> None:
        text = {"type": "output_text", "text": "Hello", "annotations": []}
        item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
        usage = {
            "input_tokens": 21,
            "input_tokens_details": {"cached_tokens": 8},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 30,
        }
        whole = {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": model,
            "status": "completed",
            "output": [item],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
        if not asked.get("stream"):
            self._json({**whole, "usage": usage})
            return
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        delta = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hello", "logprobs": []}
        events = [
            {"type": "response.created", "sequence_number": 0, "response": begun},
            {"type": "response.output_text.delta", "sequence_number": 1, **delta},
            {"type": "response.completed", "sequence_number": 2, "response": {**whole, "usage": usage}},
        ]
        self._events([_named(event) for event in events], model, own)

    def _message(self, asked: dict[str, Any], model: str, own: StandIn) -> None:
        tools = asked.get("tools")
        use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
        content = [use] if tools else [{"type": "text", "text": "Hello"}]
        usage = {
            "input_tokens": 10,
            "cache_read_input_tokens": 30,
            "cache_creation_input_tokens": 2,
            "output_tokens": 6,
        }
        reason = "tool_use" if tools else "end_turn"
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}
        if not asked.get("stream"):
            self._json({**head, "content": content, "stop_reason": reason, "usage": usage})
            return
        begun: dict[str, Any] = {**head, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
        ended = {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 6}}
        block = {"index": 0, "content_block": {"type": "text", "text": ""}}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": begun},
            {"type": "content_block_start", **block},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", **ended},
            {"type": "message_stop"},
        ]
        self._events([_named(event) for event in events], model, own)

    def _events(self, events: list[str], model: str, own: StandIn) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number, event in enumerate(events):
                if model == "broken" and number == 2:
                    self._chunk(event.encode()[:9])
                    self.close_connection = True
                    return
                # Cut in the middle, so that events come in parts.
                half = len(event) // 2
                self._chunk(event.encode()[:half])
                self._chunk(event.encode()[half:])
                if model == "hold" and number == 0:
                    own.reached.set()
                    self._wait_or_notice(own)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            own.hung_up.set()
            self.close_connection = True

    def _wait_or_notice(self, own: StandIn) -> None:
        """Until the gate opens; a caller who hangs up meanwhile ends it with an error."""
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

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), "application/json")

    def _error(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        content = {"type": "error", "error": {"type": "invalid_request_error", "message": message, "code": None}}
        self._send(status, json.dumps(content).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.server.stand_in.hung_up.set()
            self.close_connection = True


for _verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler.serve)


def _named(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _gemini(model: str, text: str, output: int) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    usage = {
        "promptTokenCount": 12,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 14 + output,
    }
    return {"candidates": [{"content": content, "index": 0}], "modelVersion": model, "usageMetadata": usage}
