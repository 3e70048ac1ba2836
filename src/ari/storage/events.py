"""The audit trail in SQL; fulfils ``base.events.EventStore``. Triggers forbid updates and deletes of its rows."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, or_, select, update

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.events import BOUNDED_EVENTS, Event, Origin, chain_hash, counted_event
from ari.storage.audit import FIRST
from ari.storage.failover.begin import histories_in
from ari.storage.failover.record import SeenEvent
from ari.storage.tables import event_counts, events

_t = events.c
_c = event_counts.c
_LONGEST_MS = 2 * DAY_MS
"""A count that would end later is of a clock that was set back."""


class EventTables:
    """Events inside the transaction of ``connection``, which holds the lock of the chain from its beginning."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.appended: list[SeenEvent] = []
        """What was appended here, to be remembered once it is committed."""
        self.histories: list[str] = []
        """The ids of the database's history, read with the first event."""

    def append(self, event: Event) -> None:
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

    def append_bounded(self, event: Event, most: int = BOUNDED_EVENTS, within_ms: int = HOUR_MS) -> None:
        this = and_(_c.name == event.name, _c.subject == (event.subject or ""))
        self._end_counts(and_(this, _is_over(event.at_ms)), event.at_ms)
        count = self.connection.execute(select(_c.written).where(this)).scalar()
        if count is not None and count >= most:
            self.connection.execute(update(event_counts).where(this).values(counted=_c.counted + 1))
            return
        self.append(event)
        if count is not None:
            self.connection.execute(update(event_counts).where(this).values(written=_c.written + 1))
            return
        begun = {"began_at_ms": event.at_ms, "ends_at_ms": event.at_ms + within_ms, "written": 1, "counted": 0}
        row = event_counts.insert().values(name=event.name, subject=event.subject or "", **begun)
        self.connection.execute(row)

    def append_counts(self, now_ms: int) -> int:
        return self._end_counts(_is_over(now_ms), now_ms)

    def any_counts(self, now_ms: int) -> bool:
        """Whether ``append_counts`` has something to do."""
        return bool(self.connection.execute(select(exists().where(_is_over(now_ms)))).scalar())

    def _end_counts(self, which: ColumnElement[bool], now_ms: int) -> int:
        ended = self.connection.execute(select(event_counts).where(which).order_by(_c.name, _c.subject)).all()
        if not ended:
            return 0
        self.connection.execute(delete(event_counts).where(which))
        counted = [row for row in ended if row.counted]
        for row in counted:
            self.append(counted_event(row.name, row.subject or None, row.counted, row.began_at_ms, now_ms))
        return len(counted)

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


def _is_over(now_ms: int) -> ColumnElement[bool]:
    return or_(_c.ends_at_ms <= now_ms, _c.ends_at_ms > now_ms + _LONGEST_MS)


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
