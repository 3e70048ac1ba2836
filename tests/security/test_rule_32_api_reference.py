"""Rule 32: the API reference loads, sends and keeps nothing elsewhere; only its page may style itself inline."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import sign_in

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "src/ari/web/assets/js/reference.js").read_text()
OFF = {
    "withDefaultFonts": "false",
    "telemetry": "false",
    "persistAuth": "false",
    "agent": "{ disabled: true }",
    "mcp": "{ disabled: true }",
    "proxyUrl": '""',
    "showDeveloperTools": '"never"',
    "hideClientButton": "true",
}


@pytest.mark.parametrize("name", OFF)
def test_what_is_on_by_default_is_off(name: str) -> None:
    """Fonts, telemetry, kept keys, the agent, its protocol, the proxy, the tools that share the document."""
    assert f"\n    {name}: {OFF[name]},\n" in SETTINGS


@pytest.fixture(scope="module")
def session(shared_owner: Any) -> Any:
    """Signed in, once for the module."""
    return shared_owner.session()


def test_only_this_page_may_style_itself(session: Any) -> None:
    """Its styles may be inline; its scripts come from /static/ or by nonce, as everywhere, and nothing evaluates."""

    def policy(path: str) -> dict[str, str]:
        header = session.get(path).headers["content-security-policy"]
        return dict(part.strip().partition(" ")[::2] for part in header.split(";"))

    host = r"127\.0\.0\.1:\d+"
    docs = policy("/api-docs")
    assert re.fullmatch(rf"'unsafe-inline' {host}/static/", docs["style-src"])
    assert re.fullmatch(rf"'nonce-[\w-]{{16,}}' {host}/static/", docs["script-src"])
    assert "unsafe-eval" not in str(docs)
    other = policy("/settings?tab=api")
    assert "unsafe" not in str(other)
    same = set(docs) - {"style-src", "script-src"}
    assert {name: docs[name] for name in same} == {name: other[name] for name in same}


def test_only_this_page_is_marked_so() -> None:
    """No other route may hold inline styles."""
    uses = [path for path in (ROOT / "src/ari").rglob("*.py") if "inline_styles=True" in path.read_text()]
    assert [(path.parent.name, path.name) for path in uses] == [("api_docs", "routes.py")]


def test_the_reference_asks_nothing_of_others_and_keeps_no_key(shared_owner: Any, browser: Any) -> None:
    """Read, try with a key, fold out, leave: 0 requests off our origin, 0 CSP reports, the key nowhere afterwards."""
    _, secret = shared_owner.create_key("typed into the docs", scopes=["keys:read", "api:read"])
    context = browser.new_context(locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    foreign: list[str] = []
    complaints: list[str] = []
    ours = (shared_owner.url, "data:", "blob:")
    context.on("request", lambda asked: None if asked.url.startswith(ours) else foreign.append(asked.url))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => console.error('CSP', event.violatedDirective,"
        " event.blockedURI))"
    )
    sign_in(page, shared_owner)
    page.goto(f"{shared_owner.url}/api-docs")
    page.locator(".call-path[href$='/read_me']").click()
    page.get_by_role("textbox", name="Value").first.fill(secret)
    page.get_by_role("button", name="Test Request (get /api/me)").click()
    with page.expect_response("**/api/me") as answered:
        page.get_by_role("button", name="Send get request").first.click()
    assert answered.value.json()["key"]["name"] == "typed into the docs"
    expect(page.get_by_text("200 OK")).to_be_visible()
    kept = "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])"
    assert secret not in page.evaluate(kept)
    assert page.evaluate("indexedDB.databases().then((found) => found.length)") == 0
    page.goto(f"{shared_owner.url}/settings?tab=api")
    assert secret not in page.evaluate(kept)
    page.goto(f"{shared_owner.url}/api-docs#description/introduction")
    expect(page.get_by_role("heading", name="ARI API")).to_be_visible()
    assert secret not in page.content()
    context.close()
    assert foreign == []
    assert complaints == []
