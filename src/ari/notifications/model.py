"""Notices, the emails they become, and the results of sending them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

NoticeState = Literal["waiting", "sending", "sent", "failed", "off", "unsent", "digest"]

STATES: Mapping[str, str] = {
    "waiting": "Waiting to be sent or retried.",
    "sending": "Being sent.",
    "sent": "Accepted by the mail service.",
    "failed": "Not delivered; see the error.",
    "off": "Not sent because this notification is off.",
    "unsent": "Not sent because email is off.",
    "digest": "Included in the daily digest because there were too many.",
}
"""A description of each state for the page, the command line and the docs."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice and the delivery status of its email.

    ``id`` is also the idempotency key of the email. ``at_ms`` is the time of the event, ``made_at_ms`` of the notice.
    ``sender_id`` is the email's ID at the mail service, ``error`` says why the last attempt failed, and ``digest_id``
    is the digest that contains this notice.
    """

    id: str
    kind: str
    event_id: str
    at_ms: int
    made_at_ms: int
    state: NoticeState
    subject: str
    recipient: str | None = None
    attempts: int = 0
    first_try_at_ms: int | None = None
    next_try_at_ms: int | None = None
    sent_at_ms: int | None = None
    sender: str | None = None
    sender_id: str | None = None
    error: str | None = None
    digest_id: str | None = None


@dataclass(frozen=True, slots=True)
class Email:
    """A complete email. It is stored before the first attempt, so that every attempt sends the same."""

    sender: str
    recipient: str
    subject: str
    text: str
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EmailContent:
    """The content of an email: a subject, a summary, facts by name, advice, and one link into ARI.

    Pass callers' text through ``text.quote`` or ``text.defang`` first. ``path`` is one of ARI's pages, such as
    ``/settings?tab=api``; ``link`` replaces it if the link is itself a secret.
    """

    subject: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    advice: str
    path: str
    button: str
    link: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """Name and hint of the key that an event is about."""

    name: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The mail service accepted the email under the ID ``sender_id``."""

    sender_id: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It may or may not have been accepted, or was rejected temporarily: send the same again after some seconds."""

    error: str
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """It was rejected permanently."""

    error: str


SendResult = Accepted | Retry | Rejected

SEALED_KIND = "mail"
"""The kind of encrypted secrets that hold emails with a secret link until they are sent or given up."""

RESEND_FROM = "ARI <onboarding@resend.dev>"
"""The default From address; it can only send to the address of the Resend account itself."""


@dataclass(frozen=True, slots=True)
class MailConfig:
    """How this instance sends email: mail service, From address, base of links, and time zone of times.

    ``sender`` is ``"resend"``, ``"smtp"`` or ``None`` if email is off. ``link_base`` is ``None`` while no public
    URL is set; emails then contain no links (security.md 3).
    """

    sender: str | None
    mail_from: str
    link_base: str | None
    zone: str = "UTC"

    @property
    def can_send(self) -> bool:
        return self.sender is not None

    @property
    def can_link(self) -> bool:
        """Whether emails with a link can be sent, such as password resets."""
        return self.can_send and self.link_base is not None
