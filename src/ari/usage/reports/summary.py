"""Counts of requests in a span of time, for every door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ari.base.clock import to_rfc3339
from ari.usage import spans
from ari.usage.model import AddressCount, GroupCount, HourCount, RouteCount, TopKeys, split_source
from ari.usage.ports import UsageReader
from ari.usage.spans import Span

TOP = 10
"""Keys, routes and addresses to list; the others are one number."""

MAX_GROUPS = 50
"""Consumers or tags to list, those with the most requests."""


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
    """The summary of all keys and of attempts without one; ``addresses`` are the top ones of attempts.

    Of some keys, ``of_some``, there are no attempts.
    """

    counts: Counts
    top: TopKeys
    reasons: list[tuple[str, int]]
    addresses: list[AddressCount]
    of_some: bool = False

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


def of_keys(reader: UsageReader, span: Span, key_ids: Sequence[str]) -> Summary:
    """The summary of these keys together."""
    within = span.since_ms, span.until_ms
    hours = reader.hours_of_keys(key_ids, *within)
    used = reader.key_counts(key_ids, *within)
    shown = sorted(used, key=lambda one: (-one.accepted_count - one.refused_count, one.key_id))[:TOP]
    requests = sum(one.accepted_count + one.refused_count for one in used)
    counts = Counts(span, spans.count_parts(span, hours), spans.by_code(hours))
    return Summary(counts, TopKeys(shown, len(used), requests), [], [], of_some=True)


def of_some(reader: UsageReader, span: Span, key_ids: Sequence[str] | None) -> Summary:
    """The summary of these keys, or of all keys and of attempts."""
    return of_all(reader, span) if key_ids is None else of_keys(reader, span, key_ids)


def count_groups(
    reader: UsageReader, span: Span, key_ids: Sequence[str] | None, groups: Mapping[str, Sequence[str]]
) -> list[GroupCount]:
    """The requests by group, most requests first; ``groups`` are those of each key.

    A key in several groups counts in each.
    """
    found: dict[str, GroupCount] = {}
    for one in reader.key_counts(key_ids, span.since_ms, span.until_ms):
        for name in groups.get(one.key_id, ()):
            before = found.get(name, GroupCount(name, 0, 0, 0))
            found[name] = GroupCount(
                name,
                before.key_count + 1,
                before.accepted_count + one.accepted_count,
                before.refused_count + one.refused_count,
            )
    most_first = sorted(found.values(), key=lambda one: (-one.accepted_count - one.refused_count, one.name))
    return most_first[:MAX_GROUPS]


def of_groups(
    reader: UsageReader,
    span: Span,
    key_ids: Sequence[str] | None,
    groups: Mapping[str, Sequence[str]],
    wanted: Sequence[str],
) -> dict[str, Counts]:
    """The requests of each ``wanted`` group by time; ``groups`` are those of each key.

    ``key_ids`` are the only keys that count, ``None`` = all.
    """
    counted = None if key_ids is None else set(key_ids)
    members: dict[str, list[str]] = {name: [] for name in wanted}
    for key_id, names in groups.items():
        for name in names:
            if name in members and (counted is None or key_id in counted):
                members[name].append(key_id)
    hours = {name: reader.hours_of_keys(ids, span.since_ms, span.until_ms) for name, ids in members.items()}
    return {name: Counts(span, spans.count_parts(span, found), spans.by_code(found)) for name, found in hours.items()}


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


def group_facts(groups: Sequence[GroupCount], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The totals by consumer or tag as JSON; ``names`` are those of the groups."""
    return [
        {
            "group": one.name,
            "name": names.get(one.name, one.name),
            "key_count": one.key_count,
            "request_count": one.accepted_count,
            "refused_count": one.refused_count,
        }
        for one in groups
    ]


def summary_facts(
    summary: Summary, names: dict[str, str | None], groups: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The summary as JSON; ``names`` are those of the listed keys, ``groups`` the facts of ``count_groups``."""
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
        dict(zip(("address", "key_id"), split_source(one.address), strict=True))
        | {"count": one.count, "last_at": to_rfc3339(one.last_at_ms)}
        for one in summary.addresses
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
        "attempts": None if summary.of_some else attempts,
        "groups": groups,
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
