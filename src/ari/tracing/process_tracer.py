"""The tracer of one process: begun after the fork, ended within a bounded time."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode

from ari import __version__
from ari.base.served_request import note_waits_from
from ari.base.traces import Attributes, TraceHeaders
from ari.tracing import w3c
from ari.tracing.chosen_ids import ChosenIds
from ari.tracing.exporter import SpanQueue
from ari.tracing.own_warnings import report_failures
from ari.tracing.request_trace import OtelRequestTrace, write_ids
from ari.tracing.safe_values import clean_attributes, describe_error
from ari.tracing.sampling import Sampling

STOP_SECONDS = 2.0
"""The rest is lost: a collector that hangs must not hold up the end."""
_UNNAMED = "unknown_service"


class ProcessTracer:
    """Sends spans in batches from a thread of its own, so a collector never delays a request.

    The resource and the limits of spans come from OpenTelemetry's own variables. Of more spans
    than the queue holds, the rest is dropped. ``collector`` is the name of the receiver in the log.
    """

    def __init__(self, exporter: SpanExporter, sampling: Sampling, queue: SpanQueue, collector: str) -> None:
        self._sampling = sampling
        report_failures(collector)
        note_waits_from(0.0)
        self._ids = ChosenIds()
        self._provider = TracerProvider(
            ALWAYS_ON, resource=_make_resource(), shutdown_on_exit=False, id_generator=self._ids
        )
        self._provider.add_span_processor(_make_processor(exporter, queue))
        self._tracer = self._provider.get_tracer("ari", __version__)

    def begin_request(self, at_ms: int, parents: Sequence[bytes], states: Sequence[bytes]) -> OtelRequestTrace:
        """The trace of a request that came at ``at_ms``, with the lines of its ``traceparent`` and ``tracestate``."""
        return OtelRequestTrace(self._tracer, self._ids, self._sampling, at_ms, parents, states)

    @contextmanager
    def trace(
        self, name: str, attributes: Attributes | None = None, *, is_call: bool = False
    ) -> Iterator["WorkSpan | UnrecordedWork"]:
        """Record a piece of work as the root of a trace. An error is noted by its type.

        ``is_call``: it is a request to another service, which may continue the trace.
        """
        if not self._sampling.records_root():
            yield UnrecordedWork()
            return
        kind = SpanKind.CLIENT if is_call else SpanKind.INTERNAL
        span = self._tracer.start_span(name, Context(), kind, clean_attributes(attributes or {}))
        try:
            yield WorkSpan(span)
        except Exception as error:
            span.add_event("exception", describe_error(error))
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    def stop(self) -> None:
        """Send what is left, within ``STOP_SECONDS``."""
        sending = threading.Thread(target=self._provider.shutdown, name="ari traces", daemon=True)
        sending.start()
        sending.join(STOP_SECONDS)


class WorkSpan:
    """The span of a piece of work."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, attributes: Attributes, *, failed: bool = False) -> None:
        """Add attributes; ``failed``: the work failed without an error of its own."""
        self._span.set_attributes(clean_attributes(attributes))
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))

    def list_headers(self) -> TraceHeaders:
        """The headers that continue the trace in a request of this work."""
        return w3c.write_headers(*write_ids(self._span), None, is_sampled=True)


class UnrecordedWork:
    """Work that isn't sampled."""

    def note(self, attributes: Attributes, *, failed: bool = False) -> None:
        """Nothing is noted."""

    def list_headers(self) -> TraceHeaders:
        """A trace that nobody records, so that those who get the request don't begin one."""
        ids = w3c.make_id(w3c.TRACE_BITS), w3c.make_id(w3c.SPAN_BITS)
        return w3c.write_headers(*ids, None, is_sampled=False)


def _make_processor(exporter: SpanExporter, queue: SpanQueue) -> BatchSpanProcessor:
    return BatchSpanProcessor(
        exporter,
        max_queue_size=queue.spans,
        max_export_batch_size=queue.batch,
        schedule_delay_millis=queue.delay_ms,
    )


def _make_resource() -> Resource:
    found = Resource.create()
    own = {} if "service.version" in found.attributes else {"service.version": __version__}
    if str(found.attributes.get("service.name", _UNNAMED)).startswith(_UNNAMED):
        own["service.name"] = "ari"
    return found.merge(Resource(own))
