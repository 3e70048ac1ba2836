"""The ids of a request's span, as its log entries name them before and after its key is known."""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ari.tracing.chosen_ids import ChosenIds
from ari.tracing.request_trace import OtelRequestTrace, write_ids
from ari.tracing.sampling import Sampling

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = [f"00-{TRACE}-{SPAN}-01".encode()]


class Requests:
    """Begins traces of requests; ``finish`` returns the ids of the span that was recorded."""

    def __init__(self, ratio: float = 1.0) -> None:
        self._sampling = Sampling(ratio, is_parent_based=True)
        self._ids, self._sent = ChosenIds(), InMemorySpanExporter()
        self._provider = TracerProvider(id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._sent))
        self.tracer = self._provider.get_tracer("test")

    def begin(self, parents: Sequence[bytes] = ()) -> OtelRequestTrace:
        return OtelRequestTrace(self.tracer, self._ids, self._sampling, 1_000, parents, ())

    def finish(self, trace: OtelRequestTrace) -> tuple[str, str]:
        trace.finish({}, failed=False)
        span = self._sent.get_finished_spans()[-1]
        assert span.context is not None
        return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("parents", [[], [b"garbage"]])
def test_the_log_names_the_span_before_it_begins(parents: list[bytes], is_trusted: bool) -> None:
    """Entries of the authentication have the same ids as later ones, and as the span."""
    requests = Requests()
    trace = requests.begin(parents)
    early = trace.find_ids()
    trace.decide("GET /", is_trusted=is_trusted)
    assert early is not None
    assert early == trace.find_ids() == requests.finish(trace)


def test_a_callers_trace_is_named_once_it_is_decided() -> None:
    """Before, it may or may not be continued, and a wrong id would mislead."""
    requests = Requests()
    for is_trusted in (True, False):
        trace = requests.begin(PARENT)
        assert trace.find_ids() is None
        trace.decide("GET /", is_trusted=is_trusted)
        ids = trace.find_ids()
        assert ids is not None
        assert (ids[0] == TRACE) == is_trusted
        assert ids == requests.finish(trace)


def test_an_unrecorded_request_keeps_its_ids() -> None:
    """Its entries can be found together all the same."""
    trace = Requests(0.0).begin()
    early = trace.find_ids()
    trace.decide("GET /", is_trusted=True)
    assert early is not None
    assert trace.find_ids() == early
    trace = Requests(0.0).begin([f"00-{TRACE}-{SPAN}-00".encode()])
    trace.decide("", is_trusted=True)
    ids = trace.find_ids()
    assert ids is not None
    assert ids[0] == TRACE


def test_chosen_ids_are_for_one_span() -> None:
    """The steps of a request, and other spans of the thread, have random ones."""
    requests = Requests()
    trace = requests.begin()
    trace.decide("GET /", is_trusted=True)
    others = [write_ids(requests.tracer.start_span("other")) for _ in range(3)]
    ids = {trace.find_ids(), *others}
    assert len({one[0] for one in ids if one}) == len({one[1] for one in ids if one}) == 4
