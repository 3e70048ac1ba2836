"""What Settings > Notifications shows, read in one go."""

from dataclasses import dataclass

from ari.notifications import digest, manage
from ari.notifications.kinds import KINDS
from ari.notifications.manage import LastTest, Switch
from ari.notifications.model import STATES, Notice, State
from ari.storage.transaction import Transaction
from ari.web.words import Badge

NOTICE = "ntc"
SHOWN = 25
_BADGES: dict[State, tuple[str, str]] = {
    "waiting": ("soon", "Waiting"),
    "sending": ("soon", "Sending"),
    "sent": ("good", "Sent"),
    "failed": ("bad", "Failed"),
    "off": ("off", "Turned off"),
    "unsent": ("off", "Not sent"),
    "digest": ("off", "In the digest"),
}


@dataclass(frozen=True, slots=True)
class MailFacts:
    """The switches, who gets the mails, the last test, a page of the history; ``older`` leads on if there is more."""

    switches: list[Switch]
    recipient: str | None
    tested: LastTest | None
    history: list[Notice]
    older: str | None


def mail_facts(unit: Transaction, before: str | None) -> MailFacts:
    """Read them."""
    found = manage.history(unit, before, SHOWN + 1)
    older = found[SHOWN - 1].id if len(found) > SHOWN else None
    notes = unit.notes
    return MailFacts(manage.switches(notes), manage.recipient(unit), manage.last_test(notes), found[:SHOWN], older)


def badge_of(notice: Notice) -> Badge:
    """How far its mail got."""
    return Badge(*_BADGES[notice.state])


def said_of(notice: Notice) -> str:
    """That in words: why it failed, or what its state means."""
    if notice.error and notice.state != "sent":
        return notice.error
    return STATES[notice.state]


def titles() -> dict[str, str]:
    """The title of each kind, by its name."""
    return {kind.name: kind.title for kind in (*KINDS.values(), digest.KIND)}
