"""The frame of the pages: shortcuts and their help, themes on error pages, waiting without jumps."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import HOME, check_nothing_scrolls_sideways


def test_help_lists_the_shortcuts_and_switches_them_off(owner: Any, home: Any) -> None:
    """The question mark opens it; switched off, no single key does anything, and the menu still opens the help."""
    home.keyboard.press("?")
    dialog = home.get_by_role("dialog", name="Keyboard shortcuts")
    for key in ("c", "/", "?", "Esc"):
        expect(dialog.get_by_role("term").filter(has_text=key).first).to_be_visible()
    dialog.get_by_role("button", name="Single-key shortcuts").click()
    expect(dialog.get_by_role("button", name="Single-key shortcuts")).to_have_attribute("aria-pressed", "false")
    home.keyboard.press("Escape")
    for _ in range(2):
        for key in ("?", "/", "c"):
            home.keyboard.press(key)
        home.wait_for_timeout(300)
        expect(home.get_by_role("dialog")).to_have_count(0)
        home.reload()
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("link", name="Keyboard shortcuts").click()
    dialog.get_by_role("button", name="Single-key shortcuts").click()
    home.keyboard.press("Escape")
    expect(home.get_by_role("button", name="Account menu")).to_be_focused()
    home.keyboard.press("?")
    expect(dialog).to_be_visible()


def test_help_without_scripting_is_a_page(owner: Any, plain: Any) -> None:
    """And says that shortcuts need scripting."""
    plain.goto(f"{owner.url}/shortcuts")
    expect(plain.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    expect(plain.get_by_text("Shortcuts need JavaScript")).to_be_visible()


def test_error_pages_come_in_the_chosen_theme(owner: Any, home: Any) -> None:
    """From the server, so that nothing flashes; a value that is no theme is ignored."""
    home.context.add_cookies([{"name": "ari_theme", "value": "dark", "url": owner.url}])
    for path in ("/nothing/here", "/settings?tab=nothing", "/settings/keys/key_00000000000000000000000000"):
        assert '<html lang="en" data-theme="dark">' in home.goto(f"{owner.url}{path}").text()
    home.context.add_cookies([{"name": "ari_theme", "value": "evil", "url": owner.url}])
    assert '<html lang="en">' in home.goto(f"{owner.url}/nothing/here").text()


def _open_dialog_slowly(home: Any) -> list[Any]:
    """Ask for the dialog that makes a key; the responses wait in the list."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    home.route("**/settings/keys/new", hold)
    home.get_by_role("link", name="Create API Key").click()
    return held


def test_a_slow_dialog_shows_that_it_comes(owner: Any, home: Any) -> None:
    """Only after 200 ms; the contents take the place of the outline, and Escape leaves it."""
    held = _open_dialog_slowly(home)
    dialog = home.get_by_role("dialog")
    expect(dialog.locator("[data-skeleton]")).to_be_visible()
    held.pop().continue_()
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    expect(dialog.locator("[data-skeleton]")).to_have_count(0)
    home.keyboard.press("Escape")
    home.get_by_role("link", name="Create API Key").click()
    expect(dialog.locator("[data-skeleton]")).to_be_visible()
    home.keyboard.press("Escape")
    expect(home.get_by_role("dialog")).to_have_count(0)


def test_a_slow_dialog_that_was_left_is_not_in_the_way(owner: Any, home: Any) -> None:
    """A click on another page in the meantime opens that one, and only that."""
    held = _open_dialog_slowly(home)
    expect(home.get_by_role("dialog").locator("[data-skeleton]")).to_be_visible()
    home.keyboard.press("Escape")
    expect(home.get_by_role("dialog")).to_have_count(0)
    home.keyboard.press("?")
    dialog = home.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    held.pop().continue_()
    home.wait_for_timeout(300)
    expect(dialog).to_be_visible()


def test_every_width_holds_the_table(owner: Any, home: Any) -> None:
    """Nothing scrolls sideways from 390 to 1920 pixels, and ticking a row moves nothing."""
    owner.create_key("A name that goes on for quite a while, as the names of some dashboards do", expires="7d")
    home.goto(f"{owner.url}{HOME}")
    for width in (390, 640, 768, 900, 1024, 1250, 1440, 1920):
        home.set_viewport_size({"width": width, "height": 900})
        check_nothing_scrolls_sideways(home)
        table, place = (home.locator(name).bounding_box() for name in (".keys-table", "#keys"))
        assert table["width"] <= place["width"], width
        tick = home.locator("[data-tick]").first
        before = tick.bounding_box()
        tick.check()
        assert tick.bounding_box() == before, width
        tick.uncheck()


@pytest.mark.parametrize("width", [390, 320])
def test_all_tabs_are_in_sight_on_a_narrow_screen(width: int, owner: Any, home: Any) -> None:
    """On two lines, where each can be tapped and has the focus in turn; nothing scrolls sideways."""
    home.set_viewport_size({"width": width, "height": 844})
    home.goto(f"{owner.url}/settings/security")
    tabs = home.get_by_role("navigation", name="Settings").get_by_role("link")
    for link in tabs.all():
        expect(link).to_be_in_viewport(ratio=1)
    tops = [link.bounding_box()["y"] for link in tabs.all()]
    assert len(set(tops)) == 2
    assert tops == sorted(tops)
    tabs.first.focus()
    home.keyboard.press("Tab")
    expect(tabs.nth(1)).to_be_focused()
    check_nothing_scrolls_sideways(home)


def test_nothing_jumps_and_nothing_moves_for_who_wants_no_motion(owner: Any, home: Any) -> None:
    """While a page loads no part of it shifts; where motion is unwanted a dialog is simply there."""
    key, secret = owner.create_key("Still", expires="7d")
    owner.api(secret).get("/api/me")
    home.emulate_media(reduced_motion="reduce")
    home.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries()"
        ".map((one) => one.value))).observe({type: 'layout-shift', buffered: true});"
    )
    for place in (
        HOME,
        f"/settings/keys/{key['id']}",
        "/settings/usage",
        "/settings/audit",
        "/settings/security",
        "/api-docs",
    ):
        home.goto(f"{owner.url}{place}")
        home.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert sum(home.evaluate("window.shifts")) < 0.01, place
    home.goto(f"{owner.url}{HOME}")
    home.keyboard.press("c")
    expect(home.get_by_role("dialog")).to_be_visible()
    lengths = "document.getAnimations().map((one) => one.effect.getComputedTiming().endTime)"
    assert all(length <= 1 for length in home.evaluate(lengths))


def test_what_a_dialog_has_to_say_is_heard_in_it(owner: Any, home: Any) -> None:
    """Behind an open dialog nothing is seen, reached or read out."""
    home.get_by_role("link", name="Create API Key").click()
    dialog = home.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Offline")
    home.route("**/settings/keys/new", lambda route: route.abort())
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.locator("[aria-live=polite]").get_by_text("Can't reach ARI. Nothing was changed")).to_be_visible()
    dialog.get_by_role("button", name="Close this message").click()
    expect(dialog.get_by_text("Can't reach ARI")).to_have_count(0)
