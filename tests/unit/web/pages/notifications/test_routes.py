"""Settings > Notifications: which emails the owner gets, and the test email."""

import asyncio
import json
import re

import pytest

from ari.jobs.mail import round_of_mail
from tests.support.commands import clock_of, create_key
from tests.support.owner import PASSWORD
from tests.support.page_client import PageClient, add_owner, plain_text

PAGE = "/settings/notifications"


def is_on(browser: PageClient, kind: str) -> bool:
    """The page's row for this kind of notification."""
    row = browser.get(PAGE).text.partition(f'id="{kind}"')[2]
    found = re.search(r'aria-checked="(true|false)"', row)
    assert found
    return found[1] == "true"


@pytest.fixture
def kind(browser: PageClient) -> str:
    """A kind that can be turned off."""
    found = re.search(r'name="kind" value="([^"]+)"', browser.get(PAGE).text)
    assert found
    return found[1]


def test_a_notification_is_turned_off_and_on(browser: PageClient, kind: str) -> None:
    """Every kind is on until it is turned off, and the page returns to its row."""
    assert is_on(browser, kind)
    response = browser.post(f"{PAGE}/switch", {"kind": kind, "on": "off"})
    assert (response.status, response.headers["location"]) == (303, f"{PAGE}#{kind}")
    assert not is_on(browser, kind)
    browser.post(f"{PAGE}/switch", {"kind": kind, "on": "on"})
    assert is_on(browser, kind)


def test_with_scripting_only_the_row_changes(browser: PageClient, kind: str) -> None:
    """The page isn't loaded again: the response is the row, and a toast says what is on or off."""
    response = browser.post(f"{PAGE}/switch", {"kind": kind, "on": "off"}, hx_request="true", hx_target=kind)
    assert response.status == 200
    assert response.text.lstrip().startswith(f'<li class="switch-row" id="{kind}">')
    assert 'aria-checked="false"' in response.text
    assert ": off." in json.loads(response.headers["hx-trigger"])["ari:done"]["text"]
    assert not is_on(browser, kind)


def test_without_email_the_history_stays_empty(browser: PageClient) -> None:
    """Notifications that were not emailed are counted in a line; they would hide what was, once email is on."""
    assert "not emailed" not in plain_text(browser.get(PAGE).text)
    for number in range(2):
        create_key(browser.instance, f"Silent {number}")
    asyncio.run(round_of_mail(browser.instance))
    shown = plain_text(browser.get(PAGE).text)
    assert "2 notifications were not emailed because email was off." in shown
    assert "Silent" not in shown


def test_an_unknown_kind_changes_nothing(browser: PageClient, kind: str) -> None:
    """A form of another version leads back to the page."""
    assert browser.post(f"{PAGE}/switch", {"kind": "no_such", "on": "off"}).headers["location"] == PAGE
    for on in ("", "banana"):
        assert browser.post(f"{PAGE}/switch", {"kind": kind, "on": on}).headers["location"] == PAGE
    assert "notification_switched" not in browser.events()


def test_a_switch_in_place_asks_in_the_dialog_and_then_continues(browser: PageClient, kind: str) -> None:
    """The change isn't lost when the password was given too long ago."""
    clock_of(browser.instance).advance(16 * 60)
    asked = browser.post(f"{PAGE}/switch", {"kind": kind, "on": "off"}, hx_request="true", hx_target=kind)
    assert (asked.status, asked.headers["hx-retarget"]) == (403, "#dialog-body")
    assert f'name="kind" value="{kind}"' in asked.text
    confirmed = {"kind": kind, "on": "off", "confirm_password": PASSWORD}
    done = browser.post(f"{PAGE}/switch", confirmed, hx_request="true", hx_target="dialog-body")
    assert (done.headers["hx-redirect"], browser.toast) == (PAGE, "Notification saved.")
    assert not is_on(browser, kind)


def test_turning_a_warning_off_needs_a_recent_password(browser: PageClient, kind: str) -> None:
    """A stolen session can't silence what would give it away (security.md 29)."""
    clock_of(browser.instance).advance(16 * 60)
    assert browser.post(f"{PAGE}/switch", {"kind": kind, "on": "off"}).status == 403
    assert is_on(browser, kind)


def test_the_page_says_whether_and_where_email_goes(browser: PageClient) -> None:
    """Without email it shows how to set it up, and offers no test."""
    response = browser.get(PAGE)
    assert "Email is off." in plain_text(response.text)
    assert "send-test" not in response.text


def test_with_email_the_recipient_is_shown(mailing_visitor: PageClient) -> None:
    """The owner can check the address before relying on warnings."""
    add_owner(mailing_visitor.instance)
    shown = plain_text(mailing_visitor.sign_in().get(PAGE).text)
    assert "Emails are sent to owner@example.org from ARI <ari@example.net>" in shown
    assert "Send test email" in shown


def test_no_form_works_for_others(browser: PageClient, kind: str) -> None:
    """Switching and testing need the session and the page's token."""
    browser.assert_guarded(f"{PAGE}/switch", {"kind": kind, "on": "off"})
    browser.assert_guarded(f"{PAGE}/test")
    assert is_on(browser, kind)
