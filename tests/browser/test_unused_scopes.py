"""The dialog that removes unused scopes from a key."""

from typing import Any

from playwright.sync_api import expect

DAY = 86_400


def test_unused_scopes_are_removed_with_one_click(home: Any, owner: Any) -> None:
    """On a young log it says why it recommends nothing."""
    key, secret = owner.create_key("Narrow me", scopes=["usage:read", "integrations:read"])
    client = owner.api(secret)
    assert client.get("/api/usage").status_code == 200
    page = f"{owner.url}/settings/keys/{key['id']}"
    home.goto(page)
    home.get_by_role("link", name="Find unused scopes").click()
    dialog = home.locator("#dialog-body")
    expect(dialog.get_by_text("The usage log is younger than 90 days.")).to_be_visible()
    owner.server.clock.advance(5 * DAY)
    assert client.get("/api/usage").status_code == 200
    owner.server.clock.advance(92 * DAY)
    assert client.get("/api/usage").status_code == 200
    home.context.clear_cookies()
    home.goto(owner.url)
    home.get_by_label("Email").fill(owner.email)
    home.get_by_label("Password", exact=True).fill(owner.password)
    home.get_by_role("button", name="Sign in").click()
    home.wait_for_url("**/settings?tab=api")
    home.goto(page)
    home.get_by_role("link", name="Find unused scopes").click()
    expect(dialog.get_by_text("integrations:read")).to_be_visible()
    dialog.get_by_role("button", name="Remove 1 scope").click()
    expect(home.get_by_text("Unused scopes removed.")).to_be_visible()
    assert owner.cli.json("keys", "show", key["id"])["scopes"] == ["usage:read"]
