"""Traces of the server's processes: configured before the fork, begun and ended in each process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ari.base.errors import ConfigurationError
from ari.base.extras import importing
from ari.base.settings import Settings
from ari.base.traces import Tracer
from ari.instance import Instance


@dataclass(frozen=True, slots=True)
class Traces:
    """``begin`` makes the tracer of a process and returns it with what ends it, within ``stop_seconds``."""

    begin: Callable[[], tuple[Tracer, Callable[[], None]]]
    stop_seconds: float


def prepare_traces(settings: Settings, environment: Mapping[str, str]) -> Traces | None:
    """Read OpenTelemetry's variables; ``None`` if traces are off, so its SDK isn't imported then.

    Raises ``ConfigurationError``.
    """
    if settings.traces == "off" or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    try:
        with importing("otel"):
            from ari.tracing.exporter import make_exporter, name_collector, read_queue  # noqa: PLC0415 - only where it is on
            from ari.tracing.process_tracer import STOP_SECONDS, ProcessTracer  # noqa: PLC0415 - see above
            from ari.tracing.sampling import read_sampling  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"ARI_TRACES={settings.traces} needs OpenTelemetry. {error}") from None
    exporter, sampling, queue = make_exporter(environment), read_sampling(environment), read_queue(environment)
    collector = name_collector(environment)

    def begin() -> tuple[Tracer, Callable[[], None]]:
        tracer = ProcessTracer(exporter, sampling, queue, collector)
        return tracer, tracer.stop

    return Traces(begin, STOP_SECONDS)


@contextmanager
def record_traces(instance: Instance, traces: Traces | None) -> Iterator[None]:
    """Record what this process does within the block; after the fork, because it starts a thread."""
    if traces is None:
        yield
        return
    tracer, stop = traces.begin()
    instance.trace_with(tracer)
    try:
        yield
    finally:
        stop()
