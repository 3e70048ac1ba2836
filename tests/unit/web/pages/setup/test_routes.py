"""The first run: the person who can read the terminal creates the owner account (security.md 24)."""

import pytest

from ari.accounts import setup
from ari.deps import Deps
from ari.http.cookies import link_cookie_name
from tests.support.commands import clock_of
from tests.support.owner import EMAIL, PASSWORD
from tests.support.page_client import PageClient, field_errors, plain_text


@pytest.fixture
def token(first_visitor: PageClient) -> str:
    """The token of the link in the terminal."""
    found = Deps(first_visitor.instance).do_sync(setup.new_setup_token)
    assert found is not None
    return found


def has_owner(browser: PageClient) -> bool:
    return browser.read(setup.has_owner)


def test_the_link_makes_the_owner_and_signs_in(first_visitor: PageClient, token: str) -> None:
    """The whole link may be pasted. Afterwards setup is gone, for the same token too."""
    link = f"http://127.0.0.1:3000/setup#token={token}"
    response = first_visitor.post("/setup", {"token": link, "email": EMAIL, "password": PASSWORD})
    assert (response.status, response.headers["location"]) == (303, "/settings?tab=api")
    assert first_visitor.is_signed_in()
    again = first_visitor.another()
    assert again.get("/setup").status == 404
    assert again.post("/setup", {"token": token, "email": "b@example.org", "password": PASSWORD}).status == 404


def test_the_form_shows_no_token(first_visitor: PageClient, token: str) -> None:
    """Opening the page proves nothing; the token comes from the terminal."""
    response = first_visitor.get("/setup")
    assert "Create the owner account" in response.text
    assert token not in response.text


def test_every_problem_is_shown_at_once_and_the_token_stays(first_visitor: PageClient, token: str) -> None:
    """Nobody has to paste the link again for a short password, and no owner is made."""
    response = first_visitor.post("/setup", {"token": token, "email": "nobody", "password": "short"})
    assert (response.status, set(field_errors(response))) == (422, {"email", "password"})
    assert field_errors(response)["password"] == "Use at least 12 characters."
    assert token not in response.text
    assert not has_owner(first_visitor)
    assert first_visitor.another().post("/setup", {"email": EMAIL, "password": PASSWORD}).status == 422
    assert first_visitor.post("/setup", {"email": EMAIL, "password": PASSWORD}).status == 303
    assert link_cookie_name(first_visitor.instance.settings) not in first_visitor.cookies


@pytest.mark.parametrize("password", ["owner@example.org", "aaaaaaaaaaaaaa", "password12345678"])
def test_a_password_that_is_easily_guessed_is_refused(first_visitor: PageClient, token: str, password: str) -> None:
    """Length alone doesn't protect: not the address, not repetition, not a common word."""
    response = first_visitor.post("/setup", {"token": token, "email": EMAIL, "password": password})
    assert "too easy to guess" in field_errors(response)["password"]
    assert password not in plain_text(response.text)
    assert not has_owner(first_visitor)


def test_a_wrong_or_old_link_opens_nothing(first_visitor: PageClient, token: str) -> None:
    """After an hour a link that someone finds in a log is worthless; the form keeps the email and says what to do."""
    fields = {"email": EMAIL, "password": PASSWORD}
    for wrong, sentence in (("", "Paste the setup link"), ("x" * 43, "Restart ARI to get a new link.")):
        response = first_visitor.post("/setup", {**fields, "token": wrong})
        assert (response.status, set(field_errors(response))) == (422, {"token"})
        assert sentence in field_errors(response)["token"]
        assert not wrong or wrong not in response.text
        assert f'value="{EMAIL}"' in response.text
    clock_of(first_visitor.instance).advance(3601)
    assert set(field_errors(first_visitor.post("/setup", {**fields, "token": token}))) == {"token"}
    assert not has_owner(first_visitor)


def test_a_forged_form_makes_no_owner(first_visitor: PageClient, token: str) -> None:
    """Even with the right token, the form must come from the page."""
    first_visitor.get("/setup")
    fields = {"token": token, "email": EMAIL, "password": PASSWORD}
    for forged in ("", "x" * 43):
        assert first_visitor.post("/setup", fields, csrf=forged).status == 403
    assert not has_owner(first_visitor)
