"""The audit log in SQL; implements ``base.audit.PrunableEvents``. Triggers forbid updates and deletes of its rows."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, update

from ari.base.audit import FIRST, Cut, Head, Mark, broken
from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.errors import ConfigurationError
from ari.base.event_search import EventPage, EventSearch
from ari.base.events import BOUNDED_EVENTS, EVENT_NAMES, Event, chain_hash, make_count_event
from ari.base.ids import new_id
from ari.base.master_key import MasterKeys
from ari.storage.audit_log.chain import follows
from ari.storage.audit_log.marks import AuditMarks
from ari.storage.audit_log.search import event_of, find
from ari.storage.failover.begin import histories_in
from ari.storage.failover.record import SeenEvent
from ari.storage.tables import event_counts, events

_t = events.c
_c = event_counts.c
_LONGEST_MS = 2 * DAY_MS
"""A count that would end later is of a clock that was set back."""


class EventTables:
    """Events inside the transaction of ``connection``, which holds the lock of the chain from its beginning.

    ``sign`` ends each transaction that wrote any.
    """

    def __init__(self, connection: Connection, keys: MasterKeys) -> None:
        self.connection = connection
        self.marks = AuditMarks(connection, keys)
        self._keys = keys
        self.appended: list[SeenEvent] = []
        """Events appended by this transaction, to be remembered once it has committed."""
        self.histories: list[str] = []
        """The ids of the database's history, read with the first event."""
        self._before: tuple[str, str] | None = None
        self._last = Head("", 0, None, FIRST, 0)
        self._accepted: bool | None = None
        self._ended: Sequence[Head] | None = None

    @property
    def is_changed(self) -> bool:
        """Whether this transaction wrote events."""
        return bool(self.appended)

    @property
    def is_accepted(self) -> bool:
        """Whether this transaction signs the audit log as it is."""
        return self._accepted is not None

    def append(self, event: Event) -> None:
        self.append_all([event])

    def append_all(self, added: Sequence[Event]) -> None:
        if not added:
            return
        rows = self._chain(added)
        # One by one, SQLAlchemy's work for 10,000 events takes seconds, during which nobody else can write.
        inserted = events.insert().returning(_t.seq, sort_by_parameter_order=True)
        numbers = self.connection.execute(inserted, rows).scalars().all()
        self.appended += [
            SeenEvent(number, event.id, row["hash"], event.at_ms, event.name, event.subject)
            for number, event, row in zip(numbers, added, rows, strict=True)
        ]
        self._last = Head("", len(self.appended), added[-1].id, rows[-1]["hash"], added[-1].at_ms)

    def _chain(self, added: Sequence[Event]) -> list[dict[str, Any]]:
        """The rows of these events, which follow the last one."""
        if not self.appended:
            self._before = self.newest()
            self.histories = histories_in(self.connection)
        previous = self.appended[-1].hash if self.appended else FIRST if self._before is None else self._before[1]
        rows = []
        for event in added:
            if event.name not in EVENT_NAMES:
                raise ValueError(f"unknown event name {event.name}")
            previous = chain_hash(previous, event)
            rows.append(
                {
                    "id": event.id,
                    "at_ms": event.at_ms,
                    "name": event.name,
                    "actor": event.actor,
                    "subject": event.subject,
                    "door": event.origin.door,
                    "client_address": event.origin.client_address,
                    "user_agent": event.origin.user_agent,
                    "request_id": event.origin.request_id,
                    "detail": json.dumps(event.detail, sort_keys=True),
                    "hash": previous,
                }
            )
        return rows

    def sign(self) -> Mark | None:
        """Sign the head if this transaction wrote events; call it before the commit. ``None`` if nothing was signed."""
        if self._accepted is not None:
            return self._sign_all(keep_identity=self._accepted)
        return self.marks.advance(self._before, self._last, self._ended) if self.appended else None

    def accept(self, *, keep_identity: bool = True) -> None:
        """Sign the audit log as it is when this transaction ends, whatever was signed before."""
        self._accepted = keep_identity

    def begin_history(self, ended: Sequence[Head]) -> None:
        """Let the head say, when this transaction ends, that a new history replaces those that ended with these heads.

        Nodes that committed an event of an ended history then follow this one.
        """
        self._ended = ended

    def ensure_head(self, now_ms: int) -> None:
        """Sign the head of an audit log without events, so that the instance has an identity."""
        if self.marks.head() is None and self.connection.execute(select(_t.seq).limit(1)).first() is None:
            self.marks.sign_head(Head(new_id("ins", now_ms), 0, None, FIRST, now_ms))

    def remove_before(self, before_ms: int, limit: int) -> tuple[Cut, int] | None:
        first_kept = self.connection.execute(select(func.min(_t.seq)).where(_t.at_ms >= before_ms)).scalar()
        if first_kept is None:  # the newest stays, so that no number of a removed event is given out again
            first_kept = self.connection.execute(select(func.max(_t.seq))).scalar() or 0
        query = select(events).where(_t.seq < first_kept).order_by(_t.seq).limit(limit)
        old = [dict(row) for row in self.connection.execute(query).mappings()]
        if not old:
            return None
        cut = self._next_cut(old)
        if self.marks.sign_cut(cut, old[-1]["seq"]) is None:
            raise broken("there is no master key here that signs the cut")
        self.connection.execute(delete(events).where(_t.seq <= old[-1]["seq"]))
        return cut, len(old)

    def _next_cut(self, old: list[dict[str, Any]]) -> Cut:
        """The cut after these events, once they are found to be what was signed."""
        before, head = self.marks.get_trusted_cut(), self.marks.get_trusted_head()
        if before is None and self.marks.cut() is not None:
            raise broken("the cut that retention left was not signed with a master key that is here")
        if head is None or (head.event_id, head.hash) != self.newest():
            raise broken("its signed head is not its last event")
        previous = FIRST if before is None else before.hash
        for row in old:
            if not follows(previous, row):
                raise broken(f"the event {row['id']} does not follow from the one before")
            previous = row["hash"]
        times = [row["at_ms"] for row in old] + ([] if before is None else [before.first_at_ms, before.last_at_ms])
        removed = len(old) + (0 if before is None else before.removed)
        return Cut(head.instance, removed, min(times), max(times), old[-1]["id"], old[-1]["hash"])

    def _sign_all(self, *, keep_identity: bool) -> Mark | None:
        """Sign the cut and the head of the present events again. Use another identity for a copy of unknown origin."""
        count, last_seq = self.connection.execute(select(func.count(), func.max(_t.seq)).select_from(events)).one()
        last = self.connection.execute(select(_t.id, _t.hash, _t.at_ms).where(_t.seq == last_seq)).one()
        head_mark, cut_mark = self.marks.head(), self.marks.cut()
        known = None if head_mark is None else Head.parse(head_mark.text)
        instance = known.instance if known is not None and keep_identity else new_id("ins", last.at_ms)
        cut = None if cut_mark is None else Cut.parse(cut_mark.text)
        removed = 0
        if cut is not None:
            removed = cut.removed
            self.marks.sign_cut(replace(cut, instance=instance), None, may_make_key=not keep_identity)
        position = removed + count
        head = Head(instance, position, last.id, last.hash, last.at_ms, accepted=position)
        ours = self.marks.get_trusted_head() if keep_identity else None
        if ours is not None:
            head = replace(head, history=ours.history, replaced=ours.replaced)
        if self._ended is not None:
            head = head.begin_history(self._ended)
        signed = self.marks.sign_head(head, may_make_key=not keep_identity)
        if signed is None and head_mark is not None and keep_identity:
            raise ConfigurationError(self._keys.describe_missing())
        return signed

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
            self.append(make_count_event(row.name, row.subject or None, row.counted, row.began_at_ms, now_ms))
        return len(counted)

    def page(self, subject: str | None, before_id: str | None, limit: int) -> list[Event]:
        return self.search(EventSearch(subject=subject), before_id, limit).events

    def search(self, search: EventSearch, before_id: str | None, limit: int) -> EventPage:
        return find(self.connection, search, before_id, limit)

    def get(self, event_id: str) -> Event | None:
        row = self.connection.execute(select(events).where(_t.id == event_id)).first()
        return None if row is None else event_of(row)

    def newest(self) -> tuple[str, str] | None:
        last = self.connection.execute(select(_t.id, _t.hash).order_by(_t.seq.desc()).limit(1)).first()
        return None if last is None else (last.id, last.hash)

    def is_signed_here(self) -> bool:
        return self.marks.is_signed_here()

    def begins_before(self, at_ms: int) -> bool:
        """Whether the first event is older, and not the only one."""
        first = list(self.connection.execute(select(_t.at_ms).order_by(_t.seq).limit(2)).scalars())
        return len(first) > 1 and first[0] < at_ms

    def hash_of(self, event_id: str) -> str | None:
        """The hash of an event that is in the audit log, or is the last one before its cut."""
        found = self.connection.execute(select(_t.hash).where(_t.id == event_id)).scalar()
        cut = self.marks.get_trusted_cut() if found is None else None
        return cut.hash if cut is not None and cut.event_id == event_id else found

    def has(self, subject: str, name: str) -> bool:
        query = select(_t.seq).where(_t.subject == subject, _t.name == name).limit(1)
        return self.connection.execute(query).first() is not None


def _is_over(now_ms: int) -> ColumnElement[bool]:
    return or_(_c.ends_at_ms <= now_ms, _c.ends_at_ms > now_ms + _LONGEST_MS)
