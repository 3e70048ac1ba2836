"""What Settings > Notifications shows, read in one go."""

from dataclasses import dataclass

from ari.notifications import digest, manage
from ari.notifications.kinds import KINDS
from ari.notifications.manage import Switch
from ari.notifications.model import STATES, Notice, State
from ari.storage.unit import Unit
from ari.web.words import Badge

NOTICE = "ntc"
SHOWN = 25
_BADGES: dict[State, tuple[str, str]] = {
    "waiting": ("soon", "Waiting"),
    "sending": ("soon", "Sending"),
    "sent": ("good", "Sent"),
    "failed": ("bad", "Failed"),
    "off": ("off", "Switched off"),
    "unsent": ("off", "Not sent"),
    "digest": ("off", "In the digest"),
}


@dataclass(frozen=True, slots=True)
class MailFacts:
    """The switches, who gets the mails, and a page of the history; ``older`` leads on if there is more."""

    switches: list[Switch]
    recipient: str | None
    history: list[Notice]
    older: str | None


def mail_facts(unit: Unit, before: str | None) -> MailFacts:
    """Read them."""
    found = manage.history(unit, before, SHOWN + 1)
    older = found[SHOWN - 1].id if len(found) > SHOWN else None
    return MailFacts(manage.switches(unit.notes), manage.recipient(unit), found[:SHOWN], older)


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
