"""Searches of the log without an index: each step reads a bounded number of the newest rows that an index gives."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, func, or_, select

from ari.storage.tables import usage_callers, usage_names
from ari.storage.text_search import contains
from ari.storage.usage.ai import add_uses
from ari.storage.usage.key_set import select_keys
from ari.storage.usage.pages import page_query, read_rows
from ari.storage.usage.row_ids import format_id
from ari.storage.usage.texts import at_ms_of, name_of
from ari.usage.model import UsageRow
from ari.usage.search import MAX_ROWS_READ, SearchPage, UsageSearch

_names, _callers = usage_names.c, usage_callers.c


def find(
    connection: Connection, search: UsageSearch, before_id: str | None, limit: int, look: int = MAX_ROWS_READ
) -> SearchPage:
    """At most ``limit`` matching rows among the next ``look`` rows."""
    if not search.reads_rows:
        rows = _read(connection, page_query(connection, search.where, before_id, limit + 1))
        return SearchPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
    window = page_query(connection, search.where, before_id, look).cte("looked")
    matching = _select_matching(connection.dialect.name, window, search)
    rows = _read(connection, matching.order_by(window.c.id_high.desc(), window.c.id_low.desc()).limit(limit + 1))
    if len(rows) > limit:
        return SearchPage(rows[:limit], rows[limit - 1].id)
    high, low = (
        select(column).order_by(window.c.id_high, window.c.id_low).limit(1).scalar_subquery()
        for column in (window.c.id_high, window.c.id_low)
    )
    count, last_at_ms, *last_id = connection.execute(
        select(func.count(), func.min(at_ms_of(window.c)), high, low).select_from(window)
    ).one()
    return SearchPage(rows, format_id(*last_id) if count == look else None, last_at_ms)


def newest_statuses(connection: Connection, search: UsageSearch, most: int) -> list[tuple[int | None, int]]:
    """The HTTP statuses of the newest ``most`` rows and their counts, the most frequent first."""
    window = page_query(connection, search.where, None, most).subquery("looked")
    count = func.sum(window.c["count"])
    query = select(window.c.status, count).group_by(window.c.status).order_by(count.desc(), window.c.status)
    return [(status, int(total)) for status, total in connection.execute(query)]


def _read(connection: Connection, query: Select[Any]) -> list[UsageRow]:
    return add_uses(connection, read_rows(connection, query))


def _select_matching(dialect: str, window: CTE, search: UsageSearch) -> Select[Any]:
    query, column = select(window), window.c
    if search.group is not None:
        listed = select_keys(dialect, search.group.key_ids)
        query = query.where(column.key.in_(select(_names.number).where(_names.text.in_(listed))))
    if search.method is not None:
        query = query.where(column.method == search.method)
    if search.status is not None:
        low, high = search.status.low, search.status.high
        query = query.where(column.status.is_(None) if low is None else column.status.between(low, high))
    if search.addresses is not None:
        query = query.where(column.caller.in_(select(_callers.number).where(_callers.address.in_(search.addresses))))
    if search.source is not None:
        source = column.source.is_(None) if search.source == "request" else name_of(column.source) == search.source
        query = query.where(source)
    if search.text is not None:
        query = query.where(_contains(window, search.text))
    return query


def _contains(window: CTE, text: str) -> ColumnElement[bool]:
    """Each text of the window is searched once, however many of its rows have it."""

    def match(*places: ColumnElement[str]) -> ColumnElement[bool]:
        return or_(*(contains(place, text) for place in places))

    routes = select(_names.number).where(_names.number.in_(select(window.c.route).distinct()), match(_names.text))
    callers = select(_callers.number).where(
        _callers.number.in_(select(window.c.caller).distinct()), match(_callers.address, _callers.user_agent)
    )
    return or_(match(window.c.path), window.c.route.in_(routes), window.c.caller.in_(callers))
