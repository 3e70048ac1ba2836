"""Two-factor authentication: set up, turn off, new backup codes."""

import re

import pytest

from ari.accounts import totp
from tests.support.commands import clock_of
from tests.support.owner import PASSWORD
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE = "/settings/security/two-factor"
CODES = "/settings/security/backup-codes"
_CODES = re.compile(r'<pre class="codes"[^>]*>(.*?)</pre>', re.DOTALL)


def code_of(browser: PageClient, secret: bytes) -> str:
    """The authenticator app's code now."""
    return totp.code_at(secret, totp.step_at(browser.instance.now_ms()))


def read_offered_secret(browser: PageClient) -> str:
    """The secret that a fresh setup page shows."""
    found = re.search(r'name="secret" value="([A-Z2-7]+)"', browser.get(PAGE).text)
    assert found
    return found[1]


def codes_in(text: str) -> list[str]:
    found = _CODES.search(text)
    assert found
    return found[1].split()


@pytest.fixture
def protected_browser(visitor: PageClient, app_secret: bytes) -> PageClient:
    """The owner's browser, on an account with two-factor authentication."""
    return visitor.sign_in()


def test_it_is_on_only_after_the_app_has_shown_a_code(browser: PageClient) -> None:
    """A secret that was only looked at locks nobody out; the backup codes are in one response alone."""
    secret = read_offered_secret(browser)
    assert secret != read_offered_secret(browser)
    right = code_of(browser, totp.secret_bytes(secret) or b"")
    wrong = browser.post(PAGE, {"secret": secret, "code": f"{(int(right) + 1) % 10**6:06}"})
    assert (wrong.status, list(field_errors(wrong))) == (422, ["code"])
    assert f'value="{secret}"' in wrong.text
    assert "two_factor_enabled" not in browser.events()
    response = browser.post(PAGE, {"secret": secret, "code": right})
    assert response.status == 201
    assert len(set(codes_in(response.text))) == 10
    assert browser.get(PAGE).headers["location"] == "/settings/security"


def test_an_incomplete_form_gets_a_new_secret(browser: PageClient) -> None:
    """A secret that some other page made up is never taken."""
    response = browser.post(PAGE, {"secret": "SHORT", "code": "000000"})
    assert response.status == 422
    assert 'value="SHORT"' not in response.text
    assert "two_factor_enabled" not in browser.events()


def test_turning_on_twice_changes_nothing(protected_browser: PageClient) -> None:
    """A form that was open in another tab can't replace the secret."""
    before = protected_browser.events()
    secret = totp.new_secret()
    response = protected_browser.post(
        PAGE, {"secret": secret, "code": code_of(protected_browser, totp.secret_bytes(secret) or b"")}
    )
    assert (response.status, response.headers["location"]) == (303, "/settings/security")
    assert protected_browser.events() == before


def test_turning_off_needs_the_password_and_a_code(protected_browser: PageClient, app_secret: bytes) -> None:
    """Each wrong one is named at its field, and leaves it on."""
    right = code_of(protected_browser, app_secret)
    no_password = protected_browser.post(f"{PAGE}/off", {"password": "wrong", "code": right})
    no_code = protected_browser.post(f"{PAGE}/off", {"password": PASSWORD, "code": f"{(int(right) + 1) % 10**6:06}"})
    assert field_errors(no_password) == {"password": "Incorrect password."}
    assert list(field_errors(no_code)) == ["code"]
    assert "two_factor_disabled" not in protected_browser.events()
    response = protected_browser.post(f"{PAGE}/off", {"password": PASSWORD, "code": right})
    assert (response.status, protected_browser.toast) == (
        303,
        "Two-factor authentication is off. You've been signed out of other sessions.",
    )


def test_new_codes_replace_the_old_and_a_form_makes_them_once(protected_browser: PageClient) -> None:
    """A reload must not void the codes that were just written down."""
    asked = protected_browser.get(CODES)
    assert "Your current codes will stop working." in plain_text(asked.text)
    found = re.search(r'name="form" value="([^"]+)"', asked.text)
    assert found
    first = protected_browser.post(CODES, {"form": found[1]})
    assert (first.status, len(codes_in(first.text))) == (201, 10)
    again = protected_browser.post(CODES, {"form": found[1]})
    assert (again.status, again.headers["location"]) == (303, "/settings/security")
    assert protected_browser.events().count("backup_codes_made") == 1


def test_without_it_there_is_nothing_to_turn_off(browser: PageClient) -> None:
    """Both forms lead back to the page that offers to turn it on."""
    for page in (f"{PAGE}/off", CODES):
        assert browser.get(page).headers["location"] == "/settings/security"


def test_a_new_secret_is_shown_only_after_a_recent_password(browser: PageClient) -> None:
    """Someone at an open browser can't add an app of their own (security.md 29)."""
    clock_of(browser.instance).advance(16 * 60)
    response = browser.get(PAGE)
    assert response.status == 403
    assert 'name="secret"' not in response.text


def test_no_form_works_for_others(protected_browser: PageClient, app_secret: bytes) -> None:
    """Turning it off needs the session and the page's token, besides password and code."""
    protected_browser.assert_guarded(
        f"{PAGE}/off", {"password": PASSWORD, "code": code_of(protected_browser, app_secret)}
    )
    protected_browser.assert_guarded(CODES, {"form": "form_1"})
    assert "two_factor_disabled" not in protected_browser.events()
