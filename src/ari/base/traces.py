"""Ports of tracing: what records spans where it is turned on. ``ari.tracing`` implements them with OpenTelemetry.

No text in a span comes from a caller unless it is cut, bounded and free of secrets; prompts, names of people and
keys, addresses of clients, paths and queries are never in one.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import msgspec

Attributes = Mapping[str, str | int | float | bool | Sequence[str] | None]
"""Of a span; ``None`` is left out."""
TraceHeaders = Sequence[tuple[str, str]]
SECRET_VARIABLES = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
"""They often have the collector's credential."""


class AiCall(msgspec.Struct, frozen=True):
    """A call of an AI provider. ``path`` is below ``base_url``; ``body`` is the request's, ``None`` if it streams.

    ``is_own``: the owner named the address, so the caller's ``tracestate`` may go there.
    """

    provider: str
    base_url: str
    method: str
    path: str
    model: str | None
    body: bytes | None
    is_own: bool


class AiResult(msgspec.Struct, frozen=True):
    """The outcome of a call; ``status`` is the provider's, ``None`` without a response.

    ``finish_reasons`` are the provider's words, one for each choice, and ``response_id`` is its ID.
    """

    status: int | None
    ended: str
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_written_tokens: int | None = None
    reasoning_tokens: int | None = None
    response_id: str | None = None
    finish_reasons: Sequence[str] = ()
    first_byte_ms: float | None = None


class RequestTrace(Protocol):
    """The trace of one request."""

    is_recording: bool
    """Whether spans are or may be recorded; otherwise it only passes the caller's trace on."""
    is_continued: bool
    """Whether it continues the trace of its caller; known after ``decide``."""

    def decide(self, name: str, *, is_trusted: bool) -> None:
        """Begin the request's span, unless it isn't recorded. Without trust, its trace is a new one."""

    def find_ids(self) -> tuple[str, str] | None:
        """The ids of the trace and of the request's span, for the log.

        Before ``decide`` they are unknown (``None``) if the caller sent a trace, which may be continued.
        """

    def finish(self, attributes: Attributes, *, failed: bool) -> None:
        """End the request's span with its steps."""

    def add(self, name: str, began: float, attributes: Attributes | None = None) -> None:
        """Add a step that ends now; ``began`` is in seconds of ``perf_counter``."""

    def add_exception(self, error: BaseException) -> None:
        """Add an error by its type and place, without its message."""

    def begin_call(self, call: AiCall) -> TraceHeaders:
        """Begin a call of a provider; returns the headers to send. It ends the call before it, which failed."""

    def end_call(self, result: AiResult) -> None:
        """End the call."""


class WorkTrace(Protocol):
    """Work outside a request."""

    def note(self, attributes: Attributes, *, failed: bool = False) -> None:
        """Add attributes; ``failed``: the work failed without an error of its own."""

    def list_headers(self) -> TraceHeaders:
        """The headers that continue the trace in a request of this work."""


class Tracer(Protocol):
    """Records what this process does."""

    def begin_request(self, at_ms: int, parents: Sequence[bytes], states: Sequence[bytes]) -> RequestTrace:
        """The trace of a request that came at ``at_ms``, with the lines of its ``traceparent`` and ``tracestate``."""

    def trace(
        self, name: str, attributes: Attributes | None = None, *, is_call: bool = False
    ) -> AbstractContextManager[WorkTrace]:
        """Record a piece of work as the root of a trace. An error is noted by its type.

        ``is_call``: it is a request to another service, which may continue the trace.
        """


class _NoSpan:
    """For work that isn't recorded."""

    def note(self, attributes: Attributes, *, failed: bool = False) -> None:
        """Nothing is noted."""

    def list_headers(self) -> TraceHeaders:
        """None."""
        return ()


_NO_WORK = nullcontext(_NoSpan())


def trace_work(
    tracer: Tracer | None, name: str, attributes: Attributes | None = None, *, is_call: bool = False
) -> AbstractContextManager[WorkTrace]:
    """Record a piece of work, where tracing is on."""
    return _NO_WORK if tracer is None else tracer.trace(name, attributes, is_call=is_call)
