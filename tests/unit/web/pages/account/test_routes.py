"""The account menu: preferences, and signing out here or everywhere."""

from tests.support.page_client import PageClient


def test_theme_and_shortcuts_are_kept_in_cookies(browser: PageClient) -> None:
    """Scripts read and set them too, so they are not HttpOnly; unknown values are not kept."""
    response = browser.post("/preferences", {"theme": "dark", "shortcuts": "perhaps", "next": "/settings/security"})
    assert (response.status, response.headers["location"]) == (303, "/settings/security")
    assert browser.cookies["ari_theme"] == "dark"
    assert "ari_shortcuts" not in browser.cookies
    assert not any("httponly" in cookie.lower() for cookie in response.cookies)


def test_signing_out_ends_this_session_in_the_database(browser: PageClient) -> None:
    """A copy of the cookie is worth nothing afterwards, and the browser forgets what it cached (security.md 26)."""
    copied = browser.another()
    copied.cookies = dict(browser.cookies)
    response = browser.post("/sign-out")
    assert (response.status, response.headers["location"]) == (303, "/sign-in")
    assert response.headers["clear-site-data"] == '"cache", "storage"'
    assert browser.toast == "You've signed out."
    assert not copied.is_signed_in()


def test_signing_out_everywhere_asks_first_and_ends_every_session(browser: PageClient) -> None:
    """The question changes nothing; the form ends the session of another browser too."""
    other = browser.another().sign_in()
    assert "Sign out everywhere?" in browser.get("/sign-out-everywhere").text
    assert other.is_signed_in()
    assert browser.post("/sign-out-everywhere").headers["location"] == "/sign-in"
    assert not other.is_signed_in()


def test_a_forged_sign_out_is_refused(browser: PageClient) -> None:
    """Another site cannot sign the owner out, nor change what the pages look like."""
    for url in ("/sign-out", "/sign-out-everywhere", "/preferences"):
        browser.assert_guarded(url, {"theme": "dark"})
    assert browser.is_signed_in()
    assert "ari_theme" not in browser.cookies
