"""``/confirm``: the password again before a page that was opened by link (security.md 29)."""

import pytest

from tests.support.commands import clock_of
from tests.support.owner import PASSWORD
from tests.support.page_client import PageClient, field_errors


@pytest.fixture
def late(browser: PageClient) -> PageClient:
    """A browser that entered its password more than 15 minutes ago."""
    clock_of(browser.instance).advance(16 * 60)
    return browser


def test_a_recent_password_leads_straight_on(browser: PageClient) -> None:
    """Nobody is asked twice within a quarter of an hour; a foreign page is not led to."""
    assert browser.get("/confirm?next=%2Fsettings%2Fsecurity").headers["location"] == "/settings/security"
    assert browser.get("/confirm?next=https%3A%2F%2Fevil.example").headers["location"] == "/settings?tab=api"


def test_the_right_password_leads_to_the_page(late: PageClient) -> None:
    """The question names the account, and the page is opened by an ordinary redirect, for htmx too."""
    asked = late.get("/confirm?next=%2Fsettings%2Fsecurity")
    assert asked.status == 403
    assert "owner@example.org" in asked.text
    fields = {"confirm_password": PASSWORD, "next": "/settings/security"}
    response = late.post("/confirm", fields, hx_request="true", hx_target="dialog-body")
    assert (response.status, response.headers["location"]) == (303, "/settings/security")
    assert late.get("/confirm").status == 303


def test_a_wrong_password_asks_again(late: PageClient) -> None:
    """The message is at the field, and nothing is confirmed."""
    response = late.post("/confirm", {"confirm_password": "wrong", "next": "/settings/security"})
    assert (response.status, field_errors(response)) == (422, {"confirm_password": "Incorrect password."})
    assert 'value="/settings/security"' in response.text
    assert late.get("/confirm").status == 403


def test_the_question_is_no_way_around_the_session(late: PageClient) -> None:
    """The password alone, from another site or without a session, confirms nothing."""
    late.assert_guarded("/confirm", {"confirm_password": PASSWORD})
    assert late.get("/confirm").status == 403
