"""Searches of the log without an index: each step reads a bounded number of the newest rows that an index gives."""

from typing import Any

from sqlalchemy import Connection, Select, Subquery, func, or_, select

from ari.storage.usage.ai import add_uses
from ari.storage.usage.key_set import select_keys
from ari.storage.usage.pages import page_query
from ari.usage.model import UsageRow
from ari.usage.search import MAX_ROWS_READ, SearchPage, UsageSearch


def find(
    connection: Connection, search: UsageSearch, before_id: str | None, limit: int, look: int = MAX_ROWS_READ
) -> SearchPage:
    """At most ``limit`` matching rows among the next ``look`` rows."""
    if not search.reads_rows:
        rows = _rows(connection, page_query(connection, search.where, before_id, limit + 1))
        return SearchPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
    window = page_query(connection, search.where, before_id, look).subquery("looked")
    matching = _select_matching(connection.dialect.name, window, search).order_by(window.c.id.desc()).limit(limit + 1)
    rows = _rows(connection, matching)
    if len(rows) > limit:
        return SearchPage(rows[:limit], rows[limit - 1].id)
    count, last_id, last_at_ms = connection.execute(
        select(func.count(), func.min(window.c.id), func.min(window.c.at_ms))
    ).one()
    return SearchPage(rows, last_id if count == look else None, last_at_ms)


def newest_statuses(connection: Connection, search: UsageSearch, most: int) -> list[tuple[int | None, int]]:
    """The HTTP statuses of the newest ``most`` rows and their counts, the most frequent first."""
    window = page_query(connection, search.where, None, most).subquery("looked")
    count = func.sum(window.c["count"])
    query = select(window.c.status, count).group_by(window.c.status).order_by(count.desc(), window.c.status)
    return [(status, int(total)) for status, total in connection.execute(query)]


def _rows(connection: Connection, query: Select[Any]) -> list[UsageRow]:
    return add_uses(connection, [UsageRow(*row) for row in connection.execute(query)])


def _select_matching(dialect: str, window: Subquery, search: UsageSearch) -> Select[Any]:
    query, column = select(window), window.c
    if search.group is not None:
        query = query.where(column.key_id.in_(select_keys(dialect, search.group.key_ids)))
    if search.method is not None:
        query = query.where(column.method == search.method)
    if search.status is not None:
        low, high = search.status.low, search.status.high
        query = query.where(column.status.is_(None) if low is None else column.status.between(low, high))
    if search.addresses is not None:
        query = query.where(column.client_address.in_(search.addresses))
    if search.source is not None:
        query = query.where(column.source == search.source)
    if search.text is not None:
        places = (column.path, column.route, column.client_address, column.user_agent)
        query = query.where(or_(*(place.icontains(search.text, autoescape=True) for place in places)))
    return query
