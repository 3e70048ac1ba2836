"""What requests used at providers: a line beside each row, and what was used by hour, key, provider and model.

Written with the rows, in the same transaction, and counted once: a line that is there already adds nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, select

from ari.base.clock import HOUR_MS
from ari.storage.bulk import insert_rows
from ari.storage.tables import usage_ai, usage_ai_hours
from ari.usage.ai import AiBy, AiCount, AiSpan, AiSums, AiUse
from ari.usage.model import UsageRow

_FIELDS = tuple(field.name for field in fields(AiUse))
_COLUMNS = tuple(usage_ai.c[name] for name in _FIELDS)
_values = attrgetter(*_FIELDS)
_id = attrgetter("id")
_NUMBERS = ("request_count", "told_count", "input_tokens", "output_tokens", "cached_tokens")
_ADD = f"""ON CONFLICT (hour_ms, key_id, provider, model, status_class) DO UPDATE SET
    {", ".join(f"{name} = usage_ai_hours.{name} + excluded.{name}" for name in _NUMBERS)},
    last_at_ms = CASE WHEN excluded.last_at_ms > usage_ai_hours.last_at_ms
        THEN excluded.last_at_ms ELSE usage_ai_hours.last_at_ms END"""
_REFUSED_FROM = 400
_ANSWERED = 2
_FAILED = 5
"""An error inside a response whose status is good counts like one of the server's."""

_uses, _hours = usage_ai.c, usage_ai_hours.c
_failed = case((_hours.status_class == _ANSWERED, 0), else_=_hours.request_count)
_SUMS = (
    func.sum(_hours.request_count),
    func.sum(_failed),
    func.sum(_hours.told_count),
    func.sum(_hours.input_tokens),
    func.sum(_hours.output_tokens),
    func.sum(_hours.cached_tokens),
)


def count_uses(connection: Connection, uses: Iterable[AiUse]) -> None:
    """Write and count them."""
    given = {use.id: use for use in uses}
    if not given:
        return
    there = set(connection.scalars(select(_uses.id).where(_uses.id.in_(given))))
    fresh = sorted((use for use in given.values() if use.id not in there), key=_id)
    insert_rows(connection, usage_ai, _FIELDS, [_values(use) for use in fresh])
    hours: dict[tuple[int, str, str, str, int], list[int]] = {}
    for use in fresh:
        counts = hours.setdefault(_hour(use), [0, 0, 0, 0, 0, 0])
        told = _is_known(use)
        more = (1, int(told), use.input_tokens or 0, use.output_tokens or 0, use.cached_tokens or 0)
        counts[:5] = [count + number for count, number in zip(counts[:5], more, strict=True)]
        counts[5] = max(counts[5], use.at_ms)
    rows = sorted((*hour, *counts) for hour, counts in hours.items())
    if rows:
        insert_rows(connection, usage_ai_hours, tuple(usage_ai_hours.c.keys()), rows, _ADD)


def _is_known(use: AiUse) -> bool:
    """Whether all tokens are known: of a response that did not end, the output may be missing."""
    known = use.input_tokens is not None or use.output_tokens is not None
    return known and (use.output_tokens is not None or use.ended == "complete")


def _hour(use: AiUse) -> tuple[int, str, str, str, int]:
    status = use.provider_status or 0
    model = use.model if use.model is not None and 0 < status < _REFUSED_FROM else ""
    status_class = _FAILED if use.ended == "error" else status // 100
    return use.at_ms - use.at_ms % HOUR_MS, use.key_id, use.provider, model, status_class


def add_uses(connection: Connection, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """The rows, each with what it used at a provider, if it went to one."""
    ids = [row.id for row in rows]
    found = {row[0]: AiUse(*row) for row in connection.execute(select(*_COLUMNS).where(_uses.id.in_(ids)))}
    for row in rows:
        row.ai = found.get(row.id)
    return list(rows)


def remove_uses(connection: Connection, before_id: str, limit: int) -> int:
    """Forget at most so many of those before; how many went. What was counted by the hour stays."""
    old = list(connection.scalars(select(_uses.id).where(_uses.id < before_id).order_by(_uses.id).limit(limit)))
    if old:
        connection.execute(delete(usage_ai).where(_uses.id.in_(old)))
    return len(old)


_BY: dict[AiBy, tuple[Any, Any]] = {
    "key": (literal(""), _hours.key_id),
    "provider": (_hours.provider, _hours.provider),
    "model": (_hours.provider, _hours.model),
}


def counts_by(connection: Connection, by: AiBy, span: AiSpan) -> list[AiCount]:
    """What was used in a span of whole hours, the most requests first."""
    provider, name = _BY[by]
    requests = func.sum(_hours.request_count)
    query = (
        select(provider, name, *_SUMS, func.max(_hours.last_at_ms))
        .where(*_within(span))
        .group_by(*dict.fromkeys((_hours.provider, name) if by == "model" else (name,)))
        .order_by(requests.desc(), name)
    )
    return [
        AiCount(str(of), str(what), AiSums(*map(int, sums)), int(last))
        for of, what, *sums, last in connection.execute(query)
    ]


def sums_by_hour(connection: Connection, span: AiSpan) -> dict[int, AiSums]:
    """What was used in each hour that was not idle."""
    query = select(_hours.hour_ms, *_SUMS).where(*_within(span)).group_by(_hours.hour_ms)
    return {int(hour_ms): AiSums(*map(int, sums)) for hour_ms, *sums in connection.execute(query)}


def _within(span: AiSpan) -> list[ColumnElement[bool]]:
    found = [_hours.hour_ms >= span.since_ms, _hours.hour_ms < span.until_ms]
    return found if span.key_id is None else [*found, _hours.key_id == span.key_id]


def last_by_provider(connection: Connection) -> dict[str, int]:
    """When each provider was last used."""
    query = select(_hours.provider, func.max(_hours.last_at_ms)).group_by(_hours.provider)
    return {provider: int(at_ms) for provider, at_ms in connection.execute(query)}
