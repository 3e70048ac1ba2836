"""Reads and removes what requests used at AI providers. ``rollups.py`` counts it."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, select, text

from ari.storage.tables import usage_ai, usage_ai_hours
from ari.storage.usage.key_set import select_keys
from ari.usage.ai import AiBy, AiCount, AiSpan, AiSums, AiUse
from ari.usage.model import UsageRow

_GOOD_STATUS_CLASS = 2

_uses, _hours = usage_ai.c, usage_ai_hours.c
_failed = case((_hours.status_class == _GOOD_STATUS_CLASS, 0), else_=_hours.request_count)
_SUMS = (
    func.sum(_hours.request_count),
    func.sum(_failed),
    func.sum(_hours.told_count),
    func.sum(_hours.input_tokens),
    func.sum(_hours.output_tokens),
    func.sum(_hours.cached_tokens),
    func.sum(_hours.cost_micros),
    func.sum(_hours.priced_count),
    func.sum(_hours.estimated_count),
)


_STORED = {
    "sqlite": select(usage_ai).where(text("id IN (SELECT value FROM json_each(:ids))")),
    "postgresql": select(usage_ai).where(text("id = ANY(:ids)")),
}
"""Any number of ids as one parameter. Built once: a page of the log spends more time on building than on running."""


def add_uses(connection: Connection, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """The rows, each with its AI use if it went to a provider."""
    ids: Any = [row.id for row in rows]
    if not ids:
        return []
    dialect = connection.dialect.name
    given = {"ids": ids if dialect == "postgresql" else json.dumps(ids)}
    stored = connection.execute(_STORED[dialect], given).mappings()
    found = {values["id"]: AiUse(**values) for values in stored}
    for row in rows:
        row.ai = found.get(row.id)
    return list(rows)


def remove_uses(connection: Connection, before_id: str, limit: int) -> int:
    """Remove at most ``limit`` uses before this id. Returns how many. The hourly sums stay."""
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
    """Sums over whole hours, the highest cost first, then the most requests."""
    provider, name = _BY[by]
    requests = func.sum(_hours.request_count)
    query = (
        select(provider, name, *_SUMS, func.max(_hours.last_at_ms))
        .where(*_within(connection, span))
        .group_by(*dict.fromkeys((_hours.provider, name) if by == "model" else (name,)))
        .order_by(func.sum(_hours.cost_micros).desc(), requests.desc(), name)
    )
    return [
        AiCount(str(of), str(what), AiSums(*map(int, sums)), int(last))
        for of, what, *sums, last in connection.execute(query)
    ]


def sums_by_hour(connection: Connection, span: AiSpan) -> dict[int, AiSums]:
    """Sums of each hour that had a request."""
    query = select(_hours.hour_ms, *_SUMS).where(*_within(connection, span)).group_by(_hours.hour_ms)
    return {int(hour_ms): AiSums(*map(int, sums)) for hour_ms, *sums in connection.execute(query)}


def _within(connection: Connection, span: AiSpan) -> list[ColumnElement[bool]]:
    found = [_hours.hour_ms >= span.since_ms, _hours.hour_ms < span.until_ms]
    if span.key_ids is not None:
        found.append(_hours.key_id.in_(select_keys(connection.dialect.name, span.key_ids)))
    return found if span.key_id is None else [*found, _hours.key_id == span.key_id]


def last_by_provider(connection: Connection) -> dict[str, int]:
    """When each provider was last used."""
    query = select(_hours.provider, func.max(_hours.last_at_ms)).group_by(_hours.provider)
    return {provider: int(at_ms) for provider, at_ms in connection.execute(query)}
