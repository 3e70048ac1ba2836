"""The built files under /static/."""

import html
import re
from pathlib import Path
from typing import Any

import httpx2

from ari.web.render import assets

ID = re.compile("key_[0-9A-Z]{26}|(?<=integrations/)[a-z_]+")


def test_files_keep_for_ever_under_their_hash(owner: Any) -> None:
    """Each listed file is served with its type, compressed where that helps, and may be cached for a year."""
    client = owner.api()
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
    assert {"app.js", "app.css"} <= assets().keys()
    for name, asset in assets().items():
        answer: httpx2.Response = client.get(asset.url, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200, name
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith(kinds[f".{name.rpartition('.')[2]}"])
        assert ("content-encoding" in answer.headers) == (not name.endswith(".woff2"))


def test_nothing_else_is_served(owner: Any) -> None:
    """Neither the manifest nor the marks of the build nor files outside."""
    client = owner.api()
    for name in ("manifest.json", ".inputs", "app.js", "..%2frender.py", "..%5crender.py"):
        answer = client.get(f"/static/{name}")
        assert answer.status_code in (400, 404)
        assert "immutable" not in answer.headers["cache-control"]


def with_every_provider(owner: Any) -> None:
    """Put a key of the right shape to every provider, of a server that sends none anywhere."""
    maker = owner.api(owner.create_key("maker of integrations", scopes=["integrations:*"])[1])
    rest = "0123456789abcdefABCDEF0123456789"
    begins = {"anthropic": "sk-ant-", "gemini": "AIza", "groq": "gsk_", "xai": "xai-", "perplexity": "pplx-"}
    begins |= {"openai": "sk-", "deepseek": "sk-", "resend": "re_", "mistral": "", "elevenlabs": "sk_"}
    begins |= {"openrouter": "sk-or-v1-", "ollama": "", "openai_compatible": ""}
    for one in maker.get("/api/integrations").json()["items"]:
        name = one["provider"]
        if name == "resend":  # the owner's alone
            owner.cli("integrations", "set", name, stdin=begins[name] + rest, check=True)
            continue
        body = {"key": begins[name] + rest} | ({"base_url": "http://127.0.0.1:9"} if one["base_url"] is None else {})
        answer = maker.put(f"/api/integrations/{name}", json=body)
        assert answer.status_code == 200, answer.text


MAX_BYTES = 150_000
BEGINNINGS = ("/settings", "/sign-", "/errors/expired", "/nothing/here")


def test_every_page_weighs_little(owner: Any) -> None:
    """Each page that the pages lead to, with its scripts, styles, icons and font: under 150 kB as they are sent.

    Settings > Integrations is weighed with every provider in use. A table that was asked to be longer may weigh more.
    The API docs are left out; the HTML itself is sent as it is.
    """
    owner.make_keys_over_http()
    for number in range(60):  # a full table
        owner.create_key(f"Nightly export of the warehouse {number}")
    with_every_provider(owner)
    client = owner.session()
    sent: dict[str, int] = {}
    weights: dict[str, int] = {}
    waiting = ["/settings?tab=api", "/sign-in", "/errors/expired", "/nothing/here"]
    while waiting and len(weights) < 60:
        place = waiting.pop(0)
        page = client.get(place, headers={"accept-encoding": "gzip"})
        files = set(re.findall(r"""["'(](/static/[^"'#)]+)""", page.text))
        for file in files - set(sent):
            with client.stream("GET", file, headers={"accept-encoding": "gzip"}) as answer:
                sent[file] = sum(len(chunk) for chunk in answer.iter_raw())
        weights[place] = len(page.content) + sum(sent[file] for file in files)
        found = {html.unescape(link) for link in re.findall(r'href="(/[^"#]*)', page.text)}
        known = {re.sub(ID, "{id}", one) for one in (*weights, *waiting)}
        for one in sorted(found):
            if one.startswith(BEGINNINGS) and re.sub(ID, "{id}", one) not in known:
                known.add(re.sub(ID, "{id}", one))
                waiting.append(one)
    assert len(weights) >= 10, weights
    assert {"/settings/integrations", "/settings/integrations/anthropic/key"} < weights.keys()
    assert any("&size=" in place for place in weights)
    assert {
        place: weight for place, weight in weights.items() if weight > MAX_BYTES * (1.6 if "&size=" in place else 1)
    } == {}


def test_no_script_names_a_page() -> None:
    """URLs of pages are in their ``urls.py``; a script reads them from the page."""
    scripts = [*(Path(__file__).parents[3] / "src/ari/web/assets").rglob("*.js")]
    assert len(scripts) > 10
    for path in scripts:
        assert not re.search(r"""["'`]/[a-z]""", path.read_text(encoding="utf-8")), path.name
