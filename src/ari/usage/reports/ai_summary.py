"""AI gateway usage in a span of time, for every door."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari.base.clock import to_rfc3339
from ari.base.money import format_usd
from ari.usage import spans
from ari.usage.ai import AiCount, AiSpan, AiSums
from ari.usage.ports import UsageReader
from ari.usage.spans import Span

TOP = 50
"""How many models, keys, consumers or tags to list, those with the highest costs."""


@dataclass(frozen=True, slots=True)
class AiSummary:
    """``parts`` are those of ``spans.starts``. Models of different providers are separate."""

    span: Span
    parts: list[tuple[int, AiSums]]
    providers: list[AiCount]
    models: list[AiCount]
    keys: list[AiCount]

    @property
    def sums(self) -> AiSums:
        """The sums of the whole span."""
        return sum((part for _, part in self.parts), AiSums())


def of_span(
    reader: UsageReader, span: Span, key_id: str | None = None, key_ids: tuple[str, ...] | None = None
) -> AiSummary:
    """The usage of one key, of some keys, or of all keys."""
    within = AiSpan(span.since_ms, span.until_ms, key_id, key_ids)
    begins = spans.starts(span)
    parts = [AiSums() for _ in begins]
    for hour_ms, sums in reader.ai_hours(within).items():
        parts[bisect_right(begins, hour_ms) - 1] += sums
    return AiSummary(
        span,
        list(zip(begins, parts, strict=True)),
        reader.ai_counts("provider", within),
        [one for one in reader.ai_counts("model", within) if not _has_no_model(one)][:TOP],
        [] if key_id else reader.ai_counts("key", within)[:TOP],
    )


def count_groups(
    reader: UsageReader, span: Span, key_ids: tuple[str, ...] | None, groups: Mapping[str, Sequence[str]]
) -> list[AiCount]:
    """The usage by consumer or tag, the highest cost first; ``groups`` are those of each key.

    A key in several groups counts in each.
    """
    found: dict[str, AiCount] = {}
    for one in reader.ai_counts("key", AiSpan(span.since_ms, span.until_ms, None, key_ids)):
        for name in groups.get(one.name, ()):
            before = found.get(name, AiCount("", name, AiSums(), 0))
            found[name] = AiCount("", name, before.sums + one.sums, max(before.last_at_ms, one.last_at_ms))
    highest_first = sorted(found.values(), key=lambda one: (-one.sums.cost_micros, -one.sums.request_count, one.name))
    return highest_first[:TOP]


def ai_group_facts(counted: Sequence[AiCount], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The usage by consumer or tag as JSON; ``names`` are those of the groups."""
    return [{"group": one.name, "name": names.get(one.name, one.name), **_count_facts(one)} for one in counted]


def ai_summary_facts(
    found: AiSummary, names: dict[str, str | None] | None, groups: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The summary as JSON; ``names`` are those of the keys, ``None`` for the summary of one key.

    ``groups`` are the facts of ``count_groups``.
    """
    span = found.span
    facts = {
        "since": to_rfc3339(span.since_ms),
        "until": to_rfc3339(span.until_ms),
        "by": span.unit,
        "time_zone": span.zone,
        **_sum_facts(found.sums),
        "parts": [{"since": to_rfc3339(since_ms), **_sum_facts(sums)} for since_ms, sums in found.parts],
        "providers": [{"provider": one.provider, **_count_facts(one)} for one in found.providers],
        "models": [{"provider": one.provider, "model": one.name or None, **_count_facts(one)} for one in found.models],
    }
    if names is not None:
        facts["keys"] = [{"key_id": one.name, "name": names.get(one.name), **_count_facts(one)} for one in found.keys]
        facts["groups"] = groups
    return facts


def _has_no_model(one: AiCount) -> bool:
    """Whether these requests name no model, such as those for a list of models. They are in the other sums."""
    sums = one.sums
    return not one.name and sums.told_count == sums.request_count and not sums.input_tokens + sums.output_tokens


def _count_facts(one: AiCount) -> dict[str, Any]:
    return {**_sum_facts(one.sums), "last_used_at": to_rfc3339(one.last_at_ms)}


def _sum_facts(sums: AiSums) -> dict[str, Any]:
    is_unknown = sums.request_count > 0 and sums.priced_count == 0
    return {
        "cost_usd": None if is_unknown else format_usd(sums.cost_micros),
        "priced_count": sums.priced_count,
        "estimated_count": sums.estimated_count,
        "request_count": sums.request_count,
        "failed_count": sums.failed_count,
        "told_count": sums.told_count,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cached_tokens": sums.cached_tokens,
    }
