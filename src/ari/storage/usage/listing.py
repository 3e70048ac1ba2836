"""Use of keys for lists of keys and advice; implements ``reports.listing.UseListing`` and ``advice.UseFacts``.

There is no index on last uses or counts: every fold changes them and would have to move the keys within the index. A
page reads one small row for each key that was ever used; 10,000 take a few milliseconds.
"""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select, tuple_

from ari.base.clock import DAY_MS
from ari.keys.listing import Cursor
from ari.keys.reasons import EXPIRED
from ari.storage.tables import usage_log, usage_seen, usage_totals
from ari.storage.usage.row_ids import ABOVE_ALL, lowest_at
from ari.storage.usage.texts import AT_MS, NO_CALLER, find_number, read_texts
from ari.usage.advice import LateCall
from ari.usage.model import OTHERS, KeyTotals

_totals = usage_totals.c
_seen = usage_seen.c
_log = usage_log.c
_COUNT = 2
"""The place of the count in a row: its name is a method of rows."""
_COLUMNS = tuple(_totals)[:5]
_MAX_LATE_ROWS = 2_000
"""How many of the latest refusals are read; a flood can have millions."""


def by_use(
    connection: Connection, by: Literal["used", "requests"], descending: bool, after: Cursor | None, limit: int
) -> list[tuple[str, KeyTotals]]:
    """Keys that had an accepted request, in order."""
    value = _totals.last_used_at_ms if by == "used" else _totals.request_count
    query = select(*_COLUMNS).where(_totals.last_used_at_ms.is_not(None)).limit(limit)
    if after is not None:
        position, cursor = tuple_(value, _totals.key_id), tuple_(*after)
        query = query.where(position < cursor if descending else position > cursor)
    query = query.order_by(*(column.desc() if descending else column.asc() for column in (value, _totals.key_id)))
    return [(key_id, KeyTotals(*rest)) for key_id, *rest in connection.execute(query)]


def last_uses(connection: Connection) -> dict[str, int]:
    """When each key had its last accepted request."""
    query = select(_totals.key_id, _totals.last_used_at_ms).where(_totals.last_used_at_ms.is_not(None))
    return {row.key_id: row.last_used_at_ms for row in connection.execute(query)}


def address_counts(connection: Connection, key_ids: Sequence[str], since_ms: int, most: int) -> dict[str, int]:
    """How many addresses used each key, up to ``most``, in one statement."""
    used_from = (
        select(_seen.value)
        .where(
            _seen.key_id == _totals.key_id,
            _seen.kind == "address",
            _seen.value != OTHERS,
            _seen.last_seen_at_ms >= since_ms,
            _seen.accepted_count > 0,
        )
        .correlate(usage_totals)
        .limit(most)
        .subquery()
    )
    count = select(func.count()).select_from(used_from).scalar_subquery()
    query = select(_totals.key_id, count).where(_totals.key_id.in_(key_ids))
    return {key_id: int(found) for key_id, found in connection.execute(query)}


def late_calls(connection: Connection, since_ms: int) -> list[LateCall]:
    """Calls with expired keys, the latest first."""
    latest = select_latest(find_number(connection, EXPIRED.code), since_ms, _MAX_LATE_ROWS)
    calls: dict[int, int] = {}
    newest: dict[int, Any] = {}
    for row in connection.execute(latest):
        calls[row.key] = calls.get(row.key, 0) + row[_COUNT]
        newest.setdefault(row.key, row)
    texts = read_texts(connection, newest, [row.caller for row in newest.values()])
    return [
        LateCall(texts.names[key], calls[key], row.at_ms, *texts.callers.get(row.caller, NO_CALLER))
        for key, row in newest.items()
    ]


def select_latest(code: int, since_ms: int, most: int) -> Select[Any]:
    """The latest rows with this code, as one span of the index on codes: key, time, count and caller."""
    index = tuple_(_log.code, _log.id_high)
    span = index >= tuple_(code, lowest_at(since_ms)), index <= tuple_(code, ABOVE_ALL.high)
    query = select(_log.key, AT_MS.label("at_ms"), _log["count"], _log.caller).where(*span)
    query = query.where(_log.id_high >= lowest_at(since_ms - since_ms % DAY_MS))  # skips partitions of PostgreSQL
    return query.order_by(_log.code.desc(), _log.id_high.desc(), _log.id_low.desc()).limit(most)
