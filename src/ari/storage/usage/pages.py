"""The query for one page of the usage log: newest first, by an index for every filter.

Ids begin with their time, so a span of time is a span of ids, and every index ends in the id. There is no index on key
and id alone, which every fold would pay for: the page of a key is merged from the newest rows of each of its codes.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_, union_all

from ari.base.clock import MINUTE_MS
from ari.base.ids import id_prefix
from ari.storage.tables import usage_rows
from ari.storage.usage.staging import ROW_FIELDS
from ari.usage.model import ROW_KIND, UsageFilter

_rows = usage_rows.c
_COLUMNS = tuple(_rows[name] for name in ROW_FIELDS)
_LATEST_ID_MS = (1 << 48) - 1
_ABOVE_ALL = chr(ord(ROW_KIND[0]) + 1)
"""Sorts after every id in any collation."""
_SLACK_MS = MINUTE_MS
"""How far the time in a row's id may differ from its ``at_ms`` without a span of time missing the row."""


def page_query(connection: Connection, where: UsageFilter, before_id: str | None, limit: int) -> Select[Any]:
    """At most ``limit`` rows with an id below ``before_id``, as the columns of ``ROW_FIELDS``."""
    rows = select(*_COLUMNS)
    if where.key_id is None or where.code is not None:
        return _newest(rows, where, before_id, limit)
    newest = [
        select(_newest(select(_rows.id), replace(where, code=code), before_id, limit).subquery())
        for code in _codes(connection, where.key_id)
    ]
    ids = union_all(*newest).subquery() if newest else None
    chosen: Any = [] if ids is None else select(ids.c.id).order_by(ids.c.id.desc()).limit(limit)
    return rows.where(_rows.id.in_(chosen)).order_by(_rows.id.desc())


def lowest_id(at_ms: int) -> str:
    """Sorts before all ids made at this time or later: the kind and the letters of the time."""
    return id_prefix(ROW_KIND, max(0, min(at_ms, _LATEST_ID_MS)))


def _newest(query: Select[Any], where: UsageFilter, before_id: str | None, limit: int) -> Select[Any]:
    """The query as one span of one index.

    Not ``code = 'ok' AND id < …``: PostgreSQL assumes that most rows are ``ok`` and would read back through all others.
    """
    index, prefix = _index(where)
    low = "" if where.since_ms is None else lowest_id(where.since_ms - _SLACK_MS)
    high = _ABOVE_ALL if where.until_ms is None else lowest_id(where.until_ms + _SLACK_MS)
    if before_id is not None:
        high = min(high, before_id)
    span = tuple_(*index) >= tuple_(*prefix, low), tuple_(*index) < tuple_(*prefix, high)
    query = query.where(*span).order_by(*(column.desc() for column in index)).limit(limit)
    if where.since_ms is not None:
        query = query.where(_rows.at_ms >= where.since_ms)
    if where.until_ms is not None:
        query = query.where(_rows.at_ms < where.until_ms)
    return query


def _index(where: UsageFilter) -> tuple[list[Any], list[str]]:
    """The columns of the index to use, and the values of all but the last."""
    prefix = {_rows.key_id: where.key_id, _rows.code: where.code}
    given = {column: value for column, value in prefix.items() if value is not None}
    return [*given, _rows.id], list(given.values())


def _codes(connection: Connection, key_id: str) -> list[str]:
    """The codes of this key's rows, a dozen at most. Skips from one to the next in the index."""
    first = select(func.min(_rows.code).label("code")).where(_rows.key_id == key_id)
    codes = first.cte("codes", recursive=True)
    following = select(func.min(_rows.code)).where(_rows.key_id == key_id, _rows.code > codes.c.code)
    codes = codes.union_all(select(following.scalar_subquery()).where(codes.c.code.is_not(None)))
    return [code for code in connection.scalars(select(codes.c.code)) if code is not None]
