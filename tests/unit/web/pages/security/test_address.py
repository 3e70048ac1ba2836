"""Changing the email address: a link goes to the new one, a notice to the old one."""

import pytest

from ari.accounts import mail_links
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.deps import Deps
from tests.support.owner import EMAIL
from tests.support.page_client import ACCOUNT_ID, PageClient, add_owner, field_errors, plain_text

PAGE = "/settings/security/address"
NEW = "new@example.org"


@pytest.fixture
def mailing_browser(mailing_visitor: PageClient) -> PageClient:
    """The owner's browser, on an instance that sends email."""
    add_owner(mailing_visitor.instance)
    return mailing_visitor.sign_in()


@pytest.fixture
def token(mailing_browser: PageClient) -> str:
    """The token of the link that was sent to the new address."""
    owner = Caller(ACCOUNT_ID, Origin("web"))
    return Deps(mailing_browser.instance, owner).do_sync(mail_links.ask_for_address, NEW).token


def address_of(browser: PageClient) -> str:
    owner = browser.read(lambda tx: tx.accounts.owner())
    assert owner is not None
    return owner.email


def test_asking_changes_nothing_yet(mailing_browser: PageClient) -> None:
    """A typing error must not lock the owner out: the new address has to be reached first."""
    response = mailing_browser.post(PAGE, {"email": NEW})
    assert (response.status, response.headers["location"]) == (303, "/settings/security")
    assert "Confirmation link sent" in (mailing_browser.toast or "")
    assert "email_change_requested" in mailing_browser.events()
    assert address_of(mailing_browser) == EMAIL


@pytest.mark.parametrize(
    ("email", "message"),
    [("nobody", "Enter an email address"), (EMAIL, "This is already the account's address.")],
)
def test_a_wrong_address_is_a_message_at_its_field(mailing_browser: PageClient, email: str, message: str) -> None:
    """No link is sent."""
    response = mailing_browser.post(PAGE, {"email": email})
    assert response.status == 422
    assert message in field_errors(response)["email"]
    assert "email_change_requested" not in mailing_browser.events()


def test_without_email_the_page_shows_the_command(browser: PageClient) -> None:
    """The form would lead nowhere, and sending it does nothing."""
    for response in (browser.get(PAGE), browser.post(PAGE, {"email": NEW})):
        assert "ari account set-email" in plain_text(response.text)
    assert "email_change_requested" not in browser.events()


def test_the_link_changes_the_address_once(mailing_browser: PageClient, token: str) -> None:
    """Opening the page doesn't; its button does, also in a browser that isn't signed in."""
    phone = mailing_browser.another()
    assert "Confirm your email address" in phone.get("/confirm-address").text
    assert address_of(mailing_browser) == EMAIL
    link = f"http://127.0.0.1:3000/confirm-address#token={token}"
    assert phone.post("/confirm-address", {"token": link}).headers["location"] == "/sign-in"
    assert address_of(mailing_browser) == NEW
    again = mailing_browser.post("/confirm-address", {"token": token})
    assert (again.status, field_errors(again)) == (422, {"token": mail_links.GONE})


def test_the_owners_browser_goes_back_to_the_page(mailing_browser: PageClient, token: str) -> None:
    """A signed-in owner need not sign in again."""
    assert mailing_browser.post("/confirm-address", {"token": token}).headers["location"] == "/settings/security"
    assert mailing_browser.toast == "Email address changed."


def test_no_form_works_for_others(mailing_browser: PageClient, token: str) -> None:
    """Asking needs the session; confirming needs the page's token even with the right link."""
    mailing_browser.assert_guarded(PAGE, {"email": NEW})
    for forged in ("", "x" * 43):
        assert mailing_browser.post("/confirm-address", {"token": token}, csrf=forged).status == 403
    assert address_of(mailing_browser) == EMAIL
