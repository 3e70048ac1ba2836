"""The audit log from its oldest event on, page by page, for collectors that keep a copy of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ari.base.audit import Mark
from ari.base.audit_lines import ChainedEvent, write_head
from ari.base.errors import Conflict
from ari.base.transaction import CommandTransaction, record

MAX_EVENTS = 10_000
MAX_BYTES = 8 * 1024 * 1024
"""Of the details of one page, unless its first event alone has more."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The next events, oldest first. ``head`` is the signed head if the page ends with the newest event."""

    events: list[ChainedEvent]
    is_last: bool
    head: Mark | None

    def to_lines(self) -> Iterator[bytes]:
        """The lines of the events, and of the head."""
        for one in self.events:
            yield one.to_line()
        if self.head is not None:
            yield write_head(self.head)


class FeedEvents(Protocol):
    def read_after(self, after_id: str | None, limit: int) -> FeedPage | None:
        """At most ``limit`` events after this one (``None``: from the oldest on).

        ``None`` if there is no such event, nor is it the last one that retention removed.
        """

    def has_after(self, after_id: str | None) -> bool:
        """Whether the newest event is another one."""

    def find_position(self, event_id: str) -> int | None:
        """A number that grows along the log; that of the last event that retention removed is below all others.

        ``None`` if there is no such event.
        """

    def find_oldest(self) -> str | None:
        """The oldest event that is left."""

    def find_waiting_since(self, after_id: str | None) -> int | None:
        """The time of the first event after this one, or of the oldest of all if there is no such event."""


class FeedTransaction(Protocol):
    """A transaction that reads the audit log for collectors."""

    @property
    def audit_feed(self) -> FeedEvents: ...


def has_after(tx: FeedTransaction, after_id: str | None) -> bool:
    """Whether ``read_page`` would return events."""
    return tx.audit_feed.has_after(after_id)


def read_page(tx: FeedTransaction, after_id: str | None, limit: int) -> FeedPage:
    """The next events after this one. Raises ``Conflict("cursor_gone")`` if the audit log doesn't have it."""
    page = tx.audit_feed.read_after(after_id, limit)
    if page is None:
        oldest = tx.audit_feed.find_oldest()
        begins = f"Its oldest event is {oldest}. " if oldest else ""
        raise Conflict(
            "cursor_gone",
            f"The audit log has no event with this ID. {begins}Continue without a cursor, from its oldest event on.",
        )
    return page


def read_page_or_oldest(tx: FeedTransaction, after_id: str | None, limit: int) -> tuple[FeedPage, bool]:
    """Like ``read_page``, but from the oldest event on if the event is gone; whether it is gone."""
    page = tx.audit_feed.read_after(after_id, limit)
    return (read_page(tx, None, limit), True) if page is None else (page, False)


def record_start(tx: CommandTransaction) -> None:
    """Record that somebody begins to collect the audit log.

    Reading on from a cursor isn't recorded: each event about it would be another one to read.
    """
    record(tx, "events_exported", None, {"format": "chain"})
