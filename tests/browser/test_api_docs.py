"""The API docs in a real browser: read, try, follow the theme, link; and the list of endpoints on Settings > API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import HOME, check_nothing_scrolls_sideways, sign_in

IN_ITS_OWN_MARKUP = {
    # The panel that tries a request is a dialog whose parts cannot be named or configured from outside.
    "aria-allowed-role",
    "aria-input-field-name",
    "aria-prohibited-attr",
    "aria-required-attr",
    "aria-valid-attr-value",
    "presentation-role-conflict",
    # The reference has a main landmark and a list of notices; its panel has both once more.
    "landmark-no-duplicate-main",
    "landmark-unique",
}
"""Rules of axe that the bundled panel breaks on its own; the page with the panel closed breaks none."""


@pytest.fixture(scope="module")
def signed_in(owner: Any, browser: Any) -> Any:
    """A signed-in browser's state, with which each test of the module begins."""
    context = browser.new_context()
    sign_in(context.new_page(), owner)
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def home(owner: Any, browser: Any, signed_in: Any) -> Iterator[Any]:
    """A page at Settings > API, signed in as the owner."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC", storage_state=signed_in)
    context.set_default_timeout(15_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{owner.url}{HOME}")
    yield page
    context.close()
    assert errors == []


def open_docs(page: Any, owner: Any, operation: str = "") -> None:
    """Open the reference, at an operation if one is named, and wait until it is there."""
    page.goto(f"{owner.url}/api-docs")
    if operation:
        page.locator(f".call-path[href$='/{operation}']").click()
    else:
        page.get_by_role("link", name="Open the reference").click()
    wait_for_reference(page)


def wait_for_reference(page: Any) -> None:
    expect(page.get_by_role("heading", name="ARI API")).to_be_attached()
    expect(page.locator("#reference-wait")).to_have_count(0)


def try_operation(page: Any, method: str, path: str) -> Any:
    """Send the request that the docs propose; the response is given back."""
    page.get_by_role("button", name=f"Test Request ({method} {path})").click()
    with page.expect_response(lambda answer: f"{path.partition('{')[0]}" in answer.url) as answered:
        page.get_by_role("button", name=f"Send {method} request").first.click()
    return answered.value


def close_panel(page: Any) -> None:
    page.get_by_role("button", name="Close Client").first.click()
    expect(page.get_by_role("button", name="Close Client")).to_have_count(0)


def test_the_list_is_there_at_once_and_leads_into_the_reference(owner: Any, home: Any) -> None:
    """Every endpoint with its scope; the reference, which is large, is loaded to open one; back leads back."""
    asked: list[str] = []
    home.on("request", lambda request: asked.append(request.url))
    home.goto(f"{owner.url}/api-docs")
    expect(home.get_by_role("heading", name="API docs", level=1)).to_be_visible()
    row = home.locator(".call-group li", has_text="Create an API key")
    expect(row).to_contain_text("POST")
    expect(row).to_contain_text("keys:write")
    assert not any("reference" in url or "openapi" in url for url in asked)
    row.get_by_role("link", name="/api/keys").press("Enter")
    expect(home).to_have_url(f"{owner.url}/api-docs#tag/api-keys/create_key")
    expect(home.get_by_role("button", name="Test Request (post /api/keys)")).to_be_in_viewport()
    expect(row).to_be_hidden()
    home.go_back()
    expect(row.get_by_role("link", name="/api/keys")).to_be_in_viewport()
    home.get_by_role("link", name="Open the reference").click()
    expect(home.get_by_role("heading", name="ARI API")).to_be_visible()


def test_an_address_of_the_reference_opens_it(owner: Any, home: Any) -> None:
    """At the operation that it names, and again after a reload."""
    home.goto(f"{owner.url}/api-docs#tag/api-keys/create_key")
    wait_for_reference(home)
    expect(home.get_by_role("button", name="Test Request (post /api/keys)")).to_be_in_viewport()
    home.reload()
    expect(home.get_by_role("button", name="Test Request (post /api/keys)")).to_be_in_viewport()
    expect(home.get_by_role("heading", name="API docs", level=1)).to_be_hidden()
    home.get_by_role("link", name="All endpoints").click()
    expect(home.get_by_role("heading", name="API docs", level=1)).to_be_visible()


def test_the_signed_in_try_operations_as_themselves(owner: Any, home: Any) -> None:
    """Reading and changing work at once: the page adds the proof, and no key is needed."""
    open_docs(home, owner, "read_me")
    assert try_operation(home, "get", "/api/me").json()["account"]["email"] == owner.email
    close_panel(home)
    open_docs(home, owner, "create_key")
    created = try_operation(home, "post", "/api/keys")
    assert created.status == 201
    assert "x-csrf-token" in created.request.headers
    assert created.json()["key"]["name"] == "Automation Script"
    expect(home.get_by_text("201 Created")).to_be_visible()


def test_a_list_comes_whole(owner: Any, home: Any) -> None:
    """What filters show as an example is not in force."""
    open_docs(home, owner, "read_usage")
    answer = try_operation(home, "get", "/api/usage")
    assert answer.status == 200
    assert "cursor=" not in answer.url
    assert "code=" not in answer.url


def test_a_pasted_key_speaks_for_itself(owner: Any, home: Any) -> None:
    """The request goes with the key alone: without the session, without its proof, and is refused as the key is."""
    _, secret = owner.create_key("pasted", scopes=["keys:verify"])
    open_docs(home, owner, "list_keys")
    home.get_by_role("textbox", name="Value").first.fill(secret)
    answer = try_operation(home, "get", "/api/keys")
    assert (answer.status, answer.json()["code"]) == (403, "insufficient_scope")
    sent = answer.request.all_headers()
    assert sent["x-api-key"] == secret
    assert "cookie" not in sent


def test_snippets_in_three_languages(owner: Any, home: Any) -> None:
    """curl, JavaScript and Python, with this instance's address."""
    open_docs(home, owner, "read_me")
    languages = home.get_by_role("tablist", name="Client Libraries")
    for language, line in (("JavaScript", "fetch("), ("Python", "requests.get("), ("Shell", "curl ")):
        languages.get_by_role("tab", name=language).click()
        snippet = home.locator(".scalar-card", has_text="GET/api/me").locator("code").first
        expect(snippet).to_contain_text(line)
        expect(snippet).to_contain_text(owner.url.removeprefix("http://"))


def test_the_theme_follows_ours(owner: Any, home: Any) -> None:
    """The account menu dresses the reference too, at once."""
    open_docs(home, owner)
    for theme in ("Dark", "Light"):
        home.get_by_role("button", name="Account menu").click()
        home.get_by_role("button", name=theme).click()
        home.keyboard.press("Escape")
        expect(home.locator("body")).to_contain_class(f"{theme.lower()}-mode")
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("button", name="System").click()


def test_the_keyboard_reaches_search_and_operations(owner: Any, home: Any) -> None:
    """Skip link, search by its shortcut, Enter goes to the operation."""
    home.goto(f"{owner.url}/api-docs#description/introduction")
    wait_for_reference(home)
    home.keyboard.press("Tab")
    expect(home.get_by_role("link", name="Skip to content")).to_be_focused()
    home.keyboard.press("Control+k")
    box = home.get_by_role("combobox", name="Enter search query")
    expect(box).to_be_focused()
    box.fill("revoke")
    expect(home.get_by_role("option").first).to_contain_text("Revoke an API key")
    home.keyboard.press("ArrowDown")
    home.keyboard.press("Enter")
    expect(home).to_have_url(f"{owner.url}/api-docs#tag/api-keys/revoke_key")


def test_endpoints_lead_into_the_docs(owner: Any, home: Any) -> None:
    """Below the table: groups that fold, and a link to each operation."""
    usage = home.locator(".call-group", has=home.get_by_role("heading", name="Usage", exact=True))
    link = usage.get_by_role("link", name="/api/usage", exact=True)
    expect(link).to_be_hidden()
    usage.locator("summary").click()
    expect(link).to_be_visible()
    expect(usage.locator("li").first).to_contain_text("usage:read")
    link.click()
    expect(home).to_have_url(f"{owner.url}/api-docs#tag/usage/read_usage")
    expect(home.get_by_role("button", name="Test Request (get /api/usage)")).to_be_in_viewport()


def test_without_scripting_the_endpoints_are_listed(owner: Any, plain: Any) -> None:
    """With their scopes and the way to the description; what needs scripting is not offered."""
    plain.goto(f"{owner.url}/api-docs")
    expect(plain.get_by_role("heading", name="API docs", level=1)).to_be_visible()
    expect(plain.get_by_text("Turn on JavaScript to see parameters and responses")).to_be_visible()
    expect(plain.locator(".call-group li", has_text="List API keys")).to_contain_text("keys:read")
    expect(plain.get_by_role("link", name="Open the reference")).to_have_count(0)
    expect(plain.get_by_role("link", name="openapi.json", exact=True)).to_be_visible()
    assert plain.goto(f"{owner.url}{HOME}").ok
    expect(plain.get_by_role("heading", name="API endpoints")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page(owner: Any, home: Any, axe: Callable[[Any], Any], theme: str) -> None:
    """The list and the reference, in both themes."""
    page = home
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{owner.url}/api-docs")
    expect(page.locator(".call-group li", has_text="Create an API key")).to_be_visible()
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in axe(page)] == []
    open_docs(page, owner, "list_keys")
    expect(page.get_by_role("button", name="Test Request (get /api/keys)")).to_be_visible()
    page.wait_for_function("[...document.querySelectorAll('.scalar-code-copy')].every((one) => one.ariaLabel)")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in axe(page)] == []
    check_nothing_scrolls_sideways(page)


def test_axe_finds_in_the_panel_only_what_is_not_ours(owner: Any, home: Any, axe: Callable[[Any], Any]) -> None:
    """The bundled panel that tries a request breaks only rules that are named here with their reason."""
    page = home
    open_docs(page, owner, "list_keys")
    try_operation(page, "get", "/api/keys")
    expect(page.get_by_text("200 OK")).to_be_visible()
    found = {one["id"] for one in axe(page)}
    assert found <= IN_ITS_OWN_MARKUP


def test_a_narrow_screen_has_a_menu(owner: Any, home: Any) -> None:
    """At 390 px the sidebar folds and nothing scrolls sideways."""
    page = home
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{owner.url}/api-docs")
    expect(page.locator(".call-group li", has_text="Create an API key")).to_be_visible()
    check_nothing_scrolls_sideways(page)
    open_docs(page, owner)
    expect(page.get_by_role("button", name="Open Menu")).to_be_visible()
    check_nothing_scrolls_sideways(page)
