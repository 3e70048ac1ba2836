"""Counts of requests in a span of time, for every door."""

from dataclasses import dataclass
from typing import Any

from ari.base.clock import to_rfc3339
from ari.usage import spans
from ari.usage.model import AddressCount, HourCount, RouteCount, TopKeys
from ari.usage.ports import UsageReader
from ari.usage.spans import Span

TOP = 10
"""Keys, routes and addresses to list; the others are one number."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests by time and by code; ``parts`` are those of ``spans.starts``."""

    span: Span
    parts: list[HourCount]
    codes: list[tuple[str, int]]

    @property
    def accepted(self) -> int:
        return sum(part.accepted_count for part in self.parts)

    @property
    def refused(self) -> int:
        return sum(part.refused_count for part in self.parts)


@dataclass(frozen=True, slots=True)
class KeySummary:
    """The summary of one key, with all its routes."""

    counts: Counts
    routes: list[RouteCount]


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of all keys and of attempts without one; ``addresses`` are the top ones of attempts."""

    counts: Counts
    top: TopKeys
    reasons: list[tuple[str, int]]
    addresses: list[AddressCount]

    @property
    def attempts(self) -> int:
        return sum(count for _, count in self.reasons)


def of_key(reader: UsageReader, key_id: str, span: Span) -> KeySummary:
    """The summary of one key."""
    return KeySummary(_counts(reader, key_id, span), reader.routes(key_id, span.since_ms, span.until_ms))


def of_all(reader: UsageReader, span: Span) -> Summary:
    """The summary of all keys and of attempts."""
    within = span.since_ms, span.until_ms
    return Summary(
        _counts(reader, None, span),
        reader.top_keys(*within, TOP),
        spans.by_code(reader.attempts(*within)),
        reader.attempt_addresses(*within, TOP),
    )


def _counts(reader: UsageReader, key_id: str | None, span: Span) -> Counts:
    found = reader.hours(key_id, span.since_ms, span.until_ms)
    return Counts(span, spans.count_parts(span, found), spans.by_code(found))


def key_summary_facts(summary: KeySummary) -> dict[str, Any]:
    """One key's summary as JSON."""
    routes = [
        {"route": one.route, "request_count": one.accepted_count, "refused_count": one.refused_count}
        for one in summary.routes
    ]
    return {**_count_facts(summary.counts), "routes": routes}


def summary_facts(summary: Summary, names: dict[str, str | None]) -> dict[str, Any]:
    """The summary as JSON; ``names`` are those of the listed keys."""
    keys = [
        {
            "key_id": one.key_id,
            "name": names.get(one.key_id),
            "request_count": one.accepted_count,
            "refused_count": one.refused_count,
        }
        for one in summary.top.shown
    ]
    addresses = [
        {"address": one.address, "count": one.count, "last_at": to_rfc3339(one.last_at_ms)} for one in summary.addresses
    ]
    attempts = {
        "count": summary.attempts,
        "reasons": [{"reason": reason, "count": count} for reason, count in summary.reasons],
        "top_addresses": addresses,
    }
    return {
        **_count_facts(summary.counts),
        "key_count": summary.top.keys,
        "top_keys": keys,
        "attempts": attempts,
    }


def _count_facts(counts: Counts) -> dict[str, Any]:
    span = counts.span
    return {
        "since": to_rfc3339(span.since_ms),
        "until": to_rfc3339(span.until_ms),
        "by": span.unit,
        "time_zone": span.zone,
        "request_count": counts.accepted,
        "refused_count": counts.refused,
        "codes": [{"code": code, "count": count} for code, count in counts.codes],
        "parts": [
            {
                "since": to_rfc3339(part.hour_ms),
                "request_count": part.accepted_count,
                "refused_count": part.refused_count,
            }
            for part in counts.parts
        ],
    }
