"""Filter the table by consumer, tag and environment, and change all keys that match."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import HOME, check_nothing_scrolls_sideways


def test_matching_keys_are_found_and_disabled_by_keyboard(owner: Any, home: Any) -> None:
    """The table and the URL follow the fields; the dialog lists exactly the keys of the table; 390 px are enough."""
    owner.cli("consumers", "create", "Matching Inc.", "--external-id", "matching", check=True)
    for name in ("Match one", "Match two"):
        owner.create_key(name, consumer="matching", tag="matching")
    owner.create_key("No match")
    home.set_viewport_size({"width": 390, "height": 844})
    home.goto(f"{owner.url}{HOME}")
    home.get_by_text("More filters").focus()
    home.keyboard.press("Enter")
    home.get_by_label("Tag").fill("matching")
    home.get_by_label("Tag").press("Enter")
    rows = home.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(home).to_have_url(re.compile("&tag=matching$"))
    check_nothing_scrolls_sideways(home)
    home.reload()
    expect(home.get_by_label("Tag")).to_have_value("matching")
    expect(home.get_by_text(re.compile("^2 of "))).to_be_visible()
    home.get_by_role("link", name="Disable all matching").focus()
    home.keyboard.press("Enter")
    dialog = home.get_by_role("dialog")
    expect(dialog.get_by_role("listitem").filter(has_text="Match")).to_have_count(2)
    dialog.get_by_role("button", name="Disable 2 keys").press("Enter")
    expect(home.get_by_text("Keys disabled.")).to_be_visible()
    expect(home).to_have_url(re.compile("&tag=matching$"))
    expect(rows.get_by_text("Disabled")).to_have_count(4)
    home.set_viewport_size({"width": 1280, "height": 900})


def test_without_scripting_the_filters_are_a_form(owner: Any, plain: Any) -> None:
    """The consumer's page leads to the same table, and to the dialogs as pages."""
    owner.cli("consumers", "create", "Plain match", "--external-id", "plain-match", check=True)
    owner.create_key("Plain key", consumer="plain-match")
    plain.goto(f"{owner.url}{HOME}")
    plain.get_by_text("More filters").click()
    plain.get_by_label("Consumer").fill("plain-match")
    plain.get_by_role("button", name="Search").click()
    expect(plain.locator("tbody tr")).to_have_count(1)
    plain.goto(f"{owner.url}/settings/consumers?q=plain-match")
    plain.get_by_role("link", name="Plain match").click()
    plain.get_by_role("link", name="Revoke all").click()
    plain.get_by_role("button", name="Revoke 1 key").click()
    expect(plain.get_by_text("Keys revoked.")).to_be_visible()
