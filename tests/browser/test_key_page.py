"""A key's page and the table, as they change by themselves."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import HOME, check_nothing_scrolls_sideways, enter


def test_a_row_leads_to_the_keys_page(owner: Any, home: Any) -> None:
    """A click anywhere in the row opens the page; the name is a real link."""
    key, _ = owner.create_key("Clicked")
    home.goto(f"{owner.url}{HOME}")
    home.get_by_role("row", name="Clicked").get_by_text("API docs only").click()
    expect(home.get_by_role("heading", name="Clicked")).to_be_visible()
    assert home.url.endswith(f"/settings/keys/{key['id']}")


def test_requests_show_up_by_themselves(owner: Any, home: Any) -> None:
    """A request made while the page is open arrives in the table without a reload, and is announced politely."""
    key, secret = owner.create_key("Watched")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    expect(home.get_by_role("heading", name="No requests yet")).to_be_visible()
    owner.api(secret, headers={"user-agent": "quiet-test/1"}).get("/api/openapi.json")
    owner.api(secret).get("/api/keys")
    table = home.get_by_role("table")
    expect(table).to_contain_text("/api/openapi.json")
    expect(table).to_contain_text("quiet-test/1")
    expect(table).to_contain_text("Key: ok")
    expect(table).to_contain_text("Key: insufficient scope")
    expect(home.get_by_role("status").filter(has_text="1 allowed, 1 refused")).to_have_count(1)


def test_refreshing_keeps_the_focus(owner: Any, home: Any) -> None:
    """Keyboard focus on a button stays there when the part around it is replaced."""
    key, secret = owner.create_key("Focused")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    home.get_by_role("link", name="Rename").focus()
    owner.api(secret).get("/api/me")
    expect(home.get_by_role("table")).to_contain_text("/api/me")
    expect(home.get_by_role("link", name="Rename")).to_be_focused()


def test_a_hidden_page_asks_for_nothing(owner: Any, home: Any) -> None:
    """While nobody looks, nothing is requested; coming back refreshes at once."""
    key, secret = owner.create_key("Hidden")
    home.clock.install()
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    home.evaluate("Object.defineProperty(document, 'hidden', {get: () => globalThis.away, configurable: true})")
    home.evaluate("globalThis.away = true")
    asked: list[str] = []
    home.on("request", lambda request: asked.append(request.url))
    owner.api(secret).get("/api/me")
    home.clock.run_for(30_000)
    assert asked == []
    home.evaluate("globalThis.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(home.get_by_role("table")).to_contain_text("/api/me")


def test_expiry_becomes_visible(owner: Any, home: Any) -> None:
    """A key nears its end, reaches it while the page is open, and may then be deleted."""
    key, _ = owner.create_key("Dying", expires="1y")
    owner.server.clock.advance((365 - 10) * 24 * 3600)
    enter(home, owner)
    row = home.get_by_role("row", name="Dying")
    expect(row).to_contain_text("Active")
    owner.server.clock.advance(7 * 24 * 3600)
    home.reload()
    expect(row).to_contain_text("Expires in 3 days")
    owner.server.clock.advance(3 * 24 * 3600 - 60)
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    expect(home.get_by_text("Expires in 1 min")).to_be_visible()
    owner.server.clock.advance(61)
    expect(home.get_by_text("Expired").filter(visible=True).first).to_be_visible()
    expect(home.get_by_role("link", name="Delete")).to_be_visible()
    expect(home.get_by_role("link", name="Revoke")).to_have_count(0)


def test_rename_disable_and_enable(owner: Any, home: Any) -> None:
    """Each is done from the page, said in a toast and listed in the events."""
    key, secret = owner.create_key("Before")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    home.get_by_role("link", name="Rename").click()
    field = home.get_by_role("dialog").get_by_label("Name", exact=True)
    expect(field).to_be_focused()
    field.fill("After")
    field.press("Enter")
    expect(home.get_by_role("heading", name="After")).to_be_visible()
    expect(home.get_by_role("status").filter(has_text="Key renamed.").locator(".toast")).to_be_visible()
    home.get_by_role("link", name="Disable").click()
    expect(home.get_by_role("dialog").get_by_role("heading", name="Disable this API key?")).to_be_visible()
    assert owner.api(secret).get("/api/me").status_code == 200
    home.get_by_role("dialog").get_by_role("button", name="Disable key").click()
    expect(home.locator(".badge").first).to_have_text("Disabled")
    assert owner.api(secret).get("/api/me").json()["code"] == "disabled"
    home.get_by_role("button", name="Enable").click()
    expect(home.locator(".badge").first).to_have_text("Active")
    assert owner.api(secret).get("/api/me").status_code == 200
    events = home.get_by_role("region", name="Events")
    for words in ("Key renamed from Before to After", "Key disabled", "Key enabled", "created"):
        expect(events).to_contain_text(words)


def test_access_expiry_and_successor_from_the_keys_page(owner: Any, home: Any) -> None:
    """The actions of the table's menu are here too, next to what they change."""
    key, secret = owner.create_key("All its life", expires="7d")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    dialog, details = home.get_by_role("dialog"), home.get_by_role("region", name="Details")
    expect(home.locator(".key-title")).to_have_text(re.compile(r"All its life\s*Active"))
    details.get_by_role("link", name="Change access").click()
    dialog.get_by_role("radio", name="Read only").check()
    dialog.get_by_role("button", name="Save access").click()
    expect(details).to_contain_text("keys:read")
    details.get_by_role("link", name="Change expiry").click()
    dialog.get_by_role("radio", name="Never").check()
    dialog.get_by_role("button", name="Save expiry").click()
    expect(details).to_contain_text("Never")
    assert owner.api(secret).get("/api/me").json()["key"]["expires_at"] is None
    home.get_by_role("link", name="Duplicate").click()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("All its life")
    expect(dialog.get_by_role("radio", name="Same access")).to_be_checked()


def test_filters_count_and_narrow(owner: Any, home: Any) -> None:
    """The choice of what to show narrows the table; the count says how much of all is shown."""
    key, _ = owner.create_key("Filtered out")
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    home.goto(f"{owner.url}{HOME}&show=active")
    expect(home.get_by_role("combobox", name="Status")).to_have_value("active")
    expect(home.get_by_role("row", name="Filtered out")).to_have_count(0)
    home.get_by_role("combobox", name="Status").select_option("inactive")
    expect(home.get_by_role("row", name="Filtered out")).to_be_visible()
    expect(home.get_by_text(re.compile(r"^\d+ of \d+ keys$"))).to_be_visible()


def test_times_are_in_the_viewers_zone_with_utc_at_hand(owner: Any, browser: Any) -> None:
    """Scripts show local time; the exact UTC is in the title."""
    key, _ = owner.create_key("Timed")
    context = browser.new_context(timezone_id="Asia/Kathmandu", locale="en-GB")
    page = context.new_page()
    enter(page, owner, f"/settings/keys/{key['id']}")
    moment = page.get_by_role("region", name="Details").get_by_role("time").first
    utc, local = moment.get_attribute("title"), moment.inner_text()
    assert utc.endswith(" UTC")
    assert utc[-6:-4] == local[-2:], "the seconds agree"
    assert utc[-9:-7] != local[-5:-3], "Kathmandu is 5:45 h off"
    expect(page.get_by_text("Times are in your time zone (Asia/K")).to_be_visible()
    context.close()


def test_a_long_url_of_a_leak_does_not_widen_a_page(owner: Any, home: Any, axe: Any) -> None:
    """A stranger wrote it, without a place to break; in the notice, in the events, and in the audit log."""
    key, secret = owner.create_key("Leaked")
    report = {"token": secret, "url": f"https://git.example.com/{'abcdefgh' * 30}/config.env"}
    assert owner.api().post("/api/leaks", json=report).status_code == 202
    for path in (f"/settings/keys/{key['id']}", "/settings/audit"):
        for width in (1280, 390):
            home.set_viewport_size({"width": width, "height": 900})
            home.goto(f"{owner.url}{path}")
            expect(home.get_by_text("git.example.com").first).to_be_visible()
            check_nothing_scrolls_sideways(home)
        assert axe(home) == []
