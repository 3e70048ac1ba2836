"""Test emails to the owner."""

import json
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ari.base.clock import HOUR_MS, Clock, in_words
from ari.base.errors import Conflict, RateLimited
from ari.base.ids import new_id
from ari.base.messages import EMAIL_IS_OFF
from ari.base.served_request import note_wait
from ari.base.transaction import KeyValueStore, Runner, record
from ari.notifications.compose import compose
from ari.notifications.delivery_history import recipient
from ari.notifications.model import Accepted, Email, EmailContent, MailConfig, SendResult
from ari.notifications.ports import HtmlRenderer, MailService, NoticeTransaction

TESTS_PER_HOUR = 10
TEST_SECONDS = 12.0
_TEST = "mail"
_TEST_KEY = "mail_test"


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


def test_facts(result: TestEmailResult) -> dict[str, Any]:
    """The JSON of the result of a test email."""
    return {"sent": result.sent, "message": result.message, "seconds": round(result.seconds, 3)}


async def send_test_email(run: Runner, service: MailService, clock: Clock) -> TestEmailResult:
    """Send the owner a test email and return the result, within ``TEST_SECONDS``.

    Raises ``Conflict("mail_off")`` if email is off, and what ``begin_test`` raises.
    """
    await service.refresh(run)
    if service.sender is None:
        raise Conflict("mail_off", EMAIL_IS_OFF)
    recipient = await run.do(begin_test)
    began = clock.monotonic()
    email = compose_test(service.config, recipient, service.render_html)
    sending = perf_counter()
    sent = await service.sender.send(email, new_id("ntc", clock.now_ms()), TEST_SECONDS)
    note_wait("email", sending)
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
    tx.key_value.put(_TEST_KEY, json.dumps({"at_ms": tx.now_ms, "sent": result.sent, "said": result.message}))
    return result


def last_test(key_value: KeyValueStore) -> LastTestEmail | None:
    stored = key_value.get(_TEST_KEY)
    if stored is None:
        return None
    found = json.loads(stored)
    return LastTestEmail(found["at_ms"], found["sent"], found["said"])
