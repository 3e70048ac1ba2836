"""Notices and their emails in SQL; implements the ports of ``ari.notifications``."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, or_, select, update

from ari.base.events import Event
from ari.notifications.model import Notice, NoticeState, Subject
from ari.storage.audit_log.search import event_of
from ari.storage.dialect import insert
from ari.storage.tables import accounts, api_keys, events, notes, notices

READ = "notices_read"
"""The note with the id of the last event that notices were made of; numbers of events do not survive a restore."""
_OPEN = ("waiting", "sending")
_MAILED = ("waiting", "sending", "sent", "failed")
_DIGEST = "digest"
_t = notices.c
_FIELDS = [_t[name] for name in Notice.__dataclass_fields__]


class MarkedEvents:
    """The events that a reader of the audit log hasn't read yet; ``mark`` is the note with the id of its last."""

    def __init__(self, connection: Connection, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def has_unread(self) -> bool:
        last = select(notes.c.value).where(notes.c.name == self._mark).scalar_subquery()
        return bool(self._connection.execute(select(exists().where(_after(last)))).scalar())

    def unread_numbered(self, limit: int | None) -> list[tuple[int, Event]]:
        """The next events with their running numbers, oldest first, locked until the transaction ends."""
        # an insert that changes nothing where the row exists: it locks the row, and reads it, in one statement
        blank = insert(self._connection, notes).values(name=self._mark, value="")
        locking = blank.on_conflict_do_update(index_elements=["name"], set_={"name": blank.excluded.name})
        last = self._connection.execute(locking.returning(notes.c.value)).scalar_one()
        query = select(events).where(_after(last)).order_by(events.c.seq).limit(limit)
        return [(row.seq, event_of(row)) for row in self._connection.execute(query)]

    def mark_read(self, last: Event) -> None:
        self._put(last.id)

    def newest_seq(self) -> int:
        """The number of the newest event; 0 for an empty log."""
        return self._connection.execute(select(func.max(events.c.seq))).scalar() or 0

    def skip_to_newest(self) -> None:
        """Mark all events as read."""
        newest = self._connection.execute(select(events.c.id).order_by(events.c.seq.desc()).limit(1)).scalar()
        self._put(newest or "")

    def _put(self, event_id: str) -> None:
        row = insert(self._connection, notes).values(name=self._mark, value=event_id)
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": event_id}))


class FeedTables(MarkedEvents):
    """Implements ``EventFeed`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, READ)

    def unread(self, limit: int) -> list[Event]:
        return [event for _, event in self.unread_numbered(limit)]

    def event(self, event_id: str) -> Event | None:
        row = self._connection.execute(select(events).where(events.c.id == event_id)).first()
        return None if row is None else event_of(row)

    def subject(self, subject_id: str) -> Subject | None:
        query = select(api_keys.c.name, api_keys.c.hint).where(api_keys.c.id == subject_id)
        row = self._connection.execute(query).first()
        return None if row is None else Subject(row.name, row.hint)

    def owner_address(self) -> str | None:
        return self._connection.execute(select(accounts.c.email).where(accounts.c.role == "owner")).scalar()


def _after(last_id: Any) -> ColumnElement[bool]:
    place = select(events.c.seq).where(events.c.id == last_id).scalar_subquery()
    return events.c.seq > func.coalesce(place, 0)


class NoticeTables:
    """Implements ``NoticeStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, notice: Notice) -> bool:
        row = insert(self._connection, notices).values(**asdict(notice)).on_conflict_do_nothing()
        # not rowcount, which is -1 for an insert on PostgreSQL
        return self._connection.execute(row.returning(notices.c.id)).first() is not None

    def get(self, notice_id: str) -> Notice | None:
        return self._first(_t.id == notice_id)

    def page(self, before_id: str | None, limit: int, without: NoticeState | None = None) -> list[Notice]:
        query = select(*_FIELDS).order_by(_t.id.desc()).limit(limit)
        if without is not None:
            query = query.where(_t.state != without)
        if before_id is not None:
            query = query.where(_t.id < before_id)
        return [_notice(row) for row in self._connection.execute(query)]

    def count_in(self, state: NoticeState) -> int:
        return self._connection.execute(select(func.count()).where(_t.state == state)).scalar_one()

    def count_emailed_since(self, kind: str, since_ms: int) -> int:
        query = select(func.count()).where(_t.kind == kind, _t.made_at_ms >= since_ms, _t.state.in_(_MAILED))
        return self._connection.execute(query).scalar_one()

    def open_digest(self) -> Notice | None:
        return self._first(and_(_t.kind == _DIGEST, _t.state == "waiting", _t.attempts == 0), lock=True)

    def in_digest(self, digest_id: str, limit: int) -> list[Notice]:
        query = select(*_FIELDS).where(_t.digest_id == digest_id).order_by(_t.id).limit(limit)
        return [_notice(row) for row in self._connection.execute(query)]

    def digest_counts(self, digest_id: str) -> dict[str, int]:
        query = select(_t.kind, func.count().label("number")).where(_t.digest_id == digest_id).group_by(_t.kind)
        return {row.kind: row.number for row in self._connection.execute(query)}

    def count_open(self) -> tuple[int, int | None]:
        query = select(func.count(), func.min(_t.next_try_at_ms)).where(_t.state.in_(_OPEN))
        count, due_ms = self._connection.execute(query).one()
        return count, due_ms

    def forget_before(self, made_at_ms: int) -> int:
        gone = delete(notices).where(_t.made_at_ms < made_at_ms, _t.state.not_in(_OPEN))
        return self._connection.execute(gone).rowcount

    def _first(self, condition: ColumnElement[bool], *, lock: bool = False) -> Notice | None:
        query = select(*_FIELDS).where(condition).order_by(_t.id).limit(1)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        return None if row is None else _notice(row)


class OutboxTables:
    """Implements ``OutboxStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_due(self, now_ms: int, lease_ms: int) -> bool:
        return bool(self._connection.execute(select(exists().where(_is_due(now_ms, lease_ms)))).scalar())

    def claim(self, now_ms: int, lease_ms: int, holder: str) -> Notice | None:
        due = select(*_FIELDS).where(_is_due(now_ms, lease_ms)).order_by(_t.next_try_at_ms, _t.id).limit(1)
        row = self._connection.execute(due.with_for_update(skip_locked=True)).first()
        if row is None:
            return None
        lease = {"state": "sending", "lease_holder": holder, "lease_until_ms": now_ms + lease_ms}
        self._connection.execute(update(notices).where(_t.id == row.id).values(**lease))
        return _notice(row, state="sending")

    def finish(self, notice: Notice, holder: str) -> bool:
        ended: dict[str, Any] = {"lease_holder": None, "lease_until_ms": None}
        if notice.state not in _OPEN:
            ended["letter"] = None
        ours = and_(_t.id == notice.id, _t.state == "sending", _t.lease_holder == holder)
        return self._connection.execute(update(notices).where(ours).values(**asdict(notice), **ended)).rowcount == 1

    def frozen(self, notice_id: str) -> str | None:
        return self._connection.execute(select(_t.letter).where(_t.id == notice_id)).scalar()

    def freeze(self, notice: Notice, letter: str | None) -> None:
        self._connection.execute(update(notices).where(_t.id == notice.id).values(**asdict(notice), letter=letter))


def _is_due(now_ms: int, lease_ms: int) -> ColumnElement[bool]:
    """Waits for a try, or for another sender: its lease is over, or from a time that the clock has left."""
    lost = or_(_t.lease_until_ms <= now_ms, _t.lease_until_ms > now_ms + lease_ms)
    return or_(and_(_t.state == "waiting", _t.next_try_at_ms <= now_ms), and_(_t.state == "sending", lost))


def _notice(row: Row[Any], **instead: Any) -> Notice:
    return Notice(**{**row._mapping, **instead})
