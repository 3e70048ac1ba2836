"""Searches of the audit log: each step reads a bounded number of events that an index gives, newest first.

Ids begin with their time, so a span of time is a span of ids. Events of a span are in the order of their times; others
are in the order in which they were written, which differs where a clock was set back.
"""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, func, or_, select

from ari.base.event_search import MAX_EVENTS_READ, EventPage, EventSearch
from ari.base.events import Event, Origin
from ari.base.ids import id_prefix
from ari.storage.tables import EVENTS_OF_KEYS, events
from ari.storage.text_search import contains

_t = events.c
_LATEST_ID_MS = (1 << 48) - 1


def event_of(row: Row[Any]) -> Event:
    """The event of a row of all columns, also of one that was edited, or written by a newer version."""
    return Event(
        row.id,
        row.at_ms,
        row.name,
        row.actor,
        row.subject,
        Origin(row.door, row.client_address, row.user_agent, row.request_id),
        _parse_detail(row.detail),
    )


def _parse_detail(text: str) -> dict[str, Any]:
    try:
        detail = json.loads(text)
    except ValueError:
        detail = None
    return detail if isinstance(detail, dict) else {"unreadable": text}


def find(
    connection: Connection, search: EventSearch, before_id: str | None, limit: int, look: int = MAX_EVENTS_READ
) -> EventPage:
    """At most ``limit`` matching events among the next ``look`` events."""
    if not search.reads_rows:
        found = _list_events(connection, _select_window(search, before_id, limit + 1))
        return EventPage(found[:limit], found[limit - 1].id if len(found) > limit else None)
    window = _select_window(search, before_id, look).subquery("looked")
    order = window.c[_get_order(search).name]
    found = _list_events(connection, _select_matching(window, search).order_by(order.desc()).limit(limit + 1))
    if len(found) > limit:
        return EventPage(found[:limit], found[limit - 1].id)
    count = connection.execute(select(func.count()).select_from(window)).scalar_one()
    oldest = connection.execute(select(window.c.id, window.c.at_ms).order_by(order).limit(1)).first()
    if oldest is None:
        return EventPage([], None)
    return EventPage(found, oldest.id if count == look else None, oldest.at_ms)


def _get_order(search: EventSearch) -> ColumnElement[Any]:
    return _t.id if search.is_limited_in_time and search.subject is None else _t.seq


def _select_window(search: EventSearch, before_id: str | None, limit: int) -> Select[Any]:
    """The next ``limit`` events as one span of one index: all that the caller may see, about one thing, or of a time.

    Events that the caller may not see are left out here already: the cursor of the next page must not name one. The
    indexes lack them, so however many there are, a step costs the same.
    """
    order = _get_order(search)
    query = select(events).order_by(order.desc()).limit(limit)
    if search.keys_only:
        index = "subject_seq" if search.subject is not None else order.key
        query = query.where(EVENTS_OF_KEYS)
        # SQLite would rather read the table, and all events that the caller may not see.
        query = query.with_hint(events, f"INDEXED BY ix_events_of_keys_{index}", "sqlite")
    if search.subject is not None:
        query = query.where(_t.subject == search.subject)
    elif search.since_ms is not None:
        query = query.where(_t.id >= _find_lowest_id(search.since_ms))
    if search.subject is None and search.until_ms is not None:
        query = query.where(_t.id < _find_lowest_id(search.until_ms))
    if before_id is None:
        return query
    if order is _t.id:
        return query.where(_t.id < before_id)
    return query.where(_t.seq < select(_t.seq).where(_t.id == before_id).scalar_subquery())


def _select_matching(window: Subquery, search: EventSearch) -> Select[Any]:
    query, column = select(window), window.c
    if search.names is not None:
        query = query.where(column.name.in_(search.names))
    exact = {
        column.actor: search.actor,
        column.door: search.door,
        column.client_address: search.address,
        column.request_id: search.request_id,
    }
    for field, value in exact.items():
        if value is not None:
            query = query.where(field == value)
    if search.since_ms is not None:
        query = query.where(column.at_ms >= search.since_ms)
    if search.until_ms is not None:
        query = query.where(column.at_ms < search.until_ms)
    if search.text is not None:
        query = query.where(_contains(column, search.text))
    return query


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether one of these texts contains it. ``detail`` is JSON in ASCII."""
    places = (column.name, column.actor, column.subject, column.client_address, column.user_agent)
    return or_(*(contains(place, text) for place in places), contains(column.detail, json.dumps(text)[1:-1]))


def _list_events(connection: Connection, query: Select[Any]) -> list[Event]:
    return [event_of(row) for row in connection.execute(query)]


def _find_lowest_id(at_ms: int) -> str:
    """Sorts before all ids of events at this time or later."""
    return id_prefix("evt", max(0, min(at_ms, _LATEST_ID_MS)))
