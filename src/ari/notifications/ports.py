"""What notifications need from storage, from mail services and to render HTML."""

from typing import Protocol

from ari.base.events import Event
from ari.base.master_key import MasterKeys
from ari.base.seal import SealedStore
from ari.base.transaction import CommandTransaction, KeyValueStore, Runner
from ari.notifications.model import Email, EmailContent, MailConfig, Notice, NoticeState, SendResult, Subject


class Sender(Protocol):
    """Sends emails through a mail service."""

    @property
    def name(self) -> str:
        """Such as ``resend``."""

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        """Send one email. ``key`` is the same for every attempt of the same email."""


class HtmlRenderer(Protocol):
    """Renders an email as HTML and escapes every value."""

    def __call__(self, content: EmailContent, link: str | None, footer: str) -> str: ...


class MailService(Protocol):
    """The mail service in use; ``sender`` is ``None`` where email is off."""

    sender: Sender | None
    config: MailConfig
    render_html: HtmlRenderer

    async def refresh(self, run: Runner) -> None:
        """Follow a mail key that was stored or removed."""


class EventFeed(Protocol):
    """New events of the audit log, and the keys they are about."""

    def has_unread(self) -> bool:
        """Whether there are events without notices."""

    def unread(self, limit: int) -> list[Event]:
        """The next events without notices, oldest first, locked until the transaction ends."""

    def mark_read(self, last: Event) -> None:
        """Mark all events up to this one as read."""

    def event(self, event_id: str) -> Event | None: ...

    def subject(self, subject_id: str) -> Subject | None:
        """The key with this id, also if it was deleted."""

    def owner_address(self) -> str | None:
        """The owner's email address."""


class NoticeStore(Protocol):
    """Notices inside one transaction."""

    def add(self, notice: Notice) -> bool:
        """Store a notice; ``False`` if there is already one for this kind and event."""

    def get(self, notice_id: str) -> Notice | None: ...

    def page(self, before_id: str | None, limit: int, without: NoticeState | None = None) -> list[Notice]:
        """Newest first, without those of one state."""

    def count_in(self, state: NoticeState) -> int:
        """How many notices have this state."""

    def count_emailed_since(self, kind: str, since_ms: int) -> int:
        """The number of notices of this kind since then that have their own email."""

    def open_digest(self) -> Notice | None:
        """The digest that more notices can be added to."""

    def in_digest(self, digest_id: str, limit: int) -> list[Notice]:
        """The first notices of a digest, oldest first."""

    def digest_counts(self, digest_id: str) -> dict[str, int]:
        """The number of notices of each kind in a digest."""

    def count_open(self) -> tuple[int, int | None]:
        """How many notices wait to be sent, and when the first of them is or was due."""

    def forget_before(self, made_at_ms: int) -> int:
        """Delete finished notices made before then and return their number."""


class OutboxStore(Protocol):
    """Notices waiting to be sent; each has at most one sender at a time."""

    def has_due(self, now_ms: int, lease_ms: int) -> bool:
        """Whether there is a notice to claim."""

    def claim(self, now_ms: int, lease_ms: int, holder: str) -> Notice | None:
        """Lease a notice that is due, or whose lease has expired, for ``lease_ms``."""

    def finish(self, notice: Notice, holder: str) -> bool:
        """Store the result of an attempt, end the lease, and delete the stored email of a finished notice.

        Returns ``False`` and writes nothing if another process has the lease.
        """

    def frozen(self, notice_id: str) -> str | None:
        """The email as stored by the first attempt."""

    def freeze(self, notice: Notice, email: str | None) -> None:
        """Record that a claimed notice is about to be sent, and store its email unless it's stored elsewhere."""


class NoticeTransaction(CommandTransaction, Protocol):
    """One transaction over notices, their settings and events."""

    @property
    def feed(self) -> EventFeed: ...

    @property
    def notices(self) -> NoticeStore: ...

    @property
    def outbox(self) -> OutboxStore: ...

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def master_keys(self) -> MasterKeys: ...

    @property
    def key_value(self) -> KeyValueStore: ...
