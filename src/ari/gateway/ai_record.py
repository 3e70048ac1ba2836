"""The AI use of one forwarded request, as the usage log keeps it."""

from typing import NamedTuple

from ari.gateway.attempts import ProviderAttempts
from ari.prices.book import Cost
from ari.usage.ai import AiUse, Ended, TokenUsage
from ari.usage.model import UsageRow


class CallTimes(NamedTuple):
    """Milliseconds from the request's arrival to the first and the last byte of the provider's response."""

    first_byte_ms: float | None
    whole_ms: float


def make_refused_use(row: UsageRow, provider: str, model: str, alias: str | None) -> AiUse:
    """The use to log if the request with this row is refused: it has the model that the request names."""
    return AiUse(
        row.id, row.at_ms, row.key_id, provider, model, None, None, None, None, None, 0.0, "refused", alias=alias
    )


def make_use(
    row: UsageRow,
    attempts: ProviderAttempts,
    used: TokenUsage,
    cost: Cost | None,
    times: CallTimes,
    *,
    status: int | None,
    ended: Ended,
    alias: str | None,
) -> AiUse:
    """The use of the request with this row; ``status`` is the provider's, ``None`` without a response."""
    return AiUse(
        id=row.id,
        at_ms=row.at_ms,
        key_id=row.key_id,
        provider=attempts.provider.name,
        model=used.model,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cached_tokens=used.cached_tokens,
        provider_status=status,
        first_byte_ms=times.first_byte_ms,
        whole_ms=times.whole_ms,
        ended=ended,
        cost_micros=None if cost is None else cost.micros,
        price_version=None if cost is None else cost.version,
        cache_written_tokens=used.cache_written_tokens,
        audio_tokens=used.audio_tokens,
        reasoning_tokens=used.reasoning_tokens,
        alias=alias,
        attempts=attempts.to_json(),
    )
