"""Options of a key in a browser: a closed part of the form for new keys, and a dialog of the key's page."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import create_in_dialog, finish, open_create, read_secret


def test_options_wait_in_a_closed_part_of_the_form(owner: Any, home: Any) -> None:
    """A key without them is created as before; opened, they arrive in the key."""
    create_in_dialog(home, "Without options")
    finish(home.get_by_role("dialog"))
    owner.cli("consumers", "create", "Acme Browser", "--external-id", "acme-browser", check=True)
    dialog = open_create(home)
    expect(dialog.get_by_label("Tags")).to_be_hidden()
    dialog.get_by_text("More options").click()
    dialog.get_by_label("Name", exact=True).fill("With options")
    dialog.get_by_role("combobox", name="Consumer").press_sequentially("acme")
    expect(dialog.locator("#consumer-choices option[value='Acme Browser']")).to_have_count(1)
    expect(dialog.locator("#consumer-choices option")).to_have_count(1)
    dialog.get_by_role("combobox", name="Consumer").fill("acme browser")
    dialog.get_by_label("Tags").fill("Bad Tag")
    dialog.get_by_label("Rate limits").fill("50/1m")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_label("Tags")).to_be_focused()
    expect(dialog.get_by_label("Rate limits")).to_have_value("50/1m")
    dialog.get_by_label("Tags").fill("good tag")
    dialog.get_by_role("button", name="Create key").click()
    key = owner.api(read_secret(dialog)).get("/api/me").json()["key"]
    assert (key["tags"], key["consumer"]["external_id"]) == (["good", "tag"], "acme-browser")
    assert key["limits"][0]["limit"] == 50


def test_a_page_leads_to_its_errors(owner: Any, home: Any) -> None:
    """The first bad field has the focus in its open part; the list of errors leads to the others, and gets shorter."""
    home.goto(f"{owner.url}/settings/keys/new")
    home.get_by_label("Name", exact=True).fill("With errors")
    home.get_by_text("More options").click()
    home.get_by_label("Tags").fill("Bad Tag")
    home.get_by_label("Rate limits").fill("nonsense")
    home.get_by_role("button", name="Create key").click()
    errors = home.get_by_role("group", name="Errors in this form")
    expect(errors).to_contain_text("2 errors in this form:")
    expect(home.get_by_label("Tags")).to_be_focused()
    expect(home.get_by_label("Tags")).to_be_in_viewport()
    errors.get_by_role("link").nth(1).click()
    expect(home.get_by_label("Rate limits")).to_be_focused()
    home.get_by_label("Tags").fill("good")
    expect(errors).to_contain_text("1 error in this form:")
    home.get_by_label("Rate limits").fill("50/1m")
    expect(errors).to_have_count(0)


def test_limits_are_reset_after_a_question(owner: Any, home: Any) -> None:
    """In the same dialog; canceled, they stay as they were."""
    made = owner.cli.json("keys", "create", "Limited", "--limit", "50/1h")
    key = made["key"]
    owner.api(made["secret"]).get("/api/me")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    dialog = home.get_by_role("dialog")
    for answer in ("Cancel", "Reset limits"):
        home.get_by_role("link", name="Change limits").click()
        dialog.get_by_role("link", name="Reset limits").click()
        expect(dialog.get_by_role("heading", name="Reset these limits?")).to_be_visible()
        expect(dialog.get_by_text("49 of 50 left")).to_be_visible()
        dialog.get_by_role("link" if answer == "Cancel" else "button", name=answer).click()
        expect(dialog).to_have_count(0)
    expect(home.get_by_text("Limits reset. Nothing counts as used.")).to_be_visible()
    assert owner.cli.json("keys", "limits", "show", key["id"])["remaining"][0]["remaining"] == 50


def test_the_dialog_keeps_what_was_typed_when_it_suggests(owner: Any, home: Any) -> None:
    """The page then shows the new options."""
    key, secret = owner.create_key("Dialog options")
    owner.api(secret).get("/api/me")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    card = home.get_by_role("region", name="Options")
    card.get_by_role("link", name="Change options").click()
    dialog = home.get_by_role("dialog")
    dialog.get_by_label("Tags").fill("typed")
    dialog.get_by_role("link", name="Suggest from the log").click()
    expect(dialog.get_by_label("Allowed IP addresses")).to_have_value("127.0.0.1/32")
    expect(dialog.get_by_label("Tags")).to_have_value("typed")
    dialog.get_by_role("button", name="Save options").click()
    expect(home.get_by_text("Options updated.")).to_be_visible()
    expect(card).to_contain_text("127.0.0.1/32")
    expect(card).to_contain_text("typed")


def test_options_without_scripting(owner: Any, plain: Any) -> None:
    """Links and a form are enough."""
    key, secret = owner.create_key("Plain options")
    owner.api(secret).get("/api/me")
    plain.goto(f"{owner.url}/settings/keys/{key['id']}")
    plain.get_by_role("link", name="Change options").click()
    plain.get_by_role("link", name="Suggest from the log").click()
    expect(plain.get_by_label("Allowed IP addresses")).to_have_value("127.0.0.1/32")
    plain.get_by_role("button", name="Save options").click()
    expect(plain.get_by_text("Options updated.")).to_be_visible()
    expect(plain.get_by_role("region", name="Options")).to_contain_text("127.0.0.1/32")
