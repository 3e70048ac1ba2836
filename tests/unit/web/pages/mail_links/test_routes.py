"""The page behind the emailed link that resets a password."""

import pytest

from ari.accounts import mail_links
from ari.deps import Deps
from ari.http.cookies import link_cookie_name
from tests.support.commands import clock_of
from tests.support.owner import EMAIL, PASSWORD
from tests.support.page_client import PageClient, field_errors

NEW_PASSWORD = "nine loud otters 73"


@pytest.fixture
def token(visitor: PageClient) -> str:
    """The token of the link in the email."""
    mailed = Deps(visitor.instance).do_sync(mail_links.ask_for_reset, EMAIL)
    assert mailed is not None
    return mailed.token


def test_the_link_sets_the_password_once_and_ends_every_session(visitor: PageClient, token: str) -> None:
    """Anyone who was signed in is out, the old password is worthless, and the link can't be used again."""
    other = visitor.another().sign_in()
    link = f"http://127.0.0.1:3000/reset-password#token={token}"
    response = visitor.post("/reset-password", {"token": link, "password": NEW_PASSWORD})
    assert (response.status, response.headers["location"]) == (303, "/sign-in")
    assert "sign in with your new password" in (visitor.toast or "")
    assert not other.is_signed_in()
    assert not visitor.is_signed_in()
    again = visitor.post("/reset-password", {"token": token, "password": PASSWORD})
    assert (again.status, field_errors(again)) == (422, {"token": mail_links.GONE})
    assert visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD}).status == 422
    assert visitor.post("/sign-in", {"email": EMAIL, "password": NEW_PASSWORD}).status == 303


def test_opening_the_link_changes_nothing(visitor: PageClient, token: str) -> None:
    """Email scanners open links; the token is in the fragment, so it is in no request before the form."""
    other = visitor.another().sign_in()
    response = visitor.get("/reset-password")
    assert "Set a new password" in response.text
    assert token not in response.text
    assert other.is_signed_in()


def test_a_weak_password_keeps_the_link(visitor: PageClient, token: str) -> None:
    """The message is at the field, and a cookie keeps the token for another try: no page has it."""
    response = visitor.post("/reset-password", {"token": token, "password": "short"})
    assert (response.status, field_errors(response)) == (422, {"password": "Use at least 12 characters."})
    assert token not in response.text
    assert visitor.another().post("/reset-password", {"password": NEW_PASSWORD}).status == 422
    assert visitor.post("/reset-password", {"password": NEW_PASSWORD}).status == 303
    assert link_cookie_name(visitor.instance.settings) not in visitor.cookies


def test_a_wrong_or_old_link_sets_nothing(visitor: PageClient, token: str) -> None:
    """Thirty minutes after the request an email that someone else reads is worthless."""
    wrong = visitor.post("/reset-password", {"token": "x" * 43, "password": NEW_PASSWORD})
    assert field_errors(wrong) == {"token": mail_links.GONE}
    clock_of(visitor.instance).advance(30 * 60)
    late = visitor.post("/reset-password", {"token": token, "password": NEW_PASSWORD})
    assert (late.status, field_errors(late)) == (422, {"token": mail_links.GONE})
    assert visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD}).status == 303


def test_a_forged_form_sets_nothing(visitor: PageClient, token: str) -> None:
    """Even with the right token, the form must come from the page."""
    for forged in ("", "x" * 43):
        fields = {"token": token, "password": NEW_PASSWORD}
        assert visitor.post("/reset-password", fields, csrf=forged).status == 403
    assert visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD}).status == 303
