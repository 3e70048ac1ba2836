"""The calls of a forwarded request: their headers, and where tracing is on, their spans."""

from ari.base.traces import AiCall, AiResult
from ari.gateway.attempts import ProviderAttempts
from ari.gateway.meter import Meter
from ari.gateway.request_headers import to_provider
from ari.gateway.traced_meter import TracedMeter
from ari.http.context import RequestContext
from ari.usage.ai import AiUse


def begin_call(
    context: RequestContext, attempts: ProviderAttempts, body: bytes | None, model: str | None
) -> list[tuple[str, str]]:
    """Begin a call; returns the headers of its request, with those that continue the trace where tracing is on."""
    attempts.begin()
    trace, credential = context.served.trace, attempts.current.credential
    headers = to_provider(context.head, credential, attempts.added_headers)
    if trace is None:
        return headers
    call = AiCall(
        credential.provider.name,
        credential.base_url,
        context.head.method,
        attempts.target.path,
        attempts.model or model,
        body,
        is_own=credential.owner_named,
    )
    return [*headers, *trace.begin_call(call)]


def trace_meter(context: RequestContext, meter: Meter) -> Meter:
    """The meter of a response, which reads more for a call that is recorded."""
    trace = context.served.trace
    return meter if trace is None or not trace.is_recording else TracedMeter(meter)


def end_trace(context: RequestContext, use: AiUse, meter: Meter) -> AiUse:
    """End the last call with what it used; returns ``use``."""
    trace = context.served.trace
    if trace is not None:
        traced = meter if isinstance(meter, TracedMeter) else None
        trace.end_call(
            AiResult(
                use.provider_status,
                use.ended,
                use.model,
                use.input_tokens,
                use.output_tokens,
                use.cached_tokens,
                use.cache_written_tokens,
                use.reasoning_tokens,
                None if traced is None else traced.response_id,
                () if traced is None else traced.finish_reasons,
                use.first_byte_ms,
            )
        )
    return use
