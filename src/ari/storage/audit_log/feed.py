"""Reads the audit log in the order of its chain; implements ``base.audit_feed.FeedEvents``."""

from typing import Any

from sqlalchemy import Connection, func, select

from ari.base.audit import FIRST, Cut, Head, Mark
from ari.base.audit_feed import MAX_BYTES, FeedPage
from ari.base.audit_lines import ChainedEvent
from ari.base.errors import Unavailable
from ari.base.master_key import MasterKeys
from ari.storage.audit_log.marks import AuditMarks
from ari.storage.audit_log.search import event_of
from ari.storage.tables import events

_t = events.c
_ROWS_AT_ONCE = 500
_ATTEMPTS = 5


class AuditFeed:
    """The chain inside the transaction of ``connection``. Its statements need not see the same moment."""

    def __init__(self, connection: Connection, keys: MasterKeys) -> None:
        self._connection = connection
        self._marks = AuditMarks(connection, keys)

    def read_after(self, after_id: str | None, limit: int) -> FeedPage | None:
        for _ in range(_ATTEMPTS):
            head, cut = self._marks.head(), self._marks.cut()
            place = self._find_place(after_id, cut)
            page = None if place is None else self._read_page(*place, limit)
            if self._marks.cut() == cut:  # retention removed nothing while this page was read
                return None if page is None else self._add_head(page, head)
        raise Unavailable("Old events are being removed from the audit log. Try again.")

    def has_after(self, after_id: str | None) -> bool:
        return self._connection.execute(select(_t.id).order_by(_t.seq.desc()).limit(1)).scalar() != after_id

    def find_position(self, event_id: str) -> int | None:
        place = self._find_place(event_id, self._marks.cut())
        return None if place is None else place[0]

    def find_oldest(self) -> str | None:
        return self._connection.execute(select(_t.id).order_by(_t.seq).limit(1)).scalar()

    def find_waiting_since(self, after_id: str | None) -> int | None:
        place: Any = select(_t.seq).where(_t.id == after_id).scalar_subquery()
        after = _t.seq > func.coalesce(place, -1)
        return self._connection.execute(select(_t.at_ms).where(after).order_by(_t.seq).limit(1)).scalar()

    def _find_place(self, after_id: str | None, cut: Mark | None) -> tuple[int, str] | None:
        """The number and the hash of the event to continue after."""
        if after_id is not None:
            row = self._connection.execute(select(_t.seq, _t.hash).where(_t.id == after_id)).first()
            if row is not None:
                return row.seq, row.hash
        known = None if cut is None else Cut.parse(cut.text)
        if after_id is None or (known is not None and known.event_id == after_id):
            return -1, FIRST if known is None else known.hash
        return None

    def _read_page(self, seq: int, previous: str, limit: int) -> FeedPage:
        query = select(events).where(_t.seq > seq).order_by(_t.seq).limit(limit + 1)
        found: list[ChainedEvent] = []
        size = 0
        with self._connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)) as rows:
            for row in rows:
                size += len(row.detail)
                if len(found) == limit or (found and size > MAX_BYTES):
                    return FeedPage(found, is_last=False, head=None)
                found.append(ChainedEvent(event_of(row), previous, row.hash))
                previous = row.hash
        return FeedPage(found, is_last=True, head=None)

    def _add_head(self, page: FeedPage, head: Mark | None) -> FeedPage:
        """End the page with the head that was signed before it was read; a later one may be of an event after it."""
        if not page.is_last:
            return page
        if head == self._marks.head():
            return FeedPage(page.events, is_last=True, head=head)
        named = None if head is None else Head.parse(head.text)
        ids = [one.event.id for one in page.events]
        if named is None or named.event_id not in ids:
            return FeedPage(page.events, is_last=False, head=None)
        return FeedPage(page.events[: ids.index(named.event_id) + 1], is_last=True, head=head)
