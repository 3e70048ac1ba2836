"""Notices, the mails they become, and what came of sending one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ari.base.clock import DAY_MS
from ari.base.events import Event

State = Literal["waiting", "sending", "sent", "failed", "off", "unsent", "digest"]

STATES: Mapping[str, str] = {
    "waiting": "Waiting to be sent or retried.",
    "sending": "Being sent.",
    "sent": "Accepted by the mail service.",
    "failed": "Not delivered; see the error.",
    "off": "Not sent because this notification is off.",
    "unsent": "Not sent because email isn't set up.",
    "digest": "Included in the daily digest because there were too many.",
}
"""Each state in words, for the page, the command line and the docs."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice: what it is about, and how far its mail got.

    ``id`` is also the idempotency key of its mail. ``at_ms`` is when the event happened, ``made_at_ms`` when the notice
    was made of it. ``subject`` is the mail's, ``recipient`` whom it is for; ``sender_id`` is what the mail service
    calls it, ``error`` why the last try failed, in words. ``digest_id`` is the notice that holds this one.
    """

    id: str
    kind: str
    event_id: str
    at_ms: int
    made_at_ms: int
    state: State
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
class Letter:
    """A mail, whole: what is frozen at the first try."""

    sender: str
    recipient: str
    subject: str
    text: str
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Words:
    """What a notice says: a subject, what happened, facts by name, what to do, and one link into ARI.

    Texts of callers in it have passed ``words.quoted``. ``place`` is a path of ours such as ``/settings?tab=api``,
    ``button`` the link's words; ``link`` takes the place of both for a link that is itself a secret.
    """

    subject: str
    happened: str
    facts: tuple[tuple[str, str], ...]
    advice: str
    place: str
    button: str
    link: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """The name and hint of what an event is about, where it has them."""

    name: str
    hint: str | None = None


class Context(Protocol):
    """What kinds may look up while they find words."""

    def when(self, at_ms: int) -> str:
        """An instant in the owner's zone and in UTC."""

    def who(self, event: Event) -> str:
        """Who did it, in words."""

    def where(self, event: Event) -> str | None:
        """From which address and with which program, if that is known."""

    def named(self, subject_id: str | None) -> Subject | None:
        """The key with this id, deleted ones among them."""

    @property
    def secret(self) -> Mapping[str, str]:
        """What ``outbox.post_secret`` was given for this notice; empty for all others."""


FROM_STRANGERS = 3
"""Mails a day of a kind that anybody on the network can cause."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice: ``kinds`` has a file for each.

    ``events`` are the names of the events it tells of, of which ``concerns`` may leave some out. ``title`` and ``says``
    are for the page. ``fixed`` kinds cannot be switched off: somebody waits for them. ``secret`` kinds are posted with
    ``outbox.post_secret``. ``about_account``: it warns of somebody else in the owner's account, so no API key may
    silence it. ``recipient`` names another address than the owner's. After ``worth_ms`` since the event
    the mail would come too late. After ``per_day`` mails of the kind in a day (UTC), further notices are in the digest
    (security.md 40); ``FROM_STRANGERS`` is for what somebody can cause who has no account and no living key.
    """

    name: str
    events: tuple[str, ...]
    title: str
    says: str
    words: Callable[[Event, Context], Words]
    on: bool = True
    fixed: bool = False
    secret: bool = False
    about_account: bool = False
    concerns: Callable[[Event], bool] = lambda _: True
    recipient: Callable[[Event], str | None] = lambda _: None
    worth_ms: int = 30 * DAY_MS
    per_day: int = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """The mail service took the mail and calls it ``sender_id``."""

    sender_id: str


@dataclass(frozen=True, slots=True)
class Again:
    """It may or may not have been taken, or was refused for now: try the very same again, not before some seconds."""

    error: str
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """It was refused for good."""

    error: str


Outcome = Sent | Again | Refused


SEALED_KIND = "mail"
"""The kind of sealed secrets that hold what a mail with a secret link says, until it is done with."""

RESEND_FROM = "ARI <onboarding@resend.dev>"
"""With this sender a new account at Resend reaches the address of its own owner, and no other."""


@dataclass(frozen=True, slots=True)
class Office:
    """How mail leaves this instance: by which sender, from which address, with links to where, in whose time.

    ``sender`` is ``"resend"``, ``"smtp"`` or ``None`` where mail is not set up; ``link_base`` is ``None`` while no
    public address is set, and then no mail carries a link (security.md 3).
    """

    sender: str | None
    mail_from: str
    link_base: str | None
    zone: str = "UTC"

    @property
    def is_open(self) -> bool:
        """Whether mail can be sent."""
        return self.sender is not None

    @property
    def can_link(self) -> bool:
        """Whether a mail with a link, such as one to set a password anew, can be sent."""
        return self.is_open and self.link_base is not None
