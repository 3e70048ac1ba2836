"""Settings > Audit in a real browser: from a list of sentences to one event, its filters and a file."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import enter


@pytest.mark.parametrize("scripting", [True, False])
def test_from_the_list_to_an_event_and_all_events_like_it(owner: Any, browser: Any, scripting: bool) -> None:
    """In a dialog with scripting, on a page of its own without."""
    context = browser.new_context(java_script_enabled=scripting)
    page = context.new_page()
    enter(page, owner)
    key, _ = owner.create_key(f"Audited {scripting}")
    owner.cli("keys", "disable", key["id"], check=True)
    page.goto(f"{owner.url}/settings/audit?subject={key['id']}")
    expect(page.locator(".event-link")).to_have_text(["Key disabled", f"Key Audited {scripting} created"])
    page.locator(".event-link").first.click()
    place = page.get_by_role("dialog") if scripting else page.locator("main")
    expect(place.get_by_text("it can be enabled again")).to_be_visible()
    place.get_by_role("link", name="Events about this").click()
    expect(page).to_have_url(f"{owner.url}/settings/audit?subject={key['id']}")
    context.close()


def test_filters_and_an_export(owner: Any, page: Any, tmp_path: Path) -> None:
    """The file has the events of the page."""
    enter(page, owner)
    owner.create_key("Exported")
    page.goto(f"{owner.url}/settings/audit")
    page.get_by_label("Event", exact=True).select_option(label="Key created")
    page.get_by_text("More filters").click()
    page.get_by_label("By: ID").fill("cli:nobody")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="No matching events")).to_be_visible()
    page.get_by_label("By: ID").fill("")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".event-link").first).to_contain_text("Exported")
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON lines").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "ari-events.jsonl"
    assert {line.split('"name": "')[1].split('"')[0] for line in file.read_text().splitlines()} == {"key_created"}


def test_verify_now(owner: Any, page: Any) -> None:
    """The result, and the way back."""
    enter(page, owner, "/settings/audit")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_role("status").get_by_text("events checked")).to_be_visible()
    page.get_by_role("link", name="Back to the audit log").click()
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
