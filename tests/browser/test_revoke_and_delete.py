"""Revoking and deleting keys in a browser."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import HOME


def row(page: Any, name: str) -> Any:
    return page.get_by_role("row", name=name)


def test_the_trash_icon_asks_and_revokes(owner: Any, home: Any) -> None:
    """The dialog names key, hint and id and says what happens; then the next request fails and the row says so."""
    key, secret = owner.create_key("Leaked")
    assert owner.api(secret).get("/api/me").status_code == 200
    home.goto(f"{owner.url}{HOME}")
    row(home, "Leaked").get_by_role("link", name="Revoke").click()
    dialog = home.get_by_role("dialog", name="Revoke this API key?")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    for words in ("Leaked", key["hint"], key["id"], "stops working immediately", "can't be undone"):
        expect(dialog).to_contain_text(words)
    expect(dialog).to_contain_text("Requests already in progress will finish.")
    dialog.get_by_label("Reason").fill("committed to git")
    dialog.get_by_role("button", name="Revoke key").click()
    expect(home.locator(".toast")).to_contain_text("Key revoked.")
    expect(row(home, "Leaked")).to_contain_text("Revoked")
    assert owner.api(secret).get("/api/me").status_code == 401
    home.get_by_role("link", name="Leaked", exact=True).click()
    expect(home.get_by_text("committed to git").first).to_be_visible()


def test_cancel_leaves_the_key_alone(owner: Any, home: Any) -> None:
    """Cancel and Escape change nothing, and the focus returns to the icon."""
    _, secret = owner.create_key("Spared")
    home.goto(f"{owner.url}{HOME}")
    icon = row(home, "Spared").get_by_role("link", name="Revoke")
    icon.click()
    home.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    expect(icon).to_be_focused()
    assert owner.api(secret).get("/api/me").status_code == 200


def test_an_inactive_key_is_deleted_by_the_same_icon(owner: Any, home: Any) -> None:
    """The icon of an inactive row deletes: the row goes, the usage stays readable."""
    key, secret = owner.create_key("Old one")
    owner.api(secret).get("/api/me")
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    home.goto(f"{owner.url}{HOME}&show=inactive")
    row(home, "Old one").get_by_role("link", name="Delete").click()
    dialog = home.get_by_role("dialog", name="Delete this inactive key?")
    expect(dialog).to_contain_text("Its usage and events are kept")
    dialog.get_by_role("button", name="Delete key").click()
    expect(home.locator(".toast")).to_contain_text("Key deleted.")
    expect(row(home, "Old one")).to_have_count(0)
    assert home.url.endswith("show=inactive")
    assert len(owner.session().get(f"/api/keys/{key['id']}/usage").json()["items"]) == 1


def test_a_key_that_is_gone_is_explained_in_the_dialog(owner: Any, home: Any) -> None:
    """Another window deleted it: the dialog says so and can be closed."""
    key, _ = owner.create_key("Gone meanwhile")
    home.goto(f"{owner.url}{HOME}")
    for verb in ("revoke", "delete"):
        owner.cli("keys", verb, key["id"], "--yes", check=True)
    row(home, "Gone meanwhile").get_by_role("link", name="Revoke").click()
    dialog = home.get_by_role("dialog", name="Not found")
    expect(dialog).to_contain_text("No such API key.")
    assert home.title() == "API keys · ARI"
    dialog.get_by_role("link", name="Back to API keys").click()
    expect(home.get_by_role("dialog")).to_have_count(0)


def test_keys_made_by_a_key_are_revoked_with_it(owner: Any, home: Any) -> None:
    """The dialog lists the living keys that the key made; the tick revokes them too."""
    maker, secret = owner.create_key("Maker", scopes=["*"])
    made = owner.api(secret).post("/api/keys", json={"name": "Made by maker", "scopes": ["api:read"]})
    home.goto(f"{owner.url}/settings/keys/{maker['id']}")
    home.get_by_role("link", name="Revoke").click()
    dialog = home.get_by_role("dialog")
    expect(dialog).to_contain_text("Made by maker")
    dialog.get_by_label("Also revoke it").check()
    dialog.get_by_role("button", name="Revoke key").click()
    expect(home.locator(".toast")).to_contain_text("Key revoked.")
    assert home.url.endswith(maker["id"])
    assert owner.api(made.json()["secret"]).get("/api/me").json()["code"] == "revoked"


def test_a_reason_that_holds_a_key_is_refused_in_the_dialog(owner: Any, home: Any) -> None:
    """A secret does not get into the events; the dialog says so and stays."""
    key, secret = owner.create_key("Reasoned")
    home.goto(f"{owner.url}/settings/keys/{key['id']}/revoke")
    home.get_by_label("Reason").fill(f"leaked {secret}")
    home.get_by_role("button", name="Revoke key").click()
    expect(home.get_by_text("Don't enter secrets here").last).to_be_visible()
    assert owner.api(secret).get("/api/me").status_code == 200
