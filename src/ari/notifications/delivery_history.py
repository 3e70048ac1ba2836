"""The delivery history, and how and to whom email is sent."""

from typing import Any

from ari.base.clock import to_rfc3339
from ari.notifications.model import MailConfig, Notice, NoticeState
from ari.notifications.ports import NoticeTransaction


def notice_facts(notice: Notice) -> dict[str, Any]:
    """The JSON of a notice."""
    return {
        "id": notice.id,
        "kind": notice.kind,
        "event_id": notice.event_id,
        "time": to_rfc3339(notice.at_ms),
        "state": notice.state,
        "subject": notice.subject,
        "recipient": notice.recipient,
        "attempts": notice.attempts,
        "next_try_at": _time(notice.next_try_at_ms),
        "sent_at": _time(notice.sent_at_ms),
        "sender": notice.sender,
        "sender_id": notice.sender_id,
        "error": notice.error,
        "digest_id": notice.digest_id,
    }


def mail_config_facts(config: MailConfig, address: str | None) -> dict[str, Any]:
    """The JSON of the email configuration; ``address`` is the recipient."""
    return {
        "on": config.can_send,
        "sender": config.sender,
        "from": config.mail_from if config.can_send else None,
        "recipient": address,
        "links": config.can_link,
    }


def read_history(
    tx: NoticeTransaction, before_id: str | None, limit: int, without: NoticeState | None = None
) -> list[Notice]:
    """Notices with their delivery status, newest first, without those of one state."""
    return tx.notices.page(before_id, limit, without)


def recipient(tx: NoticeTransaction) -> str | None:
    """The owner's address, which receives the emails."""
    return tx.feed.owner_address()


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)
