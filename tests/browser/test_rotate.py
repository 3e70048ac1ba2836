"""Rotate a key in the browser, as a person does it."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import check_nothing_scrolls_sideways, enter, finish, read_secret


def test_from_the_old_secret_to_the_new_one(owner: Any, home: Any) -> None:
    """The dialog shows the new secret; the page then says who uses the old one, until it is retired."""
    key, old = owner.create_key("Nightly export", scopes=["api:read"])
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    home.get_by_role("link", name="Rotate", exact=True).click()
    dialog = home.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="24 hours")).to_be_checked()
    dialog.get_by_role("radio", name="7 days").check()
    dialog.get_by_role("button", name="Rotate key").click()
    new = read_secret(dialog)
    assert (owner.api(new).get("/api/me").status_code, owner.api(old).get("/api/me").status_code) == (200, 200)
    finish(dialog)
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    expect(home.get_by_text("retires in 7 days")).to_be_visible()
    expect(home.locator(".notice", has_text="Addresses: 127.0.0.1")).to_be_visible()
    home.get_by_role("link", name="Retire now").click()
    dialog.get_by_role("button", name="Retire old secret").click()
    expect(home.locator(".toast")).to_contain_text("Old secret retired")
    assert (owner.api(new).get("/api/me").status_code, owner.api(old).get("/api/me").status_code) == (200, 401)
    expect(home.get_by_role("link", name="Retire now")).to_have_count(0)


def test_a_new_client_of_the_old_secret_shows_up_without_a_reload(owner: Any, home: Any) -> None:
    """The notice refreshes with the page."""
    key, old = owner.create_key("Watched", scopes=["api:read"])
    owner.cli("keys", "rotate", key["id"], check=True)
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    expect(home.get_by_text("It hasn't been used since the key was rotated.")).to_be_visible()
    owner.api(old, headers={"user-agent": "cron/1"}).get("/api/me")
    expect(home.locator(".notice", has_text="User agents: cron/1")).to_be_visible()


def test_a_secret_that_was_not_copied_is_not_lost_by_a_click(owner: Any, home: Any) -> None:
    """As for a new key: closing asks first."""
    key, _ = owner.create_key("Careless")
    home.goto(f"{owner.url}/settings/keys/{key['id']}/rotate")
    home.get_by_role("button", name="Rotate key").click()
    read_secret(home.locator("main"))
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    home.get_by_role("link", name="Rotate", exact=True).click()
    dialog = home.get_by_role("dialog")
    expect(dialog).to_contain_text("A key has at most two active secrets")
    dialog.get_by_role("button", name="Rotate key").click()
    expect(dialog).to_contain_text("Select this to continue")
    dialog.get_by_role("checkbox", name="(required to rotate again)").check()
    dialog.get_by_role("button", name="Rotate key").click()
    read_secret(dialog)
    home.keyboard.press("Escape")
    expect(dialog).to_contain_text("You haven't copied this key.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off(owner: Any, browser: Any, scheme: Any, width: int, tmp_path: Any) -> None:
    """The page with an old secret, and the form, fit a telephone, in both color schemes."""
    key, old = owner.create_key("Fits", scopes=["api:read"])
    owner.cli("keys", "rotate", key["id"], check=True)
    owner.api(old, headers={"user-agent": "x" * 200}).get("/api/me")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    enter(page, owner)
    for url in (f"/settings/keys/{key['id']}", f"/settings/keys/{key['id']}/rotate"):
        page.goto(f"{owner.url}{url}")
        check_nothing_scrolls_sideways(page)
        page.screenshot(path=tmp_path / "page.png", full_page=True)
    page.close()
