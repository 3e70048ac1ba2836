"""What notifications need from storage, and what sends."""

from typing import Protocol

from ari.base.events import Event, EventStore
from ari.base.seal import SealedStore
from ari.notifications.model import Letter, Notice, Outcome, Subject


class Sender(Protocol):
    """Hands mails over to a mail service."""

    @property
    def name(self) -> str:
        """Such as ``resend``."""

    async def send(self, letter: Letter, key: str, within_seconds: float) -> Outcome:
        """Hand one mail over. ``key`` is the same for every try of the same mail."""


class EventFeed(Protocol):
    """The audit trail as it goes on, and what its events are about."""

    def has_unread(self) -> bool:
        """Whether there are events that no notices were made of."""

    def unread(self, limit: int) -> list[Event]:
        """The next events that no notices were made of, oldest first; until the transaction ends they are ours."""

    def mark_read(self, last: Event) -> None:
        """Notices were made of all events up to this one."""

    def event(self, event_id: str) -> Event | None: ...

    def subject(self, subject_id: str) -> Subject | None:
        """The key with this id, deleted or not."""

    def owner_address(self) -> str | None:
        """Where the owner gets mail."""


class NoticeStore(Protocol):
    """Notices inside one transaction."""

    def add(self, notice: Notice) -> bool:
        """Store a notice; ``False`` if there is one of this kind and event."""

    def get(self, notice_id: str) -> Notice | None: ...

    def page(self, before_id: str | None, limit: int) -> list[Notice]:
        """Newest first."""

    def mailed_since(self, kind: str, since_ms: int) -> int:
        """How many notices of this kind were made since then that are mails of their own."""

    def open_digest(self) -> Notice | None:
        """The digest that still takes notices up."""

    def in_digest(self, digest_id: str, limit: int) -> list[Notice]:
        """The first notices of a digest, oldest first."""

    def digest_counts(self, digest_id: str) -> dict[str, int]:
        """How many notices of each kind a digest holds."""

    def forget_before(self, made_at_ms: int) -> int:
        """Drop the finished notices made before then; how many."""


class OutboxStore(Protocol):
    """The notices that wait, one sender at a time for each."""

    def any_due(self, now_ms: int, lease_ms: int) -> bool:
        """Whether there is a notice to claim."""

    def claim(self, now_ms: int, lease_ms: int, holder: str) -> Notice | None:
        """Take a notice that is due, or whose sender is gone, for ``lease_ms``; nobody else gets it meanwhile."""

    def finish(self, notice: Notice, holder: str) -> bool:
        """Write how a try went, end the lease, and forget the frozen mail of a notice that is done with.

        ``False``, and nothing written, if the lease is another's by now.
        """

    def frozen(self, notice_id: str) -> str | None:
        """The mail as it was first tried."""

    def freeze(self, notice: Notice, letter: str | None) -> None:
        """Write down that a claimed notice is about to be tried, and its mail unless that is kept elsewhere."""


class Notes(Protocol):
    """Small facts by name."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str | None) -> None:
        """Set a note; ``None`` removes it."""


class NoticeTransaction(Protocol):
    """One transaction over notices, what they are made of, and events."""

    @property
    def feed(self) -> EventFeed: ...

    @property
    def notices(self) -> NoticeStore: ...

    @property
    def outbox(self) -> OutboxStore: ...

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def notes(self) -> Notes: ...

    @property
    def events(self) -> EventStore: ...
