"""A stand-in for Resend's API: takes what the real one takes, refuses what it refuses, and can fail in its ways.

After https://resend.com/docs/api-reference/emails/send-email, …/errors and …/dashboard/emails/idempotency-keys; a test
drives it with Resend's own SDK.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Json = dict[str, Any]
Fault = Literal["rate", "quota", "500", "html", "silent", "taken_then_silent", "redirect", "busy"]

KEY = "re_StandIn1_7hQvT2mXk9WcZpL4sRbN8yGd"
DAY_SECONDS = 86_400
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
_SENDER = re.compile(rf"(?:{_ADDRESS.pattern}|[^<>\r\n]+ <{_ADDRESS.pattern}>)")
_STATUS = {
    "missing_api_key": 401,
    "invalid_from_address": 422,
    "missing_required_field": 422,
    "invalid_idempotency_key": 400,
    "invalid_idempotent_request": 409,
    "concurrent_idempotent_requests": 409,
    "rate_limit_exceeded": 429,
    "daily_quota_exceeded": 429,
    "internal_server_error": 500,
    "not_found": 404,
    "method_not_allowed": 405,
}


@dataclass
class Mail:
    """An email that was taken: it would be delivered."""

    id: str
    key: str | None
    fields: Json
    at: float


@dataclass
class StandIn:
    """The requests and emails it took; ``faults`` are used up one a request, ``now`` returns its time in seconds."""

    now: Callable[[], float] = lambda: 0.0
    verified: set[str] = field(default_factory=lambda: {"example.net"})
    own_address: str = "owner@example.com"
    faults: list[Fault] = field(default_factory=list)
    taken: list[Mail] = field(default_factory=list)
    requests: list[tuple[dict[str, str], Json]] = field(default_factory=list)
    url: str = ""
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, headers: dict[str, str], body: bytes) -> tuple[int, Json]:
        """The response to ``POST /emails``."""
        with self._mutex:
            try:
                fields = json.loads(body)
            except ValueError:
                fields = None
            self.requests.append((headers, fields if isinstance(fields, dict) else {}))
            return self._wrong(headers, fields) or self._take(headers.get("idempotency-key"), fields)

    def _wrong(self, headers: dict[str, str], fields: Any) -> tuple[int, Json] | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            return problem("missing_api_key", "Missing API Key")
        if token != KEY:
            return problem("validation_error", "API key is invalid", 401)
        if not headers.get("user-agent"):
            return problem("validation_error", "Forbidden", 403)
        if not isinstance(fields, dict) or "application/json" not in headers.get("content-type", ""):
            return problem("validation_error", "The request body is not JSON.", 400)
        for name in ("from", "to", "subject"):
            if not fields.get(name):
                return problem("missing_required_field", f"Missing `{name}` field.")
        if not fields.get("html") and not fields.get("text"):
            return problem("missing_required_field", "Missing `html` or `text` field.")
        return self._wrong_addresses(fields) or _wrong_key(headers.get("idempotency-key"))

    def _wrong_addresses(self, fields: Json) -> tuple[int, Json] | None:
        if not _SENDER.fullmatch(fields["from"]):
            return problem("invalid_from_address", "Invalid `from` field.")
        recipients = fields["to"] if isinstance(fields["to"], list) else [fields["to"]]
        if not 1 <= len(recipients) <= 50 or not all(_SENDER.fullmatch(one) for one in recipients):
            return problem("validation_error", "Invalid `to` field.", 422)
        host = fields["from"].rstrip(">").rpartition("@")[2]
        if host == "resend.dev" and recipients != [self.own_address]:
            return problem("validation_error", "You can only send testing emails to your own email address.", 403)
        if host not in self.verified | {"resend.dev"}:
            return problem("validation_error", f"The {host} domain is not verified.", 403)
        return None

    def _take(self, key: str | None, fields: Json) -> tuple[int, Json]:
        before = next((one for one in self.taken if key and one.key == key and self.now() - one.at < DAY_SECONDS), None)
        if before is not None:
            if before.fields != fields:
                return problem("invalid_idempotent_request", "This idempotency key was used with another payload.")
            return 200, {"id": before.id}
        self.taken.append(Mail(str(uuid.uuid4()), key, fields, self.now()))
        return 200, {"id": self.taken[-1].id}


def problem(name: str, message: str, status: int | None = None) -> tuple[int, Json]:
    """An error as Resend writes it."""
    code = status or _STATUS[name]
    return code, {"statusCode": code, "name": name, "message": message}


def _wrong_key(key: str | None) -> tuple[int, Json] | None:
    if key is None or 1 <= len(key) <= 256:
        return None
    return problem("invalid_idempotency_key", "The key must be between 1-256 chars.")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, made: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.made = made
        self.done = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/emails":
            self._respond(*problem("not_found", "The requested endpoint was not found."))
            return
        made = self.server.made
        fault = made.faults.pop(0) if made.faults else None
        if fault == "silent":
            self._fall_silent()
            return
        if fault in _PLAIN:
            status, extra = _PLAIN[fault]
            self._send(status, b"<html></html>", extra)
            return
        if fault in _FAULTS:
            self._respond(*_FAULTS[fault])
            return
        answered = made.ask({name.lower(): value for name, value in self.headers.items()}, body)
        if fault == "taken_then_silent":
            self._fall_silent()
        else:
            self._respond(*answered)

    def do_GET(self) -> None:
        self._respond(*problem("method_not_allowed", "Method is not allowed for the requested path."))

    def _fall_silent(self) -> None:
        self.server.done.wait(30)
        self.close_connection = True

    def _respond(self, status: int, said: Json) -> None:
        extra = {"content-type": "application/json"}
        if status == 429:
            extra |= {"retry-after": "7", "ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "7"}
        self._send(status, json.dumps(said).encode(), extra)

    def _send(self, status: int, body: bytes, extra: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**extra, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def stand_in(now: Callable[[], float] = lambda: 0.0) -> Iterator[StandIn]:
    """It serves on loopback until the block ends."""
    made = StandIn(now)
    server = _Server(made)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.done.set()
        server.shutdown()
        server.server_close()
        thread.join()


_PLAIN: dict[str | None, tuple[int, dict[str, str]]] = {
    "html": (502, {"content-type": "text/html"}),
    "redirect": (307, {"location": "http://127.0.0.1:1/elsewhere"}),
}
_FAULTS: dict[str | None, tuple[int, Json]] = {
    "rate": problem("rate_limit_exceeded", "Too many requests. You can only make 2 requests per second."),
    "quota": problem("daily_quota_exceeded", "You have reached your daily email sending quota."),
    "500": problem("internal_server_error", "Something went wrong."),
    "busy": problem("concurrent_idempotent_requests", "The same request is in progress."),
}
