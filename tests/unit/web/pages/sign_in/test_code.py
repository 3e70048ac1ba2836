"""The second step of a sign-in: an authenticator code or a backup code."""

import pytest

from ari.accounts import totp
from ari.http.cookies import half_cookie_name
from tests.support.commands import clock_of
from tests.support.owner import EMAIL, PASSWORD
from tests.support.page_client import PageClient, field_errors


@pytest.fixture
def half(visitor: PageClient, app_secret: bytes) -> PageClient:
    """A browser that has entered the right password."""
    visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD, "next": "/shortcuts"})
    return visitor


def code_of(browser: PageClient, secret: bytes) -> str:
    """The authenticator app's code now."""
    return totp.code_at(secret, totp.step_at(browser.instance.now_ms()))


def test_a_right_code_opens_the_session_once(half: PageClient, app_secret: bytes) -> None:
    """It leads to the page that was wanted; the same code doesn't work a second time."""
    code = code_of(half, app_secret)
    response = half.post("/sign-in/code", {"code": code, "next": "/shortcuts"})
    assert (response.status, response.headers["location"]) == (303, "/shortcuts")
    assert half.is_signed_in()
    assert half_cookie_name(half.instance.settings) not in half.cookies
    again = half.another()
    again.post("/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert field_errors(again.post("/sign-in/code", {"code": code}))["code"].startswith(
        "That code is incorrect or already"
    )


def test_a_wrong_code_is_a_message_at_its_field(half: PageClient, app_secret: bytes) -> None:
    """Each form has its own words, and neither opens a session."""
    wrong = f"{(int(code_of(half, app_secret)) + 1) % 10**6:06}"
    by_app = half.post("/sign-in/code", {"code": wrong, "with": "app"})
    by_backup = half.post("/sign-in/code", {"code": "0000-0000", "with": "backup"})
    assert by_app.status == by_backup.status == 422
    assert "Wait for a new code" in field_errors(by_app)["code"]
    assert field_errors(by_backup) == {"code": "That backup code is incorrect or already used."}
    assert "Enter a backup code" in by_backup.text
    assert not half.is_signed_in()


def test_after_five_minutes_the_password_is_requested_again(half: PageClient, app_secret: bytes) -> None:
    """A right code comes too late; the page says why, and still knows where to go."""
    clock_of(half.instance).advance(301)
    response = half.post("/sign-in/code", {"code": code_of(half, app_secret), "next": "/shortcuts"})
    assert response.headers["location"] == "/sign-in?next=%2Fshortcuts"
    assert half.toast == "That took longer than five minutes. Sign in again."
    assert not half.is_signed_in()


def test_guessing_codes_is_slowed_down(half: PageClient, app_secret: bytes) -> None:
    """Six digits can't be tried out (security.md 29)."""
    right = code_of(half, app_secret)
    for number in range(1, 6):
        half.post("/sign-in/code", {"code": f"{(int(right) + 10 * number) % 10**6:06}"})
    response = half.post("/sign-in/code", {"code": right})
    assert response.status == 429
    assert "retry-after" in response.headers
    assert not half.is_signed_in()


def test_the_form_is_only_for_visitors_with_the_password(visitor: PageClient) -> None:
    """Others are led to the first step, and a foreign ``next`` leads to the settings."""
    response = visitor.get("/sign-in/code?next=https%3A%2F%2Fevil.example")
    assert response.headers["location"] == "/sign-in?next=%2Fsettings%3Ftab%3Dapi"


def test_the_other_form_is_one_link_away(half: PageClient) -> None:
    """A lost phone doesn't lock out someone who saved the codes."""
    assert "/sign-in/code?next=%2Fshortcuts&amp;with=backup" in half.get("/sign-in/code?next=%2Fshortcuts").text
    assert "Enter a backup code" in half.get("/sign-in/code?with=backup").text
