"""Signing in and out in a browser."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import sign_in


def fill(page: Any, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_requested_page_opens_after_signing_in(owner: Any, page: Any) -> None:
    """A link into the product survives the sign-in."""
    key, _ = owner.create_key("Wanted")
    sign_in(page, owner, f"/settings/keys/{key['id']}")
    expect(page.get_by_role("heading", name="Wanted")).to_be_visible()


def test_a_wrong_password_and_an_unknown_address_read_alike(owner: Any, page: Any) -> None:
    """Nobody learns which accounts exist; the address stays in its field."""
    page.goto(f"{owner.url}/sign-in")
    for email in (owner.email, "nobody@example.org"):
        fill(page, email, "not the password at all")
        expect(page.get_by_role("alert")).to_have_text("Incorrect email or password.")
        expect(page.get_by_label("Email")).to_have_value(email)


def test_too_many_attempts_say_when_to_try_again(owner: Any, page: Any) -> None:
    """The sixth attempt within five minutes is refused with the seconds to wait; later it works."""
    page.goto(f"{owner.url}/sign-in")
    for _ in range(6):
        fill(page, owner.email, "not the password at all")
    expect(page.get_by_role("alert")).to_contain_text("Too many sign-in attempts. Try again in")
    owner.server.clock.advance(301)
    fill(page, owner.email, owner.password)
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_signing_out_closes_the_pages_and_the_way_back(owner: Any, home: Any) -> None:
    """After signing out neither the address nor the back button shows the settings."""
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("button", name="Sign out").click()
    expect(home.get_by_text("You've signed out.")).to_be_visible()
    home.go_back()
    expect(home.get_by_role("button", name="Sign in")).to_be_visible()
    home.goto(f"{owner.url}/settings?tab=api")
    expect(home.get_by_role("button", name="Sign in")).to_be_visible()


def test_sign_out_everywhere_asks_and_ends_every_session(owner: Any, home: Any, browser: Any) -> None:
    """A second browser is signed out too."""
    other = browser.new_context().new_page()
    sign_in(other, owner)
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("link", name="Sign out everywhere").click()
    dialog = home.get_by_role("dialog")
    expect(dialog).to_contain_text("every browser, including this one")
    dialog.get_by_role("button", name="Sign out everywhere").click()
    expect(home.get_by_role("button", name="Sign in")).to_be_visible()
    other.reload()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    other.context.close()


def test_a_session_that_ended_leads_from_a_dialog_to_the_sign_in(owner: Any, home: Any) -> None:
    """A dialog never shows the sign-in form inside itself."""
    home.context.clear_cookies(name=f"ari_{owner.server.port}")
    home.get_by_role("link", name="Create API Key").click()
    expect(home.get_by_role("button", name="Sign in")).to_be_visible()
    expect(home.get_by_role("dialog")).to_have_count(0)


def test_the_password_can_be_shown(owner: Any, page: Any) -> None:
    """The eye toggles the password's text and says so to screen readers."""
    page.goto(f"{owner.url}/sign-in")
    field, eye = page.get_by_label("Password", exact=True), page.get_by_role("button", name="Show password")
    eye.click()
    expect(field).to_have_attribute("type", "text")
    expect(eye).to_have_attribute("aria-pressed", "true")
