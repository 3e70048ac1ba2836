"""What Settings > Notifications shows."""

from dataclasses import dataclass

from ari.notifications import delivery_history, digest, switches, test_email
from ari.notifications.kinds import KINDS
from ari.notifications.model import STATES, Notice, NoticeState
from ari.notifications.ports import NoticeTransaction
from ari.notifications.switches import NotificationSetting
from ari.notifications.test_email import LastTestEmail
from ari.web.words import Badge

NOTICE = "ntc"
PAGE_SIZE = 25
_BADGES: dict[NoticeState, tuple[str, str]] = {  # of all states in the history
    "waiting": ("soon", "Waiting"),
    "sending": ("soon", "Sending"),
    "sent": ("good", "Sent"),
    "failed": ("bad", "Failed"),
    "off": ("off", "Turned off"),
    "digest": ("off", "In the digest"),
}


@dataclass(frozen=True, slots=True)
class NotificationsOverview:
    """Settings, recipient, last test and a page of the history; ``older`` is the ID to continue before.

    ``unsent`` is how many notifications had no email because it was off. They aren't in the history: without email it
    would hold nothing else.
    """

    settings: list[NotificationSetting]
    recipient: str | None
    tested: LastTestEmail | None
    history: list[Notice]
    older: str | None
    unsent: int


def read_notifications(tx: NoticeTransaction, before: str | None) -> NotificationsOverview:
    """The page of the history that starts before this notice, and everything above it."""
    found = delivery_history.read_history(tx, before, PAGE_SIZE + 1, without="unsent")
    older = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    key_value = tx.key_value
    settings, last_test = switches.list_settings(key_value), test_email.last_test(key_value)
    unsent, to = tx.notices.count_in("unsent"), delivery_history.recipient(tx)
    return NotificationsOverview(settings, to, last_test, found[:PAGE_SIZE], older, unsent)


def badge_of(notice: Notice) -> Badge:
    """The delivery status."""
    return Badge(*_BADGES[notice.state])


def explain(notice: Notice) -> str:
    """Why it failed, or what its state means."""
    if notice.error and notice.state != "sent":
        return notice.error
    return STATES[notice.state]


def titles() -> dict[str, str]:
    """The title of each kind, by its name."""
    return {kind.name: kind.title for kind in (*KINDS.values(), digest.KIND)}
