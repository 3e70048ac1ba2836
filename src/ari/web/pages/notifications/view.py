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
class NotificationsOverview:
    """Settings, recipient, last test and a page of the history; ``older`` is the ID to continue before."""

    settings: list[NotificationSetting]
    recipient: str | None
    tested: LastTestEmail | None
    history: list[Notice]
    older: str | None


def read_notifications(tx: NoticeTransaction, before: str | None) -> NotificationsOverview:
    """The page of the history that starts before this notice, and everything above it."""
    found = delivery_history.read_history(tx, before, PAGE_SIZE + 1)
    older = found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    key_value = tx.key_value
    settings, last_test = switches.list_settings(key_value), test_email.last_test(key_value)
    return NotificationsOverview(settings, delivery_history.recipient(tx), last_test, found[:PAGE_SIZE], older)


def badge_of(notice: Notice) -> Badge:
    """The delivery status."""
    return Badge(*_BADGES[notice.state])


def explain(notice: Notice) -> str:
    """Why it failed, or what its state means. How to turn email on is said once, above the list."""
    if notice.state == "unsent":
        return "Email was off."
    if notice.error and notice.state != "sent":
        return notice.error
    return STATES[notice.state]


def titles() -> dict[str, str]:
    """The title of each kind, by its name."""
    return {kind.name: kind.title for kind in (*KINDS.values(), digest.KIND)}
