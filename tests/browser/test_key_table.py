"""The table of keys: searching, filtering, sorting, charts, menus of rows, changes in place, many at once."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import HOME
from tests.support.past import Past, past_of


@pytest.fixture
def past(owner: Any) -> Iterator[Past]:
    """What happened on the owner's instance before now: one key of each state."""
    with past_of(owner.server.data_dir, time.time_ns() // 1_000_000) as found:
        found.forget_keys()
        importer, nightly = found.key("Old importer", 80, 400), found.key("Nightly export", 20, 90)
        ended = found.key("Ended deploy", 50, 40)
        found.key("Soon gone", 10, 13)
        found.requests(importer, 41, 7)
        found.requests(nightly, 1, 5)
        found.requests(nightly, 0.01, 2, code="insufficient_scope")
        found.requests(ended, 1, 3, code="expired", address="203.0.113.9", agent="cron/1")
        yield found


@pytest.fixture
def table(past: Past, home: Any, owner: Any) -> Any:
    """The page with those keys."""
    home.goto(f"{owner.url}{HOME}")
    return home


def names(page: Any) -> list[str]:
    return [str(name) for name in page.locator("tbody .key-link").all_inner_texts()]


def row(page: Any, name: str) -> Any:
    return page.get_by_role("row", name=name)


def menu(page: Any, name: str, item: str) -> None:
    """Open the menu of a row and choose."""
    row(page, name).get_by_role("link", name="More").click()
    page.locator("[data-row-menu]:popover-open").get_by_text(item).click()


def test_badges_and_charts_say_the_state_of_a_key(table: Any) -> None:
    """State and use in words; the chart has its numbers for those who do not see it."""
    for name, words in (
        ("Old importer", "Unused for 41 days"),
        ("Nightly export", "Active"),
        ("Ended deploy", "Expired"),
        ("Soon gone", "Expires in 3 days"),
        ("Soon gone", "Never used"),
    ):
        expect(row(table, name)).to_contain_text(words)
    chart = row(table, "Nightly export").get_by_role("img")
    expect(chart).to_have_accessible_name(re.compile(r"5 requests allowed, 2 refused in 14 days; most on .+: [57]"))
    expect(row(table, "Old importer")).to_contain_text("No requests")


def test_the_table_follows_what_is_typed(owner: Any, table: Any) -> None:
    """The slash goes to the field; the URL follows, a reload shows the same, Escape empties; the count is announced."""
    table.keyboard.press("/")
    expect(table.get_by_role("searchbox")).to_be_focused()
    table.keyboard.type("IMPORT")
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table.get_by_role("status").filter(has_text="1 of")).to_contain_text("keys match")
    expect(table.get_by_role("searchbox")).to_be_focused()
    assert table.url.endswith("&q=IMPORT")
    table.reload()
    assert names(table) == ["Old importer"]
    table.get_by_role("searchbox").fill("no such key")
    expect(table.get_by_role("heading", name="No matching keys")).to_be_visible()
    table.keyboard.press("Escape")
    expect(row(table, "Nightly export")).to_be_visible()
    assert table.url == f"{owner.url}{HOME}"


def test_a_pasted_key_is_searched_by_its_hint(owner: Any, table: Any) -> None:
    """The key itself gets into no address, and so no event says that it was exposed."""
    key, secret = owner.create_key("Pasted", expires="7d")
    table.get_by_role("searchbox").fill(f" {secret}")
    expect(table.locator("tbody tr")).to_have_count(1)
    assert names(table) == ["Pasted"]
    assert secret not in table.url
    assert [one["name"] for one in owner.cli.json("events", "--subject", key["id"])["items"]] == ["key_created"]


def test_filter_and_headers(owner: Any, table: Any) -> None:
    """Filters by state and use; a header sorts, and turns round; the chosen one says so."""
    table.get_by_role("combobox", name="Status").select_option("unused")
    expect(table.locator("tbody tr")).to_have_count(1)
    assert names(table) == ["Old importer"]
    table.get_by_role("combobox", name="Status").select_option("all")
    expect(row(table, "Nightly export")).to_be_visible()
    for header, first in (("Name", "Ended deploy"), ("Last used", "Nightly export"), ("Requests", "Old importer")):
        table.get_by_role("columnheader", name=header).get_by_role("link").click()
        expect(table.locator("tbody .key-link").first).to_have_text(first)
    header = table.get_by_role("columnheader", name="Requests")
    expect(header).to_have_attribute("aria-sort", "descending")
    header.get_by_role("link").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert names(table)[-1] == "Old importer"
    table.goto(f"{owner.url}{HOME}&show=expired")
    assert names(table) == ["Ended deploy"]


def test_renaming_in_place(owner: Any, table: Any) -> None:
    """The name becomes a field; a bad one is explained there, Escape takes it back, Enter keeps it."""
    key, _ = owner.create_key("Before", expires="7d")
    table.reload()
    menu(table, "Before", "Rename")
    field = table.get_by_label("New name")
    expect(field).to_be_focused()
    field.fill(" ")
    table.keyboard.press("Enter")
    expect(table.get_by_text("Enter a name that says what uses the key.")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    table.keyboard.press("Escape")
    expect(table.get_by_role("link", name="Before", exact=True)).to_be_focused()
    menu(table, "Before", "Rename")
    field.fill("After")
    table.keyboard.press("Enter")
    expect(table.locator(".toast")).to_contain_text("Key renamed.")
    expect(row(table, "After")).to_contain_text(key["hint"])
    expect(row(table, "Before")).to_have_count(0)


def test_a_refresh_under_way_takes_no_field(owner: Any, table: Any) -> None:
    """Requested before somebody began to type, received after: the field, its text and the focus stay."""
    owner.create_key("Typed", expires="7d")
    table.reload()
    held: list[Any] = []
    table.route(f"{owner.url}{HOME}", lambda route, _: held.append(route))
    with table.expect_request(f"{owner.url}{HOME}"):
        table.evaluate("document.querySelector('#keys').dispatchEvent(new Event('refresh'))")
    menu(table, "Typed", "Rename")
    field = table.get_by_label("New name")
    field.fill("Half of a na")
    owner.create_key("Made meanwhile", expires="7d")
    with table.expect_event("requestfinished"):
        held[0].continue_()
    table.unroute(f"{owner.url}{HOME}")
    expect(field).to_be_focused()
    table.keyboard.type("me")
    expect(field).to_have_value("Half of a name")
    table.keyboard.press("Enter")
    expect(row(table, "Made meanwhile")).to_be_visible()
    expect(table.get_by_label("Select Half of a name")).to_be_visible()


def test_switching_off_and_on(owner: Any, table: Any) -> None:
    """From the menu: disabling asks; enabling doesn't leave the table, and the focus stays with the row."""
    _, secret = owner.create_key("Switched", expires="30d")
    table.reload()
    menu(table, "Switched", "Disable")
    table.get_by_role("dialog").get_by_role("button", name="Disable key").click()
    expect(row(table, "Switched")).to_contain_text("Disabled")
    assert owner.api(secret).get("/api/me").json()["code"] == "disabled"
    menu(table, "Switched", "Enable")
    expect(row(table, "Switched")).to_contain_text("Active")
    expect(row(table, "Switched").get_by_role("link", name="More")).to_be_focused()
    assert owner.api(secret).get("/api/me").status_code == 200


def test_changing_access_and_expiry(owner: Any, table: Any) -> None:
    """Presets and scopes of one's own; the six choices or a day."""
    key, secret = owner.create_key("Changed", expires="7d")
    table.reload()
    menu(table, "Changed", "Change access")
    dialog = table.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="API docs only")).to_be_focused()
    dialog.get_by_role("radio", name="Custom").check()
    dialog.get_by_text("usage", exact=True).click()
    dialog.get_by_role("checkbox", name="usage:read").check()
    dialog.get_by_role("button", name="Save access").click()
    expect(table.locator(".toast")).to_contain_text("Access updated.")
    menu(table, "Changed", "Change expiry")
    dialog.get_by_role("button", name="Save expiry").click()
    expect(dialog.get_by_text("Choose an expiry.")).to_be_visible()
    dialog.get_by_role("radio", name="On a date").check()
    dialog.get_by_label("Date", exact=True).fill("2001-01-01")
    dialog.get_by_role("button", name="Save expiry").click()
    expect(dialog.get_by_text("This time is in the past")).to_be_visible()
    dialog.get_by_label("Date", exact=True).fill("2099-12-31")
    dialog.get_by_role("button", name="Save expiry").click()
    expect(table.locator(".toast")).to_contain_text("Expiry updated.")
    now = owner.api(secret).get("/api/me").json()["key"]
    assert (now["scopes"], now["expires_at"]) == (["api:read", "usage:read"], "2100-01-01T00:00:00.000Z")
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    table.goto(f"{owner.url}/settings/keys/{key['id']}/expiry")
    expect(table.get_by_text("can't be changed or restored")).to_be_visible()


def test_many_are_revoked_and_deleted(owner: Any, table: Any) -> None:
    """Ticked rows are counted; the dialog lists them and what stays as it is; then all are done at once."""
    secrets = [owner.create_key(f"Bulk {number}", expires="7d")[1] for number in range(3)]
    table.goto(f"{owner.url}{HOME}&q=bulk")
    expect(table.get_by_role("button", name="Revoke", exact=True)).to_have_count(0)
    table.get_by_label("Select Bulk 0").check()
    table.get_by_label("Select Bulk 1").check()
    table.get_by_label("Select Bulk 2").check()
    expect(table.get_by_text("3 selected")).to_be_visible()
    table.get_by_role("button", name="Revoke", exact=True).click()
    dialog = table.get_by_role("dialog", name="Revoke 3 keys?")
    expect(dialog.get_by_role("list", name="The keys").get_by_role("listitem")).to_have_count(3)
    dialog.get_by_label("Bulk 2").uncheck()
    dialog.get_by_label("Reason").fill("tidied up")
    dialog.get_by_role("button", name="Revoke 2 keys").click()
    expect(table.locator(".toast")).to_contain_text("Keys revoked.")
    assert table.url.endswith("&q=bulk")
    statuses = [owner.api(secret).get("/api/me").status_code for secret in secrets]
    assert statuses == [401, 401, 200]
    table.get_by_label("Select all on this page").check()
    expect(table.get_by_text("3 selected")).to_be_visible()
    table.get_by_role("button", name="Delete inactive").click()
    dialog = table.get_by_role("dialog", name="Delete 2 keys?")
    expect(dialog).to_contain_text("1 selected key is skipped: not revoked or expired yet.")
    dialog.get_by_role("button", name="Delete 2 keys").click()
    expect(table.locator(".toast")).to_contain_text("Keys deleted.")
    assert names(table) == ["Bulk 2"]


def test_all_that_a_filter_shows_is_picked_at_once(owner: Any, table: Any) -> None:
    """The keys unused for 30 days, within a search as well; listed before anything is done."""
    table.goto(f"{owner.url}{HOME}&q=importer&show=unused")
    table.get_by_role("link", name="Revoke all matching").click()
    dialog = table.get_by_role("dialog", name="Revoke 1 key?")
    expect(dialog.get_by_role("list", name="The keys")).to_contain_text("Old importer")
    table.keyboard.press("Escape")
    table.get_by_role("combobox", name="Status").select_option("expired")
    table.get_by_role("searchbox").fill("ended")
    table.get_by_role("link", name="Delete all matching").click()
    expect(table.get_by_role("dialog", name="Delete 1 key?")).to_contain_text("Ended deploy")


def test_rows_stay_put_while_they_are_ticked(owner: Any, table: Any) -> None:
    """The table does not refresh under a selection, and does so again without it."""
    table.clock.install()
    table.goto(f"{owner.url}{HOME}&q=importer")
    table.get_by_label("Select Old importer").check()
    owner.create_key("New importer", expires="7d")
    table.clock.run_for(25_000)
    expect(table.get_by_label("Select Old importer")).to_be_checked()
    expect(row(table, "New importer")).to_have_count(0)
    table.get_by_label("Select Old importer").uncheck()
    table.clock.run_for(12_000)
    expect(row(table, "New importer")).to_be_visible()


def test_everything_in_the_table_without_scripting(past: Past, owner: Any, plain: Any) -> None:
    """The search has its button, the menu is a page, ticked rows lead to a page that asks."""
    owner.create_key("Plain bulk", expires="7d")
    plain.goto(f"{owner.url}{HOME}")
    plain.get_by_role("searchbox").fill("plain")
    plain.get_by_role("combobox", name="Status").select_option("active")
    plain.get_by_role("button", name="Search").click()
    assert names(plain) == ["Plain bulk"]
    row(plain, "Plain bulk").get_by_role("link", name="More").click()
    for item in ("Rename", "Change access", "Change expiry"):
        expect(plain.get_by_role("main").get_by_role("link", name=item)).to_be_visible()
    plain.get_by_role("main").get_by_role("link", name="Disable").click()
    plain.get_by_role("button", name="Disable key").click()
    expect(plain.get_by_text("Key disabled.")).to_be_visible()
    plain.goto(f"{owner.url}{HOME}&q=plain&show=disabled")
    plain.get_by_label("Select Plain bulk").check()
    plain.get_by_role("button", name="Revoke", exact=True).click()
    expect(plain.get_by_role("heading", name="Revoke 1 key?")).to_be_visible()
    plain.get_by_role("button", name="Revoke 1 key").click()
    expect(plain.get_by_text("Keys revoked.")).to_be_visible()
    expect(row(plain, "Plain bulk")).to_contain_text("Revoked")
    plain.get_by_role("button", name="Revoke", exact=True).click()
    expect(plain.get_by_text("Select keys in the table first.")).to_be_visible()
