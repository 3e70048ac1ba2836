"""Rule 30: a strict CSP, escaped templates, a tamed htmx; no stored text ever becomes markup or script."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog

from tests.support.owner import Owner

WEB = Path(__file__).parents[2] / "src/ari/web"
TEMPLATES = sorted(path for path in WEB.rglob("*.html") if "static" not in path.parts)
PAYLOADS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>'",
    "{{ 7 * 7 }}{% raw %}",
    "</title></textarea><svg/onload=alert(3)>",
    "javascript:alert(4)",
    "שלום עולם مرحبا",
    "🗝️ déjà vu & <b>bold</b>",
    "' hx-on:load='alert(5)' x='",
]
HOSTILE_EMAIL = '"><svg/onload=alert(6)>@example.org'


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_templates_keep_to_the_rules(path: Path) -> None:
    """No unescaped output, inline script, inline style, event attribute or script URL in any template."""
    text = path.read_text(encoding="utf-8")
    for forbidden in (
        r"\|\s*safe\b",
        r"autoescape",
        r"hx-on",
        r"\bjs:",
        r"javascript:",
        r"\sstyle\s*=",
        r"\son[a-z]+\s*=",
    ):
        assert not re.search(forbidden, text, re.IGNORECASE), forbidden
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script
        assert "nonce=" in script
    assert not re.search(r"<style\b", text)


def test_no_code_marks_text_as_safe() -> None:
    """Nothing in the pages' Python builds markup by hand."""
    modules = [*WEB.rglob("*.py")]
    assert len(modules) > 50
    for path in modules:
        assert not re.search(r"\bMarkup\(|markupsafe|\|safe", path.read_text(encoding="utf-8")), path


def test_templates_put_callers_text_only_where_it_is_text() -> None:
    """``hx-*``, ``href``, ``action`` and ``src`` hold our own addresses alone."""
    allowed = re.compile(
        r"\{\{ ?(urls\.|own_url\(|with_query\(urls\.|url\b|one\.url\b|base\b|closes_to|address|endpoint\.docs_url"
        r"|asset\(|sign\b|verb\b|'enable'|reason\.code\b|key\.kind\b)"  # a kind's name has letters, digits and - only
    )
    attribute = re.compile(r'\b(?:hx-[a-z-]+|href|action|src)="([^"]*)"')
    found = [
        (path, value)
        for path in TEMPLATES
        for value in attribute.findall(path.read_text(encoding="utf-8"))
        if not value.startswith("#")  # a place on the same page, whatever its name
    ]
    expressions = [(path, one) for path, value in found for one in re.findall(r"\{\{[^}]*", value)]
    assert len(expressions) > 50
    for path, expression in expressions:
        assert allowed.match(expression), f"{path.name}: {expression}"


def test_every_page_carries_the_policy(owner: Any) -> None:
    """Scripts and styles by nonce or from /static/ of this host, nothing inline, nothing foreign, no framing."""
    client = owner.session()
    for path in ("/sign-in", "/settings?tab=api", "/settings/keys/new", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        assert parts["default-src"] == "'none'"
        for name in ("script-src", "style-src"):
            assert re.fullmatch(r"'nonce-[\w-]{16,}' 127\.0\.0\.1:\d+/static/", parts[name]), parts[name]
        for name in ("base-uri", "object-src", "frame-ancestors"):
            assert parts[name] == "'none'"
        assert parts["connect-src"] == parts["form-action"] == "'self'"
        assert "unsafe" not in policy


def test_the_nonce_is_new_each_time(owner: Any) -> None:
    """Two responses never share a nonce."""
    client = owner.api()
    policies = {client.get("/sign-in").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_htmx_is_tamed(owner: Any) -> None:
    """No eval, no scripts in fragments, no foreign requests, no history cache, no styles of its own."""
    page = owner.api().get("/sign-in").text.replace("&#34;", '"')
    for setting in (
        '"allowEval": false',
        '"allowScriptTags": false',
        '"selfRequestsOnly": true',
        '"historyCacheSize": 0',
        '"includeIndicatorStyles": false',
    ):
        assert setting in page


@pytest.fixture
def hostile(make_server: Any) -> Iterator[Owner]:
    """An owner whose very address is a payload."""
    admin = {"ARI_ADMIN_EMAIL": HOSTILE_EMAIL, "ARI_ADMIN_PASSWORD": "seven quiet herons 41"}
    found = Owner(make_server(settings=admin).start(), email=HOSTILE_EMAIL)
    yield found
    found.close()


def _store_payloads(owner: Owner) -> list[str]:
    """Put the payloads into every field that callers fill; the ids of the keys made."""
    ids = []
    for payload in PAYLOADS:
        key, secret = owner.create_key(payload, scopes=["*"])
        ids.append(key["id"])
        agent = payload.encode("ascii", "replace").decode()
        client = owner.api(secret, headers={"user-agent": agent})
        client.get(f"/api/{''.join(f'%{byte:02X}' for byte in agent.replace('/', '').encode())}")
        client.post("/api/keys", json={"name": f"made {payload}", "scopes": ["api:read"]})
        client.patch(f"/api/keys/{key['id']}", json={"name": f"{payload} again"})
    session = owner.session()
    page = session.get("/settings?tab=api").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    for key_id, payload in list(zip(ids, PAYLOADS, strict=True))[::2]:
        answer = session.post(f"/settings/keys/{key_id}/revoke", data={"csrf": csrf[1], "reason": payload})
        assert answer.status_code == 303
    return ids


def test_payloads_in_every_field_stay_text(hostile: Owner, browser: Any) -> None:
    """All pages and dialogs visited: no dialog opens, no CSP report, no script of a stranger runs."""
    ids = _store_payloads(hostile)
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []

    def accept(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.accept()

    page.on("dialog", accept)
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => console.error('CSP', event.violatedDirective))"
    )
    page.goto(f"{hostile.url}/sign-in")
    page.get_by_label("Email").fill(HOSTILE_EMAIL)
    page.get_by_label("Password", exact=True).fill(hostile.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/settings?tab=api")
    assert page.locator(".account-name").inner_text() == HOSTILE_EMAIL
    for key_id, payload in zip(ids, PAYLOADS, strict=True):
        page.goto(f"{hostile.url}/settings/keys/{key_id}")
        assert page.locator("h1").inner_text() == f"{payload} again"
        for verb in ("revoke", "rename", "delete"):
            page.goto(f"{hostile.url}/settings/keys/{key_id}/{verb}")
    page.goto(f"{hostile.url}/settings?tab=api")
    for link in ("Revoke", "Delete"):
        page.get_by_role("link", name=link).first.click()
        page.get_by_role("dialog").get_by_role("link", name="Cancel").click()
    for payload in PAYLOADS:
        page.get_by_role("link", name="Create API Key").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill(payload)
        dialog.get_by_role("button", name="Create key").click()
        dialog.get_by_role("heading", name="Copy your key now").wait_for()
        dialog.get_by_label("I've saved this key").check()
        dialog.get_by_role("button", name="Done").click()
        page.locator(".toast").last.wait_for()
    context.close()
    assert complaints == []
