"""What Settings > Notifications shows, read in one go."""

from dataclasses import dataclass

from ari.notifications import digest, manage
from ari.notifications.kinds import KINDS
from ari.notifications.manage import LastTestEmail, NotificationSetting
from ari.notifications.model import STATES, Notice, NoticeState
from ari.storage.transaction import Transaction
from ari.web.words import Badge

NOTICE = "ntc"
SHOWN = 25
_BADGES: dict[NoticeState, tuple[str, str]] = {
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
    """Settings, recipient, last test and a page of the history; ``older`` is the ID to continue before."""

    settings: list[NotificationSetting]
    recipient: str | None
    tested: LastTestEmail | None
    history: list[Notice]
    older: str | None


def mail_facts(unit: Transaction, before: str | None) -> MailFacts:
    """Read them."""
    found = manage.history(unit, before, SHOWN + 1)
    older = found[SHOWN - 1].id if len(found) > SHOWN else None
    notes = unit.notes
    return MailFacts(manage.list_settings(notes), manage.recipient(unit), manage.last_test(notes), found[:SHOWN], older)


def badge_of(notice: Notice) -> Badge:
    """The delivery status."""
    return Badge(*_BADGES[notice.state])


def said_of(notice: Notice) -> str:
    """Why it failed, or what its state means."""
    if notice.error and notice.state != "sent":
        return notice.error
    return STATES[notice.state]


def titles() -> dict[str, str]:
    """The title of each kind, by its name."""
    return {kind.name: kind.title for kind in (*KINDS.values(), digest.KIND)}
