"""Consumers in a browser: from the table of keys to the list, a dialog, a page, and back."""

from typing import Any

from playwright.sync_api import expect


def test_a_consumer_is_created_in_the_dialog(owner: Any, home: Any) -> None:
    """The dialog keeps what was typed until it is right; then the consumer's page opens."""
    home.get_by_role("link", name="Consumers").click()
    home.get_by_role("link", name="Create consumer").click()
    dialog = home.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Browser Inc.")
    dialog.get_by_label("Metadata").fill("wrong")
    dialog.get_by_role("button", name="Create consumer").click()
    expect(dialog.get_by_label("Metadata")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_value("Browser Inc.")
    dialog.get_by_label("Metadata").fill('{"plan": "pro"}')
    dialog.get_by_role("button", name="Create consumer").click()
    expect(home.get_by_role("heading", name="Browser Inc.")).to_be_visible()
    expect(home.get_by_text("Consumer created.")).to_be_visible()


def test_deleting_a_consumer_with_keys_is_explained_without_scripting(owner: Any, plain: Any) -> None:
    """The page says what to do, and leads back."""
    owner.cli("consumers", "create", "Plain Inc.", "--external-id", "plain-inc", check=True)
    owner.make_keys_over_http()
    owner.create_key("Plain Inc. key", consumer="plain-inc")
    plain.goto(f"{owner.url}/settings/consumers")
    plain.get_by_role("link", name="Plain Inc.").click()
    plain.get_by_role("link", name="Delete").click()
    plain.get_by_role("button", name="Delete consumer").click()
    expect(plain.get_by_role("alert")).to_contain_text("Delete or move its keys first.")
    plain.get_by_role("link", name="Back to the consumer").click()
    expect(plain.get_by_role("link", name="Plain Inc. key")).to_be_visible()


def test_times_take_one_line_each_in_the_table_of_keys(owner: Any, home: Any) -> None:
    """Next to a long name, on the width of a laptop."""
    owner.cli("consumers", "create", "Wide Inc.", "--external-id", "wide-inc", check=True)
    owner.create_key(f"A key with a long name {'and more of it ' * 4}", expires="30d", consumer="wide-inc")
    home.set_viewport_size({"width": 1280, "height": 800})
    home.goto(f"{owner.url}/settings/consumers")
    home.get_by_role("link", name="Wide Inc.").click()
    times = home.get_by_role("table").locator("td time")
    expect(times).to_have_count(2)
    assert times.evaluate_all("(all) => all.map((one) => one.getClientRects().length)") == [1, 1]
