"""Forgot your password: the email with the link, or the command."""

import pytest

from ari.web.pages.mail_links import forgot
from tests.support.owner import EMAIL
from tests.support.page_client import PageClient, add_owner, plain_text


@pytest.fixture
def mailing_browser(mailing_visitor: PageClient, monkeypatch: pytest.MonkeyPatch) -> PageClient:
    """A visitor of an instance that sends email; its responses don't wait for their time."""
    monkeypatch.setattr(forgot, "RESPONSE_SECONDS", 0.0)
    add_owner(mailing_visitor.instance)
    return mailing_visitor


def list_queued(browser: PageClient) -> list[tuple[str, str | None]]:
    """The emails that wait to be sent: their kind and their recipient."""
    notices = browser.read(lambda tx: tx.notices.page(None, 20))
    return [(one.kind, one.recipient) for one in notices]


def test_without_email_the_page_shows_the_command(visitor: PageClient) -> None:
    """There is no form that leads nowhere, and sending one does nothing."""
    for response in (visitor.get("/forgot-password"), visitor.post("/forgot-password", {"email": EMAIL})):
        shown = plain_text(response.text)
        assert "ari account reset-password" in shown
        assert "Send reset link" not in shown
    assert list_queued(visitor) == []


def test_the_owner_gets_one_email(mailing_browser: PageClient) -> None:
    """It is queued in the transaction that makes the link, and the sender is woken."""
    response = mailing_browser.post("/forgot-password", {"email": EMAIL})
    assert response.status == 200
    assert f"If {EMAIL} has an account here" in plain_text(response.text)
    assert [kind for kind, _ in list_queued(mailing_browser)] == ["password_reset"]
    assert "password_reset_requested" in mailing_browser.events()


def test_an_unknown_address_gets_the_same_page_and_no_email(mailing_browser: PageClient) -> None:
    """Nobody finds out which accounts exist (security.md 40)."""
    known = plain_text(mailing_browser.post("/forgot-password", {"email": EMAIL}).text)
    unknown = plain_text(mailing_browser.post("/forgot-password", {"email": "nobody@example.org"}).text)
    assert unknown == known.replace(EMAIL, "nobody@example.org")
    assert len(list_queued(mailing_browser)) == 1


def test_requests_for_one_address_are_limited(mailing_browser: PageClient) -> None:
    """Nobody can fill an inbox; an address without an account meets the same limit."""
    for email in (EMAIL, "nobody@example.org"):
        statuses = [mailing_browser.post("/forgot-password", {"email": email}).status for _ in range(12)]
        assert statuses[0] == 200
        assert statuses[-1] == 429
    assert len(list_queued(mailing_browser)) < 12


def test_a_forged_form_sends_nothing(mailing_browser: PageClient) -> None:
    """Another site can't make the instance send email."""
    for forged in ("", "x" * 43):
        assert mailing_browser.post("/forgot-password", {"email": EMAIL}, csrf=forged).status == 403
    assert list_queued(mailing_browser) == []
