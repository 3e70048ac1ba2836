"""The audit trail in SQL; fulfils ``base.events.EventStore``. Triggers forbid updates and deletes of its rows."""

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from ari.base.events import Event, Origin, chain_hash
from ari.storage.audit import FIRST
from ari.storage.dialect import lock_chain
from ari.storage.failover.begin import histories_in
from ari.storage.failover.record import SeenEvent
from ari.storage.tables import events

_t = events.c


class EventTables:
    """Events inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.appended: list[SeenEvent] = []
        """What was appended here, to be remembered once it is committed."""
        self.histories: list[str] = []
        """The ids of the database's history, read with the first event."""

    def append(self, event: Event) -> None:
        lock_chain(self.connection)
        last = self.connection.execute(select(_t.hash).order_by(_t.seq.desc()).limit(1)).scalar()
        new_hash = chain_hash(last or FIRST, event)
        inserted = self.connection.execute(
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
                hash=new_hash,
            )
        )
        key: Any = inserted.inserted_primary_key
        self.appended.append(SeenEvent(key[0], event.id, new_hash, event.at_ms, event.name, event.subject))
        if not self.histories:
            self.histories = histories_in(self.connection)

    def page(self, subject: str | None, before_id: str | None, limit: int, *, keys_only: bool = False) -> list[Event]:
        query = select(events).order_by(_t.seq.desc()).limit(limit)
        if subject is not None:
            query = query.where(_t.subject == subject)
        if keys_only:
            query = query.where(_t.name.startswith("key_", autoescape=True))
        if before_id is not None:
            query = query.where(_t.seq < select(_t.seq).where(_t.id == before_id).scalar_subquery())
        return [event_of(row) for row in self.connection.execute(query)]

    def has(self, subject: str, name: str) -> bool:
        query = select(_t.seq).where(_t.subject == subject, _t.name == name).limit(1)
        return self.connection.execute(query).first() is not None


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
