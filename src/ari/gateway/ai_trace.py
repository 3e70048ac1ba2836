"""The calls of a forwarded request: their headers, and where tracing is on, their spans."""

from ari.base.traces import AiCall, AiResult
from ari.gateway.attempts import ProviderAttempts
from ari.gateway.request_headers import to_provider
from ari.http.context import RequestContext
from ari.usage.ai import AiUse


def begin_call(
    context: RequestContext, attempts: ProviderAttempts, body: bytes | None, model: str | None
) -> list[tuple[str, str]]:
    """Begin a call; returns the headers of its request, with those that continue the trace where tracing is on."""
    attempts.begin()
    trace, credential = context.served.trace, attempts.current.credential
    headers = to_provider(context.head, credential)
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


def end_trace(context: RequestContext, use: AiUse) -> AiUse:
    """End the last call with what it used; returns ``use``."""
    trace = context.served.trace
    if trace is not None:
        trace.end_call(
            AiResult(
                use.provider_status,
                use.ended,
                use.model,
                use.input_tokens,
                use.output_tokens,
                use.cached_tokens,
                use.reasoning_tokens,
                use.first_byte_ms,
            )
        )
    return use
