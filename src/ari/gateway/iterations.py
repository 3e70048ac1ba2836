"""The use of a response for which a provider called models several times, as to compact a conversation. No I/O."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ari.usage.ai import TokenUsage

MAX_TOKENS = 1_000_000_000
"""More than any request can use. Sums of larger numbers would overflow a column."""


class Iteration(NamedTuple):
    """One call. ``is_extra``: its tokens are not among those of the whole response."""

    usage: TokenUsage
    is_extra: bool


def add_up(whole: TokenUsage, iterations: Sequence[Iteration]) -> TokenUsage:
    """The use of all calls, which ``whole`` may count only in part, as ``parts`` that have their own prices."""
    usual = [one.usage for one in iterations if not one.is_extra]
    extra = [one.usage for one in iterations if one.is_extra]
    fees = {kind: number for kind, number in whole.details.items() if not kind.endswith("_tokens")}
    lacks_input = _sum(usual, "input_tokens") < (whole.input_tokens or 0)
    if not usual or lacks_input or _sum(usual, "output_tokens") < (whole.output_tokens or 0):
        usual = [replace(whole, reasoning_tokens=None)]
    else:
        usual[0] = replace(usual[0], details={**usual[0].details, **fees})
    model, context = whole.model, whole.price_context
    parts = tuple(replace(one, model=one.model or model, price_context=context) for one in (*usual, *extra))
    details: Counter[str] = Counter()
    for one in parts:
        details.update(one.details)
    return replace(
        whole,
        input_tokens=_sum(parts, "input_tokens") or None,
        output_tokens=_sum(parts, "output_tokens"),
        cached_tokens=_sum(parts, "cached_tokens") or whole.cached_tokens,
        cache_written_tokens=_sum(parts, "cache_written_tokens") or whole.cache_written_tokens,
        details=dict(details),
        parts=parts,
    )


def _sum(parts: Sequence[TokenUsage], name: str) -> int:
    return min(MAX_TOKENS, sum(getattr(one, name) or 0 for one in parts))
