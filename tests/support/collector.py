"""A stand-in for an OpenTelemetry collector: it takes spans over OTLP/HTTP and parses them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.processes import eventually

HANG_SECONDS = 60


@dataclass(frozen=True)
class SentSpan:
    """A span as it arrived; ids are hexadecimal, ``parent`` is empty for a root. ``resource`` describes its process."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    start_ns: int
    end_ns: int
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]
    links: list[tuple[str, str]]
    events: list[dict[str, Any]]
    state: str


@dataclass
class Collector:
    """``status`` is what it responds with; ``hangs`` keeps requests open until ``release`` is set."""

    url: str = ""
    status: int = 200
    hangs: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spans(self) -> list[SentSpan]:
        """All spans that arrived."""
        return [span for body in list(self.bodies) for span in parse_spans(body)]

    def wait_for(self, name: str, count: int = 1) -> list[SentSpan]:
        """The spans with this name, once there are so many."""

        def find() -> list[SentSpan] | None:
            found = [span for span in self.spans if span.name == name]
            return found if len(found) >= count else None

        found = eventually(find)
        assert found is not None
        return found


def parse_spans(body: bytes) -> list[SentSpan]:
    """The spans of one OTLP request."""
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return [
        SentSpan(
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.kind,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            span.status.code == 2,
            _read(span.attributes),
            _read(group.resource.attributes),
            [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
            [{"name": event.name, **_read(event.attributes)} for event in span.events],
            span.trace_state,
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _read(attributes: Any) -> dict[str, Any]:
    return {one.key: _read_value(one.value) for one in attributes}


def _read_value(given: Any) -> Any:
    found = getattr(given, given.WhichOneof("value"))
    return [_read_value(one) for one in found.values] if given.HasField("array_value") else found


class _Handler(BaseHTTPRequestHandler):
    collector: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        own = self.collector
        own.reached.set()
        if own.hangs:
            own.release.wait(HANG_SECONDS)
        if own.status == 200:
            own.headers.append({name.lower(): value for name, value in self.headers.items()})
            own.bodies.append(body)
        self.send_response(own.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Start one on a free port."""
    collector = Collector()
    handler = type("Handler", (_Handler,), {"collector": collector})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def settings_for(collector: Collector, **more: str) -> dict[str, str | None]:
    """The environment of a server that sends its traces there, at once."""
    return {
        "ARI_TRACES": "on",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        **more,
    }
