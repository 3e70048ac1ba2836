"""Settings > Security: the password, sessions and recent account events."""

import pytest

from ari.deps import Deps
from ari.keys.restored_keys import remember_restored
from tests.support.commands import change_key, create_key
from tests.support.owner import EMAIL, PASSWORD
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE = "/settings/security"
NEW_PASSWORD = "nine loud otters 73"


def test_the_page_lists_sessions_and_what_happened(browser: PageClient) -> None:
    """This browser is marked, another one can be signed out."""
    other = browser.another()
    other.post("/sign-in", {"email": EMAIL, "password": PASSWORD}, user_agent="curl/8.5.0")
    response = browser.get(PAGE)
    shown = plain_text(response.text)
    assert "curl/8.5.0" in shown
    assert "Signed in" in shown
    assert response.text.count('/end"') == 1


def test_keys_that_wait_since_a_restore_are_named(browser: PageClient) -> None:
    """Here and above the list of keys, with what to do, until the last one is decided."""
    deps = Deps(browser.instance)
    key = create_key(browser.instance, "first").key
    change_key(browser.instance, key, disabled=True)
    pages = (PAGE, "/settings?tab=api")
    assert not any("since a restore" in browser.get(page).text for page in pages)
    deps.do_sync(lambda tx: remember_restored(tx.key_value, [key.id], "2027-01-15T08:00:00.000Z"))
    for page in pages:
        shown = plain_text(browser.get(page).text)
        assert "1 key waits since a restore." in shown
        assert "ari keys enable-restored" in shown
    change_key(browser.instance, key, disabled=False)
    assert not any("since a restore" in browser.get(page).text for page in pages)


def test_another_session_is_ended_by_its_own_button(browser: PageClient) -> None:
    """It is dead on the very next request, this one goes on."""
    import re

    other = browser.another().sign_in()
    found = re.search(rf'action="({PAGE}/sessions/[^"]+/end)"', browser.get(PAGE).text)
    assert found
    browser.assert_guarded(found[1])
    assert other.is_signed_in()
    assert browser.post(found[1]).headers["location"] == PAGE
    assert browser.toast == "Session signed out."
    assert not other.is_signed_in()
    assert browser.is_signed_in()


def test_all_other_sessions_end_together(browser: PageClient) -> None:
    """The browser that asks stays signed in."""
    others = [browser.another().sign_in() for _ in range(2)]
    browser.post(f"{PAGE}/sessions/end-others")
    assert [one.is_signed_in() for one in others] == [False, False]
    assert browser.is_signed_in()


def test_changing_the_password_signs_out_other_browsers(browser: PageClient) -> None:
    """Anyone who got in with the old one is out, and it doesn't work any more."""
    other = browser.another().sign_in()
    response = browser.post(f"{PAGE}/password", {"current": PASSWORD, "new": NEW_PASSWORD})
    assert (response.status, response.headers["location"]) == (303, PAGE)
    assert "Password changed" in (browser.toast or "")
    assert browser.is_signed_in()
    assert not other.is_signed_in()
    visitor = browser.another()
    assert visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD}).status == 422
    assert visitor.post("/sign-in", {"email": EMAIL, "password": NEW_PASSWORD}).status == 303


@pytest.mark.parametrize(
    ("current", "new", "problem"),
    [
        ("wrong", NEW_PASSWORD, {"current": "Incorrect password."}),
        (PASSWORD, "short", {"new": "Use at least 12 characters."}),
    ],
)
def test_the_wrong_one_of_the_two_is_named(
    browser: PageClient, current: str, new: str, problem: dict[str, str]
) -> None:
    """The password stays, no session ends, and neither text is repeated in the page."""
    other = browser.another().sign_in()
    response = browser.post(f"{PAGE}/password", {"current": current, "new": new})
    assert (response.status, field_errors(response)) == (422, problem)
    assert f'value="{new}"' not in response.text
    assert other.is_signed_in()
    assert "password_changed" not in browser.events()


def test_guessing_the_current_password_is_limited(browser: PageClient) -> None:
    """A stolen session can't try out passwords (security.md 25)."""
    fields = {"current": "wrong", "new": NEW_PASSWORD}
    assert [browser.post(f"{PAGE}/password", fields).status for _ in range(6)] == [422] * 5 + [429]


def test_no_form_works_for_others(browser: PageClient) -> None:
    """Changing the password needs the session and the page's token, besides the password."""
    browser.assert_guarded(f"{PAGE}/password", {"current": PASSWORD, "new": NEW_PASSWORD})
    browser.assert_guarded(f"{PAGE}/sessions/end-others")
    assert "password_changed" not in browser.events()
    assert browser.another().get(PAGE).headers["location"].startswith("/sign-in")
