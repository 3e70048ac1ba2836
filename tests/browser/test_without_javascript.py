"""Everything but copying works in a browser whose scripting is off."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import HOME, SECRET


def test_create_and_done(owner: Any, plain: Any) -> None:
    """The button is a link to a page with the same form; the key is shown, Done wants its tick, the table lists it."""
    plain.get_by_role("link", name="Create API Key").click()
    expect(plain.get_by_role("heading", name="Create API Key")).to_be_visible()
    plain.get_by_label("Name", exact=True).fill("Plain key")
    plain.get_by_role("radio", name="7 days").check()
    plain.get_by_role("button", name="Create key").click()
    expect(plain.get_by_role("heading", name="Copy your key now")).to_be_visible()
    secret = SECRET.findall(plain.inner_text("main"))[0]
    assert owner.api(secret).get("/api/me").status_code == 200
    expect(plain.get_by_role("button", name="Copy")).to_have_count(0)
    plain.get_by_role("button", name="Done").click()
    expect(plain.get_by_role("heading", name="Copy your key now")).to_be_visible()
    plain.get_by_label("I've saved this key").check()
    plain.get_by_role("button", name="Done").click()
    plain.wait_for_url(f"**{HOME}")
    expect(plain.get_by_role("row", name="Plain key")).to_contain_text("in 7 days")


def test_errors_are_next_to_their_fields(plain: Any, owner: Any) -> None:
    """A refused form comes back with its values and a sentence that the field refers to."""
    plain.goto(f"{owner.url}/settings/keys/new")
    plain.get_by_label("Name", exact=True).fill("   ")
    plain.get_by_role("radio", name="1 year").check()
    plain.get_by_role("button", name="Create key").click()
    expect(plain.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(plain.locator("#name-error")).to_have_text("Enter a name that says what uses the key.")
    link = plain.get_by_role("group", name="Errors in this form").get_by_role("link")
    expect(link).to_have_text("Enter a name that says what uses the key.")
    expect(link).to_have_attribute("href", "#name-error")
    expect(plain.get_by_role("radio", name="1 year")).to_be_checked()


def test_revoke_then_delete(owner: Any, plain: Any) -> None:
    """The icon leads to a page that asks; afterwards the table says what was done."""
    key, secret = owner.create_key("Plain end")
    plain.goto(f"{owner.url}{HOME}")
    plain.get_by_role("row", name="Plain end").get_by_role("link", name="Revoke").click()
    expect(plain.get_by_role("heading", name="Revoke this API key?")).to_be_visible()
    expect(plain.get_by_text(key["id"])).to_be_visible()
    plain.get_by_role("button", name="Revoke key").click()
    expect(plain.get_by_text("Key revoked.")).to_be_visible()
    assert owner.api(secret).get("/api/me").status_code == 401
    plain.get_by_role("row", name="Plain end").get_by_role("link", name="Delete").click()
    plain.get_by_role("button", name="Delete key").click()
    expect(plain.get_by_text("Key deleted.")).to_be_visible()
    expect(plain.get_by_role("row", name="Plain end")).to_have_count(0)


def test_rename_disable_and_enable(owner: Any, plain: Any) -> None:
    """The key's page has real forms."""
    key, _ = owner.create_key("Plain before")
    plain.goto(f"{owner.url}/settings/keys/{key['id']}")
    plain.get_by_role("link", name="Rename").click()
    plain.get_by_label("Name", exact=True).fill("Plain after")
    plain.get_by_role("button", name="Rename").click()
    expect(plain.get_by_role("heading", name="Plain after")).to_be_visible()
    plain.get_by_role("link", name="Disable").click()
    plain.get_by_role("button", name="Disable key").click()
    expect(plain.get_by_text("Key disabled.")).to_be_visible()
    plain.get_by_role("button", name="Enable").click()
    expect(plain.get_by_text("Key enabled.")).to_be_visible()


def test_times_are_utc(owner: Any, plain: Any) -> None:
    """Without scripting every exact time says that it is UTC."""
    key, _ = owner.create_key("Plain times")
    plain.goto(f"{owner.url}/settings/keys/{key['id']}")
    expect(plain.get_by_role("region", name="Details").get_by_role("time").first).to_contain_text("UTC")
    expect(plain.get_by_text("All times in UTC.")).to_be_visible()


def test_theme_and_signing_out(owner: Any, plain: Any) -> None:
    """The account menu opens, the theme is kept by a cookie, signing out works."""
    menu = plain.get_by_role("button", name="Account menu")
    menu.click()
    plain.get_by_role("button", name="Dark").click()
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    menu.click()
    plain.get_by_role("link", name="Sign out everywhere").click()
    plain.get_by_role("link", name="Cancel").click()
    menu.click()
    plain.get_by_role("button", name="Sign out").click()
    expect(plain.get_by_text("You've signed out.")).to_be_visible()
