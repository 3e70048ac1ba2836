"""The spans of one request. They are made when the request ends, except what a call of a provider has to send on.

Whether a caller's trace is continued is decided after its key: ``decide`` continues that of a caller with a valid key
or session, and only links to that of a stranger, who could otherwise have all requests recorded.
"""

from collections.abc import Sequence
from time import perf_counter

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from ari.base.traces import AiCall, AiResult, Attributes, TraceHeaders
from ari.tracing import w3c
from ari.tracing.ai_call import describe_call, describe_result, find_error, find_model, name_call
from ari.tracing.ai_parameters import describe_parameters, read_members
from ari.tracing.chosen_ids import ChosenIds
from ari.tracing.safe_values import clean_attributes, describe_error
from ari.tracing.sampling import Sampling

_NANO = 1_000_000_000
_MAX_STEPS = 100
"""Of one request: a batch of verifications has as many lookups."""
_ROOT = Context()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OtelRequestTrace:
    """Belongs to one request, which came at ``at_ms``. ``parents`` and ``states`` are the lines of its headers.

    ``is_recording``: spans are or may be recorded; otherwise it only passes the caller's trace on.
    """

    __slots__ = (
        "_at_ns",
        "_began",
        "_call_span",
        "_chosen",
        "_context",
        "_ids",
        "_is_decided",
        "_is_trusted",
        "_parents",
        "_records_root",
        "_sampling",
        "_span",
        "_states",
        "_steps",
        "_tracer",
        "is_continued",
        "is_recording",
    )

    def __init__(
        self,
        tracer: Tracer,
        chosen: ChosenIds,
        sampling: Sampling,
        at_ms: int,
        parents: Sequence[bytes],
        states: Sequence[bytes],
    ) -> None:
        self._tracer = tracer
        self._chosen = chosen
        self._sampling = sampling
        self._parents = parents
        self._states = states
        self._records_root = records = sampling.records_root()
        self.is_recording = records or (len(parents) == 1 and sampling.may_record_child(parents[0]))
        self._is_trusted = self._is_decided = self.is_continued = False
        self._ids: tuple[str, str] | None = None
        self._call_span: trace.Span | None = None
        if self.is_recording:
            self._at_ns = at_ms * 1_000_000
            self._began = perf_counter()
            self._span: trace.Span | None = None
            self._context = _ROOT
            self._steps: list[tuple[str, int, int, Attributes | None]] = []

    def decide(self, name: str, *, is_trusted: bool) -> None:
        """Begin the request's span, unless it isn't recorded. Without trust, its trace is a new one."""
        self._is_trusted, self._is_decided = is_trusted, True
        if not self.is_recording:
            return
        parent, links, context = w3c.parse_parent(self._parents), list[Link](), _ROOT
        if parent is None or not is_trusted:
            self.is_recording = self._records_root
        else:
            self.is_recording = self._sampling.records_child(parent)
        if not self.is_recording:
            return
        if parent is not None:
            ids = int(parent.trace_id, 16), int(parent.span_id, 16)
            if is_trusted:
                remote = SpanContext(*ids, True, _SAMPLED, w3c.parse_state(self._states))
                context = trace.set_span_in_context(NonRecordingSpan(remote), _ROOT)
                self.is_continued = True
            else:
                links = [Link(SpanContext(*ids, True))]
        self._chosen.choose(*(int(one, 16) for one in self._make_ids()))
        self._span = self._tracer.start_span(name, context, SpanKind.SERVER, links=links, start_time=self._at_ns)
        self._context = trace.set_span_in_context(self._span, _ROOT)

    def find_ids(self) -> tuple[str, str] | None:
        """The ids of the trace and of the request's span, for the log.

        Before ``decide`` they are unknown (``None``) if the caller sent a trace, which may be continued.
        """
        is_unknown = not self._is_decided and w3c.parse_parent(self._parents) is not None
        return None if is_unknown else self._make_ids()

    def _make_ids(self) -> tuple[str, str]:
        if self._ids is None:
            parent = w3c.parse_parent(self._parents) if self._is_trusted else None
            trace_id = None if parent is None else parent.trace_id
            self._ids = trace_id or w3c.make_id(w3c.TRACE_BITS), w3c.make_id(w3c.SPAN_BITS)
        return self._ids

    def add(self, name: str, began: float, attributes: Attributes | None = None) -> None:
        """Add a step that ends now; ``began`` is in seconds of ``perf_counter``."""
        if self.is_recording and len(self._steps) < _MAX_STEPS:
            self._steps.append((name, self._find_ns(began), self._find_ns(perf_counter()), attributes))

    def add_exception(self, error: BaseException) -> None:
        """Add an error by its type and place, without its message."""
        if self.is_recording and self._span is not None:
            self._span.add_event("exception", describe_error(error), self._find_ns(perf_counter()))

    def begin_call(self, call: AiCall) -> TraceHeaders:
        """Begin a call of a provider; returns the headers to send. It ends the call before it, which failed."""
        state = w3c.parse_state(self._states) if call.is_own and self._is_trusted else None
        if not self.is_recording:
            return w3c.write_headers(*self._make_ids(), state, is_sampled=False)
        self._end_call("superseded")
        now, members = self._find_ns(perf_counter()), read_members(call)
        model = find_model(call, members)
        span = self._tracer.start_span(
            name_call(call, model),
            self._context,
            SpanKind.CLIENT,
            clean_attributes({**describe_call(call, model), **describe_parameters(call, members)}),
            start_time=now,
        )
        self._call_span = span
        return w3c.write_headers(*write_ids(span), state, is_sampled=True)

    def end_call(self, result: AiResult) -> None:
        """End the call."""
        if self._call_span is not None:
            self._call_span.set_attributes(clean_attributes(describe_result(result)))
            self._end_call(find_error(result))

    def _end_call(self, error: str | None) -> None:
        span, self._call_span = self._call_span, None
        if span is None:
            return
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(self._find_ns(perf_counter()))

    def finish(self, attributes: Attributes, *, failed: bool) -> None:
        """End the request's span with its steps."""
        if not self.is_recording or self._span is None:
            return
        self._end_call("superseded")
        for name, began, ended, facts in self._steps:
            step = self._tracer.start_span(
                name, self._context, attributes=clean_attributes(facts) if facts else None, start_time=began
            )
            step.end(ended)
        span = self._span
        span.set_attributes(clean_attributes(attributes))
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(self._find_ns(perf_counter()))

    def _find_ns(self, at: float) -> int:
        return self._at_ns + max(0, int((at - self._began) * _NANO))


def write_ids(span: trace.Span) -> tuple[str, str]:
    """The ids of a span's trace and of the span, in hexadecimal."""
    found = span.get_span_context()
    return f"{found.trace_id:032x}", f"{found.span_id:016x}"
