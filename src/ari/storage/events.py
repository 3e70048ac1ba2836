"""The audit trail in SQL; fulfils ``base.events.EventStore``. Triggers forbid updates and deletes of its rows."""

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from ari.base.events import Event, Origin, chain_hash
from ari.storage.audit import FIRST
from ari.storage.tables import events

_t = events.c


class EventTables:
    """Events inside the transaction of ``connection``, which holds the lock of the chain from its beginning."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, event: Event) -> None:
        last = self._connection.execute(select(_t.hash).order_by(_t.seq.desc()).limit(1)).scalar()
        self._connection.execute(
            events.insert().values(
                id=event.id,
                at_ms=event.at_ms,
                name=event.name,
                actor=event.actor,
                subject=event.subject,
                door=event.origin.door,
                client_address=event.origin.client_address,
                user_agent=event.origin.user_agent,
                request_id=event.origin.request_id,
                detail=json.dumps(event.detail, sort_keys=True),
                hash=chain_hash(last or FIRST, event),
            )
        )

    def page(self, subject: str | None, before_id: str | None, limit: int, *, keys_only: bool = False) -> list[Event]:
        query = select(events).order_by(_t.seq.desc()).limit(limit)
        if subject is not None:
            query = query.where(_t.subject == subject)
        if keys_only:
            query = query.where(_t.name.startswith("key_", autoescape=True))
        if before_id is not None:
            query = query.where(_t.seq < select(_t.seq).where(_t.id == before_id).scalar_subquery())
        return [event_of(row) for row in self._connection.execute(query)]

    def has(self, subject: str, name: str) -> bool:
        query = select(_t.seq).where(_t.subject == subject, _t.name == name).limit(1)
        return self._connection.execute(query).first() is not None


def event_of(row: Row[Any]) -> Event:
    """The event of a row of all columns."""
    return Event(
        row.id,
        row.at_ms,
        row.name,
        row.actor,
        row.subject,
        Origin(row.door, row.client_address, row.user_agent, row.request_id),
        json.loads(row.detail),
    )
