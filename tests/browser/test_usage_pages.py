"""Charts, ranges, the log with its filters, the live tail and exports, as the owner meets them."""

import csv
import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from ari.base.clock import DAY_MS, to_rfc3339
from tests.browser.steps import HOME, check_nothing_scrolls_sideways, enter
from tests.support.past import past_of

USAGE = "/settings/usage"


@pytest.fixture(scope="module")
def used_key(owner: Any) -> dict[str, Any]:
    """A key that was used and refused, and two attempts without a key."""
    key, secret = owner.create_key("Charted", tag="charted")
    api = owner.api(secret, headers={"user-agent": "chart-test/1"})
    for path in ("/api/me", "/api/me", "/api/openapi.json", "/api/keys"):
        api.get(path)
    for _ in range(2):
        owner.api("ari_k_nonsense").get("/api/me")
    return {"key": key, "secret": secret, "place": f"{owner.url}/settings/keys/{key['id']}"}


def test_usage_of_all_keys(owner: Any, used_key: dict[str, Any], home: Any) -> None:
    """A tab of the settings: sums, chart, top keys, why and from where requests were refused; times can be chosen."""
    home.goto(f"{owner.url}{HOME}")
    home.get_by_role("link", name="Usage", exact=True).click()
    expect(home.get_by_role("region", name="Top keys").get_by_role("row", name="Charted")).to_contain_text("3")
    refused = home.get_by_role("region", name="Refused, by reason")
    expect(refused.get_by_role("row", name="Missing scope")).to_be_visible()
    expect(refused.get_by_role("row", name="Malformed API key")).to_be_visible()
    expect(home.get_by_role("region", name="Attempts without").get_by_role("row", name="127.0.0.1")).to_be_visible()
    home.get_by_role("link", name="Last 24 hours").click()
    expect(home.get_by_role("heading", name="Requests per hour")).to_be_visible()
    home.get_by_role("link", name="Last 30 days").click()
    home.get_by_role("link", name="Weekly").click()
    expect(home.get_by_role("heading", name="Requests per week")).to_be_visible()
    home.get_by_text("Custom range", exact=True).click()
    home.get_by_label("From").fill("2020-05-02")
    home.get_by_label("To", exact=True).fill("2020-05-03")
    home.get_by_role("button", name="Show").click()
    expect(home.get_by_role("heading", name="No requests in this period")).to_be_visible()
    home.get_by_role("link", name="Charted").or_(home.get_by_role("link", name="API keys")).first.click()


def test_usage_by_tag(owner: Any, used_key: dict[str, Any], home: Any) -> None:
    """The totals by tag lead to the numbers of one tag, and back; on a phone too."""
    home.set_viewport_size({"width": 390, "height": 844})
    home.goto(f"{owner.url}{USAGE}")
    home.get_by_role("link", name="Tags", exact=True).click()
    home.get_by_role("region", name="Top tags").get_by_role("link", name="charted").click()
    expect(home.get_by_label("Tag", exact=True)).to_have_value("charted")
    expect(home.get_by_role("region", name="Attempts without")).to_have_count(0)
    expect(home.locator(".stat").filter(has_text="Keys used")).to_contain_text("1")
    check_nothing_scrolls_sideways(home)
    home.get_by_role("link", name="All keys", exact=True).click()
    expect(home.get_by_label("Tag", exact=True)).to_have_value("")
    home.set_viewport_size({"width": 1280, "height": 900})


def test_a_chart_speaks_to_the_pointer_and_to_the_keyboard(used_key: dict[str, Any], home: Any) -> None:
    """The numbers of a bar are next to it, are said by arrow keys, and are in the table behind."""
    home.goto(f"{used_key['place']}?range=24h")
    plot = home.get_by_role("group", name="arrow keys")
    plot.focus()
    home.keyboard.press("End")
    tip = home.locator("[data-chart-tip]")
    numbers = tip.inner_text()
    assert "allowed" in numbers
    assert "refused" in numbers
    expect(home.get_by_role("status").filter(has_text="allowed, ")).to_have_count(1)
    home.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    box = plot.bounding_box()
    home.mouse.move(box["x"] + box["width"] - 3, box["y"] + 20)
    expect(tip).to_have_text(numbers.replace("\n", ""))
    home.get_by_text("Show as table").click()
    rows = home.get_by_role("table", name="Requests with this key per hour").get_by_role("row")
    expect(rows).to_have_count(25)
    sums = [sum(int(row.locator("td").nth(n).inner_text()) for row in rows.all()[1:]) for n in (0, 1)]
    assert sums == [3, 1]


def test_the_live_tail_shows_a_request_once(owner: Any, home: Any) -> None:
    """Without a reload, by whatever filter is set; paused it stays as it is, and catches up when it goes on."""
    key, secret = owner.create_key("Live")
    owner.api(secret).get("/api/me")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    rows = home.get_by_role("table", name="Requests with this key, newest first").locator("tbody tr")
    expect(rows).to_have_count(1)
    owner.api(secret).get("/api/keys")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("403Key: insufficient scope")
    home.get_by_role("button", name="Pause").click()
    expect(home.get_by_text("Paused", exact=True)).to_be_visible()
    owner.api(secret).get("/api/openapi.json")
    home.reload()
    expect(rows).to_have_count(3)
    home.goto(f"{owner.url}/settings/keys/{key['id']}?code=ok&q=OPENAPI")
    expect(rows).to_have_count(1)
    for path in ("/api/me", "/api/openapi.json"):
        owner.api(secret).get(path)
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("/api/openapi.json")


def test_the_eleventh_live_tail_says_so(owner: Any, home: Any) -> None:
    """And goes on as a page without live updates."""
    key, _ = owner.create_key("Crowded")
    home.goto(f"{owner.url}/settings/keys/{key['id']}")
    home.route("**/tail", lambda route: route.fulfill(status=429, body="no"))
    home.reload()
    expect(home.get_by_text("Live view is limited to ten open tabs")).to_be_visible()


def test_filters_and_exports(used_key: dict[str, Any], home: Any, tmp_path: Any) -> None:
    """The export has the filtered rows; both files open, and the key's events include it."""
    home.goto(used_key["place"])
    home.get_by_label("Search", exact=True).fill("CHART-test")
    home.get_by_label("Verdict on the key").select_option(label="Key: ok")
    home.get_by_role("button", name="Filter", exact=True).click()
    rows = home.get_by_role("table", name="Requests with this key, newest first").locator("tbody tr")
    expect(rows).to_have_count(3)
    for form in ("csv", "json"):
        with home.expect_download() as waiting:
            home.get_by_role("button", name=f"Export as {form.upper()}").click()
        assert waiting.value.suggested_filename == f"ari-usage.{form}"
        path = tmp_path / form
        waiting.value.save_as(path)
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file)) if form == "csv" else json.load(file)
        assert [row["path"] for row in found] == ["/api/openapi.json", "/api/me", "/api/me"]
    home.reload()
    expect(home.get_by_role("region", name="Events")).to_contain_text("Usage exported")
    home.get_by_label("Response status", exact=True).fill("teapot")
    home.get_by_role("button", name="Filter", exact=True).click()
    expect(home.get_by_text("Use a status such as 404")).to_be_visible()
    home.get_by_role("link", name="Clear").click()
    expect(rows).to_have_count(4)


def test_breakdowns_of_a_key(used_key: dict[str, Any], home: Any) -> None:
    """By result, HTTP status, route, address and user agent, the last two with first and last seen."""
    home.goto(used_key["place"])
    for region, row, text in (
        ("Results", "Missing scope", "1"),
        ("HTTP statuses", "200", "3"),
        ("Routes", "/api/me", "2"),
        ("IP addresses", "127.0.0.1", "3"),
        ("User agents", "chart-test/1", "3"),
    ):
        expect(home.get_by_role("region", name=region).get_by_role("row", name=row)).to_contain_text(text)
    expect(home.get_by_text("New IP address")).to_have_count(0)


def test_a_new_address_is_shown_with_its_time(owner: Any, home: Any) -> None:
    """Since when, in the viewer's zone with the exact UTC at hand; the address is marked in its table too."""
    now_ms = time.time_ns() // 1_000_000
    with past_of(owner.server.data_dir, now_ms) as past:
        key = past.key("Wandering", 20, 90)
        past.requests(key, 15, 3, address="192.0.2.7")
        past.requests(key, 2, address="198.51.100.66")
    home.goto(f"{owner.url}/settings/keys/{key.id}")
    told = home.get_by_text("New IP address")
    expect(told).to_contain_text("198.51.100.66, since")
    since = told.get_by_role("time")
    assert since.get_attribute("datetime") == to_rfc3339(now_ms - 2 * DAY_MS)
    expect(since).to_have_attribute("title", re.compile(r"\d, \d\d:\d\d:\d\d UTC$"))
    row = home.get_by_role("region", name="IP addresses").get_by_role("row", name="198.51.100.66")
    expect(row).to_contain_text("New")


def test_all_of_it_without_scripting(owner: Any, used_key: dict[str, Any], plain: Any, tmp_path: Any) -> None:
    """Ranges are links, filters and exports forms, the table opens; times and days are those of UTC."""
    plain.goto(f"{owner.url}{USAGE}")
    plain.get_by_role("link", name="Last 24 hours").click()
    plain.get_by_text("Show as table").click()
    expect(plain.get_by_role("table", name="Requests with all keys per hour").get_by_role("row")).to_have_count(25)
    plain.get_by_text("Custom range", exact=True).click()
    plain.get_by_label("From").fill("2100-01-01")
    plain.get_by_role("button", name="Show").click()
    expect(plain.get_by_text("can't be before the first").or_(plain.get_by_text("is in the future"))).to_be_visible()
    plain.goto(used_key["place"])
    plain.get_by_label("Method", exact=True).select_option("GET")
    plain.get_by_label("Response status", exact=True).fill("403")
    plain.get_by_role("button", name="Filter", exact=True).click()
    expect(plain.get_by_role("table", name="Requests with this key, newest first").locator("tbody tr")).to_have_count(1)
    expect(plain.get_by_role("button", name="Pause")).to_have_count(0)
    with plain.expect_download() as waiting:
        plain.get_by_role("button", name="Export as JSON").click()
    waiting.value.save_as(tmp_path / "plain.json")
    assert [row["path"] for row in json.loads((tmp_path / "plain.json").read_text())] == ["/api/keys"]


def test_days_are_those_of_the_viewer(owner: Any, used_key: dict[str, Any], browser: Any) -> None:
    """The browser sends its time zone, and the next chart is divided by it."""
    context = browser.new_context(locale="en-GB", timezone_id="Pacific/Kiritimati")
    page = context.new_page()
    enter(page, owner, to=USAGE)
    page.goto(f"{used_key['place']}?range=24h")
    local = page.evaluate(
        "new Date().toLocaleTimeString('en-GB', {hour: '2-digit', timeZone: 'Pacific/Kiritimati'}).slice(0, 2)"
    )
    label = page.locator(".chart-bar").last.get_attribute("data-label")
    british = rf"\w{{3}},? \d{{1,2}} \w{{3,4}}, 0?{int(local)}:00"
    assert re.fullmatch(british, label), "the day before the month, as in en-GB"
    assert page.locator(".chart-table tbody th").last.text_content() == label
    context.close()
