"""Settings > API > Scopes in a real browser: declare, describe, remove, presets and the default for new keys."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import check_nothing_scrolls_sideways, sign_in

SCOPES = "/settings/scopes"


def test_a_scope_is_added_granted_and_removed(home: Any, owner: Any) -> None:
    """The create dialog offers it with its description; removing it shows the keys that lose it."""
    home.get_by_role("link", name="Scopes", exact=True).click()
    home.get_by_role("link", name="Add your first scope").click()
    dialog = home.locator("#dialog-body")
    dialog.get_by_role("textbox", name="Name").fill("keys:mine")
    dialog.get_by_role("textbox", name="Description").fill("List <b>orders</b>.")
    dialog.get_by_role("button", name="Add scope").click()
    expect(dialog.get_by_text("ARI reserves this resource")).to_be_visible()
    dialog.get_by_role("textbox", name="Name").fill("orders:read")
    dialog.get_by_role("button", name="Add scope").click()
    expect(home.get_by_text("Scope added.")).to_be_visible()
    expect(home.locator("[id='scope-orders:read']")).to_contain_text("List <b>orders</b>.")

    home.goto(f"{owner.url}/settings/keys/new")
    home.get_by_label("Name").fill("Web shop")
    home.get_by_role("radio", name=re.compile("Custom")).check()
    home.get_by_role("checkbox", name=re.compile("orders:read")).check()
    home.get_by_role("button", name="Create key").click()
    expect(home.locator("#secret")).to_be_visible()

    home.goto(owner.url + SCOPES)
    home.get_by_role("link", name="1 key with orders:read").click()
    expect(dialog.get_by_role("link", name="Web shop")).to_be_visible()
    dialog.get_by_role("link", name="Close").first.click()
    home.get_by_role("link", name="Remove orders:read").click()
    expect(dialog.get_by_label("The keys")).to_contain_text("Web shop")
    owner.create_key("Late", scopes=["orders:read"])
    dialog.get_by_role("button", name="Remove from 1 key").click()
    expect(dialog.get_by_text("just changed. Review them again.")).to_be_visible()
    dialog.get_by_role("button", name="Remove from 2 keys").click()
    expect(home.get_by_text("Scope removed.")).to_be_visible()
    expect(home.get_by_role("heading", name="No scopes of your own yet")).to_be_visible()


def test_scopes_are_filtered_as_one_types(home: Any, owner: Any) -> None:
    """By name or description; what is selected stays so, and Enter doesn't send the form."""
    home.goto(f"{owner.url}/settings/keys/new")
    home.get_by_role("radio", name=re.compile("Custom")).check()
    scopes = home.get_by_role("group", name="Scopes")
    everything = scopes.get_by_role("checkbox").count()
    field = home.get_by_role("searchbox", name="Filter scopes")
    field.fill("USAGE log")
    expect(scopes.get_by_role("checkbox")).to_have_count(1)
    expect(home.locator("[data-say]").first).to_have_text(re.compile(r"^1 of \d+ scopes$"))
    scopes.get_by_role("checkbox", name=re.compile("usage:read")).check()
    field.press("Enter")
    field.fill("no such scope")
    expect(scopes.get_by_text("No scope matches.")).to_be_visible()
    expect(scopes.get_by_role("checkbox")).to_have_count(0)
    field.fill("")
    expect(scopes.get_by_text("No scope matches.")).to_be_hidden()
    expect(scopes.get_by_role("checkbox", name=re.compile("usage:read"))).to_be_checked()
    assert scopes.get_by_role("checkbox").count() >= everything
    assert home.url.endswith("/settings/keys/new")


def test_a_preset_becomes_the_default_of_the_create_dialog(home: Any, owner: Any) -> None:
    """Added, chosen, changed, and removed once another is the default; one of ARI's own is reset."""
    home.goto(owner.url + SCOPES)
    dialog = home.locator("#dialog-body")
    home.get_by_role("link", name="Add preset").click()
    dialog.get_by_role("textbox", name="Name").fill("watcher")
    dialog.get_by_role("textbox", name="Label").fill("Watcher")
    dialog.get_by_role("textbox", name="Description").fill("Reads the usage log.")
    dialog.get_by_role("button", name="Save preset").click()
    expect(dialog.get_by_text("Specify at least one scope.")).to_be_visible()
    dialog.get_by_text("usage", exact=True).click()
    dialog.get_by_role("checkbox", name=re.compile("^usage:read")).check()
    dialog.get_by_role("button", name="Save preset").click()
    row = home.locator("#preset-watcher")
    row.get_by_role("button", name="Make default").click()
    expect(row.get_by_text("Default", exact=True)).to_be_visible()
    home.goto(f"{owner.url}/settings/keys/new")
    expect(home.get_by_role("radio", name=re.compile("Watcher"))).to_be_checked()
    home.goto(owner.url + SCOPES)
    home.locator("#preset-read-only").get_by_role("button", name="Make default").click()
    row.get_by_role("link", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)

    home.locator("#preset-standard").get_by_role("link", name="Edit").click()
    dialog.get_by_role("textbox", name="Label").fill("Docs")
    dialog.get_by_role("button", name="Save preset").click()
    standard = home.locator("#preset-standard")
    expect(standard.get_by_text("Changed")).to_be_visible()
    standard.get_by_role("link", name="Reset").click()
    dialog.get_by_role("button", name="Reset").click()
    expect(standard).to_contain_text("API docs only")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_axe_finds_nothing(
    owner: Any, home: Any, axe: Callable[[Any], Any], theme: str, width: int
) -> None:
    """With the longest names and descriptions, in both themes, narrow and wide."""
    longest = f"{'o' * 31}:{'a' * 30}{theme[0]}"
    owner.cli("scopes", "add", longest, "w" * 200)
    home.emulate_media(color_scheme=theme, reduced_motion="reduce")
    home.set_viewport_size({"width": width, "height": 900})
    for path in (SCOPES, f"{SCOPES}/new", f"{SCOPES}/{longest}/remove", f"{SCOPES}/*/keys", "/settings/presets/new"):
        home.goto(owner.url + path.replace("*", longest))
        check_nothing_scrolls_sideways(home)
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in axe(home)] == []


def test_it_works_without_scripting(plain: Any, owner: Any) -> None:
    """Every dialog is a page of its own."""
    plain.goto(owner.url + SCOPES)
    plain.get_by_role("link", name="Add scope").click()
    plain.get_by_label("Name").fill("plain:read")
    plain.get_by_role("textbox", name="Description").fill("Plain.")
    plain.get_by_role("button", name="Add scope").click()
    expect(plain.locator("[id='scope-plain:read']")).to_be_visible()
    plain.get_by_role("link", name="Remove plain:read").click()
    plain.get_by_role("button", name="Remove", exact=True).click()
    expect(plain.locator("[id='scope-plain:read']")).to_have_count(0)


def test_the_page_needs_a_session(page: Any, owner: Any) -> None:
    """A stranger is sent to sign in, and comes back to it."""
    page.goto(owner.url + SCOPES)
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, owner, SCOPES)
    expect(page.get_by_role("heading", name="Scopes", exact=True)).to_be_visible()
