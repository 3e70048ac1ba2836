"""Notification settings, the delivery history and test emails, for every door."""

import json
from dataclasses import dataclass
from typing import Any

from ari.base.clock import HOUR_MS, Clock, in_words, to_rfc3339
from ari.base.errors import Conflict, Forbidden, NotFound, RateLimited
from ari.base.ids import new_id
from ari.base.transaction import Runner, record
from ari.notifications.compose import compose
from ari.notifications.kind import NoticeKind
from ari.notifications.kinds import KINDS
from ari.notifications.model import Accepted, Email, EmailContent, MailConfig, Notice, SendResult
from ari.notifications.ports import HtmlRenderer, KeyValueStore, MailService, NoticeTransaction

TESTS_PER_HOUR = 10
TEST_SECONDS = 12.0
_TEST = "mail"
_TEST_KEY = "mail_test"


@dataclass(frozen=True, slots=True)
class NotificationSetting:
    """A kind of notice and whether it is on."""

    kind: NoticeKind
    on: bool


@dataclass(frozen=True, slots=True)
class TestEmailResult:
    """Whether a test email was accepted, a sentence that says so, and how long it took."""

    sent: bool
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LastTestEmail:
    """The result of the latest test email, and its time."""

    at_ms: int
    sent: bool
    message: str


def setting_facts(setting: NotificationSetting) -> dict[str, Any]:
    """The JSON of a notification setting."""
    kind = setting.kind
    return {"kind": kind.name, "title": kind.title, "description": kind.description, "on": setting.on}


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


def test_facts(result: TestEmailResult) -> dict[str, Any]:
    """The JSON of the result of a test email."""
    return {"sent": result.sent, "said": result.message, "seconds": round(result.seconds, 3)}


def list_settings(notes: KeyValueStore) -> list[NotificationSetting]:
    """All kinds that can be turned off, in the order of the page."""
    return [NotificationSetting(kind, is_on(notes, kind)) for kind in KINDS.values() if not kind.fixed]


def is_on(notes: KeyValueStore, kind: NoticeKind) -> bool:
    """Whether notices of this kind are emailed; they are unless turned off."""
    return kind.fixed or notes.get(_name_of(kind)) != "off"


def switch(tx: NoticeTransaction, name: str, on: bool) -> NotificationSetting:
    """Turn a kind on or off.

    Raises ``NotFound`` for a kind that doesn't exist or can't be turned off, ``Forbidden`` for an API key that would
    turn off a warning about the account, and ``ReauthRequired``: a stolen session must not turn off warnings about it.
    """
    kind = KINDS.get(name)
    if kind is None or kind.fixed:
        raise NotFound("Unknown notification type.")
    if kind.about_account and tx.caller.key_id is not None and not on:
        raise Forbidden("API keys can't turn off account warnings. Sign in as the owner.")
    tx.caller.require_confirmed(tx.now_ms)
    if is_on(tx.notes, kind) != on:
        tx.notes.put(_name_of(kind), "on" if on else "off")
        record(tx, "notification_switched", kind.name, {"on": on})
    return NotificationSetting(kind, on)


def history(tx: NoticeTransaction, before_id: str | None, limit: int) -> list[Notice]:
    """Notices with their delivery status, newest first."""
    return tx.notices.page(before_id, limit)


def recipient(tx: NoticeTransaction) -> str | None:
    """The owner's address, which receives the emails."""
    return tx.feed.owner_address()


async def send_test_email(run: Runner, service: MailService, clock: Clock) -> TestEmailResult:
    """Send the owner a test email and return the result, within ``TEST_SECONDS``.

    Raises ``Conflict("mail_off")`` if email isn't set up, and what ``begin_test`` raises.
    """
    await service.refresh(run)
    if service.sender is None:
        raise Conflict(
            "mail_off",
            "Email isn't set up. Add a Resend key under Settings > Integrations, or set RESEND_API_KEY or "
            "ARI_SMTP_URL and restart ARI.",
        )
    recipient = await run.do(begin_test)
    began = clock.monotonic()
    email = compose_test(service.config, recipient, service.render_html)
    sent = await service.sender.send(email, new_id("ntc", clock.now_ms()), TEST_SECONDS)
    return await run.do(finish_test, sent, recipient, clock.monotonic() - began)


def begin_test(tx: NoticeTransaction) -> str:
    """Record a test email and return its recipient.

    Raises ``Conflict`` if there is no owner, ``RateLimited`` after ten tests within an hour, ``ReauthRequired``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    address = recipient(tx)
    if address is None:
        raise Conflict("no_recipient", "There's no owner yet to receive the email.")
    latest = tx.events.page(_TEST, None, TESTS_PER_HOUR)
    if len(latest) == TESTS_PER_HOUR and 0 <= tx.now_ms - latest[-1].at_ms < HOUR_MS:
        wait = (latest[-1].at_ms + HOUR_MS - tx.now_ms) // 1000 + 1
        raise RateLimited(f"You can send {TESTS_PER_HOUR} test emails an hour. Try again in {in_words(wait)}.", wait)
    record(tx, "mail_tested", _TEST)
    return address


def compose_test(config: MailConfig, recipient: str, render_html: HtmlRenderer) -> Email:
    content = EmailContent(
        subject="ARI test email",
        summary="Email is working.",
        facts=(),
        advice="No action needed.",
        path="/settings/notifications",
        button="View notifications",
    )
    return compose(content, config, recipient, render_html)


def finish_test(tx: NoticeTransaction, sent: SendResult, recipient: str, seconds: float) -> TestEmailResult:
    """Store the result of a test email for the page, and return it."""
    if isinstance(sent, Accepted):
        result = TestEmailResult(True, f"Test email sent to {recipient}. Check your inbox in a minute.", seconds)
    else:
        result = TestEmailResult(False, f"The test email wasn't sent: {sent.error}", seconds)
    tx.notes.put(_TEST_KEY, json.dumps({"at_ms": tx.now_ms, "sent": result.sent, "said": result.message}))
    return result


def last_test(notes: KeyValueStore) -> LastTestEmail | None:
    stored = notes.get(_TEST_KEY)
    if stored is None:
        return None
    found = json.loads(stored)
    return LastTestEmail(found["at_ms"], found["sent"], found["said"])


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)


def _name_of(kind: NoticeKind) -> str:
    return f"notify_{kind.name}"
