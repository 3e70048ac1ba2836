"""axe finds nothing on any page or dialog: light and wide, dark and narrow."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import HOME, check_nothing_scrolls_sideways, create_in_dialog, enter, sign_in

KIND = "acme-live-with-quite-a-long-name-indeed"
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}


LOOKS = (("light", "wide"), ("dark", "narrow"))
"""Colours are those of the theme at any width, and places those of the width in any theme: two looks see all four."""


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_every_page_and_dialog(owner: Any, browser: Any, look: Any, theme: str, size: str) -> None:
    """Sign-in, the table, empty and full, and every dialog."""
    context = browser.new_context(color_scheme=theme, viewport=SIZES[size], reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{owner.url}/sign-in")
    look(page)
    sign_in(page, owner)
    look(page)
    _make_keys(owner, f"{theme} {size}")
    page.reload()
    look(page)
    page.get_by_role("button", name="Account menu").click()
    look(page)
    page.keyboard.press("Escape")
    _dialogs(page, look)
    _changes(page, look)
    _integrations(owner, page, look)
    _endpoints(owner, page, look)
    _events(owner, page, look)
    context.close()


def test_every_address(owner: Any, browser: Any, look: Any) -> None:
    """Key pages, the page of every dialog, lists that find nothing, errors; each is opened once for both looks.

    Nothing scrolls sideways, from 320 to 2560 px.
    """
    _make_keys(owner, "by address")
    _set_up_integrations(owner)
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(15_000)
    enter(page, owner)
    active, revoked = _ids(owner, "active"), _ids(owner, "revoked")
    webhook = f"/settings/webhooks/{_make_webhook(owner)}"
    consumer = f"/settings/consumers/{owner.cli.json('consumers', 'list')['items'][0]['id']}"
    for path in (
        *(f"/settings/keys/{key_id}" for key_id in (active, revoked)),
        f"/settings/keys/{active}?range=30d&q=nothing-like-it&status=bad",
        "/settings/usage?range=90d",
        "/settings/usage?from=2020-01-01&to=2020-01-02",
        "/settings/audit",
        "/settings/audit?q=nothing-like-it&actor=x&address=nowhere&from=then",
        f"/settings/keys/{active}/revoke",
        f"/settings/keys/{active}/rename",
        f"/settings/keys/{active}/menu",
        f"/settings/keys/{active}/access",
        f"/settings/keys/{active}/expiry",
        f"/settings/keys/{active}/options?suggest=yes",
        f"/settings/keys/new?like={active}",
        f"/settings/keys/many?do=revoke&key={active}&key={revoked}",
        f"/settings/keys/many?do=delete&key={revoked}",
        "/settings/keys/matching?do=disable",
        f"{HOME}&consumer=nobody",
        "/settings/usage?group=tag&consumer=nobody",
        f"{HOME}&environment=live&tag=none",
        "/shortcuts",
        "/settings/jump",
        "/settings/jump?q=no+such+name",
        f"/settings/keys/{revoked}/delete",
        "/settings/keys/new",
        "/settings/keys/new?ai=openai",
        "/settings/consumers?q=no+such+consumer",
        "/settings/consumers/new",
        consumer,
        f"{consumer}/limits",
        "/settings/kinds",
        "/settings/kinds/new",
        f"/settings/kinds/{KIND}/edit",
        f"/settings/kinds/{KIND}/remove",
        "/settings/scanner-rules",
        "/settings/rules",
        f"/settings/keys/new?kind={KIND}",
        f"{consumer}/budgets",
        f"/settings/keys/{active}/budgets",
        "/settings/usage/ai?consumer=nobody",
        "/settings/usage/budgets",
        "/settings/usage/budgets/instance",
        "/settings/usage/budgets/providers",
        "/settings/models",
        "/settings/models/aliases",
        "/settings/models/prices",
        "/settings/models/discounts",
        "/settings/integrations",
        "/settings/integrations/ollama/address",
        "/settings/integrations/openai/key",
        "/settings/integrations/openai/use",
        "/settings/integrations/openai/remove",
        "/settings/webhooks",
        "/settings/webhooks/new",
        webhook,
        f"{webhook}?state=failed",
        *(f"{webhook}/{form}" for form in ("edit", "rotate", "delete")),
        "/sign-out-everywhere",
        f"{HOME}&show=inactive",
        f"{HOME}&q=no+such+key",
        f"{HOME}&show=soon&sort=-used",
        "/settings/keys/key_00000000000000000000000000",
        "/nothing/here",
        "/errors",
        "/errors/ip_not_allowed",
    ):
        page.goto(f"{owner.url}{path}")
        assert page.url == f"{owner.url}{path}"
        for theme, size in LOOKS:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size(SIZES[size])
            look(page)
        for width in (320, 2560, 390):
            page.set_viewport_size({"width": width, "height": 844})
            check_nothing_scrolls_sideways(page)
    context.close()


def _make_webhook(owner: Any) -> str:
    """A webhook that failed once."""
    owner.cli("webhooks", "add", "Tickets of the operations team", "https://hooks.invalid/hook")
    [webhook] = owner.cli.json("webhooks", "list")["items"]
    owner.cli("webhooks", "test", webhook["id"])
    return str(webhook["id"])


def _endpoints(owner: Any, page: Any, look: Any) -> None:
    """Every group at Settings > API, opened."""
    page.goto(f"{owner.url}{HOME}")
    page.locator("#endpoints details:not([open])").evaluate_all("all => all.forEach((one) => { one.open = true })")
    expect(page.locator("#endpoints").get_by_role("link", name="All endpoints")).to_have_count(0)
    look(page)


def _events(owner: Any, page: Any, look: Any) -> None:
    """The details of an event, in the dialog and alone, and the result of a verification."""
    page.goto(f"{owner.url}/settings/audit")
    event = page.locator(".event-link").first
    url = event.get_attribute("href")
    event.click()
    _has_come(page.get_by_role("dialog"))
    look(page)
    page.goto(f"{owner.url}{url}")
    look(page)
    page.goto(f"{owner.url}/settings/audit")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_role("heading", name="The audit log is intact")).to_be_visible()
    look(page)


def _has_come(dialog: Any) -> None:
    """The dialog, not the outline shown while it loads."""
    expect(dialog.locator(".sheet:not([data-skeleton])")).to_be_visible()


def _dialogs(page: Any, look: Any) -> None:
    page.get_by_role("link", name="Create API Key").click()
    dialog = page.get_by_role("dialog")
    _has_come(dialog)
    look(page)
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_text("Enter a name that says")).to_be_visible()
    look(page)
    page.keyboard.press("Escape")
    create_in_dialog(page, "Test")
    dialog.get_by_role("tab", name="Python").click()
    look(page)
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("alert")).to_be_visible()
    look(page)
    dialog.get_by_role("button", name="Close anyway").click()
    expect(page.locator(".toast")).to_be_visible()
    look(page)
    for verb in ("Revoke", "Delete"):
        page.get_by_role("link", name=verb).first.click()
        _has_come(dialog)
        look(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def _changes(page: Any, look: Any) -> None:
    """The menu of a row, its dialogs, the name as a field, ticked rows."""
    dialog, menu = page.get_by_role("dialog"), page.locator("[data-row-menu]:popover-open")
    for item in ("Change access", "Change expiry", "Disable"):
        page.get_by_role("link", name="More for").first.click()
        expect(menu).to_be_visible()
        if item == "Change access":
            look(page)
        menu.get_by_text(item).click()
        _has_come(dialog)
        if item != "Disable":
            dialog.get_by_role("radio").last.check()
        look(page)
        page.keyboard.press("Escape")
    page.get_by_role("link", name="More for").first.click()
    menu.get_by_text("Rename").click()
    page.get_by_label("New name").fill(" ")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Enter a name that says")).to_be_visible()
    look(page)
    page.goto(page.url.partition("/settings")[0] + HOME)
    page.get_by_label("Select all on this page").check()
    look(page)
    page.get_by_role("button", name="Change expiry").click()
    _has_come(dialog)
    look(page)
    page.keyboard.press("Escape")


def _integrations(owner: Any, page: Any, look: Any) -> None:
    """Nothing configured; then one that works and one that fails, its lines opened, every dialog."""
    for name in ("openai", "ollama"):
        owner.cli("integrations", "remove", name, "--yes")
    page.goto(f"{owner.url}/settings/integrations")
    look(page)
    _set_up_integrations(owner)
    page.reload()
    page.locator("#test-ollama").click()
    expect(page.get_by_text("Failing since")).to_be_visible()
    look(page)
    dialog = page.get_by_role("dialog")
    for name in ("key", "address", "remove", "use"):
        page.locator(f"#{name}-openai").click()
        _has_come(dialog)
        if name == "key":
            dialog.get_by_role("button", name="Save key").click()
            expect(dialog.get_by_text("Paste the key.")).to_be_visible()
        look(page)
        page.keyboard.press("Escape")
    page.goto(f"{owner.url}{HOME}")


def _set_up_integrations(owner: Any) -> None:
    maker = owner.api(owner.create_key("maker of integrations", scopes=["integrations:write"])[1])
    maker.put("/api/integrations/openai", json={"key": "sk-0123456789abcdefABCDEF"})
    maker.put("/api/integrations/ollama", json={"base_url": "http://127.0.0.1:9"})


def _make_keys(owner: Any, mark: str) -> None:
    kind = ("--description", "Keys of customers " * 11, "--scope", "usage:read", "--max-days", "365", "--expires", "1y")
    rules = ("--limit", "100/1m", "--limit", "daily=5000/1d", "--credits", "1000", "--refill", "500/day")
    owner.cli("kinds", "add", KIND, "acme_live_with_more_", *kind, *rules)
    owner.cli("consumers", "create", "Acme", "--limit", "100/1m", "--credits", "1000", "--refill", "500/day")
    owner.create_key(f"Of a kind {mark}", kind=KIND)
    _, secret = owner.create_key(f"Used {mark}", expires="7d")
    owner.api(secret, headers={"user-agent": "curl/8.5.0"}).get("/api/openapi.json")
    owner.api(secret).get("/api/keys")
    key, _ = owner.create_key(f"A name that goes on for quite a while, as names of dashboards do, {mark}", scopes=["*"])
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)


def _ids(owner: Any, status: str) -> str:
    return str(next(key["id"] for key in owner.cli.json("keys", "list")["items"] if key["status"] == status))


def test_setup_in_both_themes(server: Any, browser: Any, look: Any) -> None:
    """The first page of all, empty and refused, and the table without keys."""
    for theme in ("light", "dark"):
        context = browser.new_context(color_scheme=theme, viewport=SIZES["narrow"], reduced_motion="reduce")
        page = context.new_page()
        page.goto(server.setup_link)
        look(page)
        page.get_by_label("Email").fill("nobody")
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_text("Use at least 12 characters.")).to_be_visible()
        look(page)
        context.close()


def test_the_theme_is_kept_without_a_flash(owner: Any, home: Any) -> None:
    """The choice takes effect at once, and the next page comes from the server in it."""
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("button", name="Dark").click()
    expect(home.locator("html")).to_have_attribute("data-theme", "dark")
    answer = home.goto(f"{owner.url}{HOME}")
    assert 'data-theme="dark"' in answer.text()
    assert home.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("button", name="System").click()
    assert home.locator("html").get_attribute("data-theme") is None
