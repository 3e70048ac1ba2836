"""Email through Resend: what is sent, and what each response means."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from ari.base.settings import load_settings
from ari.notifications.model import Accepted, Email, Rejected, Retry, SendResult
from ari.outbound.mail import sender_of
from ari.outbound.resend import Resend, outcome_of
from tests.support.resend import KEY, StandIn, stand_in

LETTER = Email("ARI <ari@example.net>", "owner@example.com", "A key “x”", "Text\n", "<p>Html</p>")


@pytest.fixture(scope="module")
def service() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture
def resend_stand_in(service: StandIn) -> StandIn:
    service.taken.clear()
    service.requests.clear()
    service.faults.clear()
    return service


def send(
    there: StandIn, letter: Email = LETTER, key: str = "ntc_1", api_key: str = KEY, seconds: float = 5
) -> SendResult:
    return asyncio.run(Resend(there.url, api_key, set_by_owner=True).send(letter, key, seconds))


def test_an_email_is_taken_once_however_often_it_is_tried(resend_stand_in: StandIn) -> None:
    """The notice's id is the idempotency key; a response that was lost comes again."""
    resend_stand_in.faults += ["taken_then_silent"]
    assert send(resend_stand_in, seconds=0.5) == Retry("Resend didn't respond in time.")
    again = send(resend_stand_in)
    assert again == Accepted(resend_stand_in.taken[0].id)
    assert send(resend_stand_in) == again
    assert [mail.key for mail in resend_stand_in.taken] == ["ntc_1"]
    assert resend_stand_in.taken[0].fields == {
        "from": LETTER.sender,
        "to": [LETTER.recipient],
        "subject": LETTER.subject,
        "html": LETTER.html,
        "text": LETTER.text,
    }


def test_what_passes_is_tried_again(resend_stand_in: StandIn) -> None:
    """Rate limits as long as the service says, quotas longer; faults, nonsense and silence with our own pauses."""
    resend_stand_in.faults += ["rate", "quota", "500", "busy", "html", "redirect"]
    assert send(resend_stand_in) == Retry("Resend returned 429: too many emails at once.", 7.0)
    quota, fault, busy, html, redirect = (send(resend_stand_in) for _ in range(5))
    assert isinstance(quota, Retry)
    assert quota.after_seconds == 1800
    assert fault == Retry("Resend returned 500: internal error at Resend.", 0.0)
    assert busy == Retry("Resend returned 409: it's still processing the same notification.", 5)
    assert html == Retry("Resend returned status 502.", 0.0)
    assert redirect == Retry("Resend returned status 307.", 0.0)
    assert resend_stand_in.taken == []


def test_what_the_owner_can_mend_is_tried_again(resend_stand_in: StandIn) -> None:
    """A wrong key or a domain that is not verified yet: half an hour later, and the sentence says what is wrong."""
    wrong = send(resend_stand_in, api_key="re_wrong")
    assert wrong == Retry("Resend returned 401: RESEND_API_KEY isn't a valid key.", 1800)
    unverified = send(resend_stand_in, Email("a@example.org", "owner@example.com", "s", "t", "h"))
    assert isinstance(unverified, Retry)
    assert unverified.error.endswith("verify a domain and set ARI_MAIL_FROM.")
    assert unverified.after_seconds == 1800


def test_what_cannot_get_better_is_given_up(resend_stand_in: StandIn) -> None:
    """An email that Resend finds wrong; a key that it knows with another content."""
    assert isinstance(send(resend_stand_in, Email("nobody", "owner@example.com", "s", "t", "h")), Rejected)
    send(resend_stand_in)
    other = send(resend_stand_in, Email(LETTER.sender, LETTER.recipient, "Another", "t", "h"))
    assert other == Rejected("Resend returned 409: this notification was already sent with different content.")


def test_no_text_of_a_response_is_kept() -> None:
    """Neither its message nor a name that is not known (security.md 41)."""
    for name in ("secret words", "validation_error"):
        body = json.dumps({"name": name, "message": f"your key is {KEY}"}).encode()
        said = outcome_of(422, 0, body)
        assert isinstance(said, Rejected)
        assert KEY not in said.error
        assert "secret words" not in said.error
    assert outcome_of(599, 0, b"{'") == Retry("Resend returned status 599.")


def test_an_id_that_is_none_is_not_believed() -> None:
    """A page of a captive portal responds with 200 to everything."""
    for body in (b"<html>", b"{}", b"[]", b'{"id": "a b<"}', b'{"id": 7}'):
        assert outcome_of(200, 0, body) == Retry("Resend's response has no ID.")


def test_nobody_there_is_a_sentence() -> None:
    """A closed port, and a built-in address that leads to this machine, which nobody set."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        sender = Resend(url, KEY, set_by_owner=True)
        assert asyncio.run(sender.send(LETTER, "k", 5)) == Retry("Couldn't reach Resend.")
    refused = asyncio.run(Resend(url, KEY, set_by_owner=False).send(LETTER, "k", 5))
    assert refused == Retry("Resend's host name resolves to an address ARI isn't allowed to call.")


def test_settings_choose_the_sender(tmp_path: object, resend_stand_in: StandIn) -> None:
    """Resend, a mail server, or none."""
    assert sender_of(load_settings(data_dir=tmp_path)) is None
    chosen = sender_of(load_settings(data_dir=tmp_path, resend_api_key=KEY, resend_url=resend_stand_in.url))
    assert chosen is not None
    assert chosen.name == "resend"
    assert isinstance(asyncio.run(chosen.send(LETTER, "k", 5)), Accepted)
    smtp = sender_of(load_settings(data_dir=tmp_path, smtp_url="smtp://127.0.0.1:1", mail_from="a@example.net"))
    assert smtp is not None
    assert smtp.name == "smtp"
