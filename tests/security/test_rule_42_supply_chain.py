"""security.md 42: what is built in is pinned and hashed; no page names a foreign address.

The locks themselves, and that a wrong hash fails, are tested in tests/package/test_locks.py.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r'<pre class="operation-body"[^>]*><code>[^<]*</code></pre>')
ADDRESS = re.compile(r"""(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s"'<>)]*""", re.IGNORECASE)
NAMES_OF_FORMATS = ("http://www.w3.org/",)


def test_npm_runs_no_scripts() -> None:
    """A package of the registry runs nothing at install time."""
    hook = (ROOT / "hatch_build.py").read_text()
    assert "--ignore-scripts" in hook
    makefile = (ROOT / "Makefile").read_text()
    for line in re.findall(r"^.*npm (?:ci|install)\b.*$", makefile + hook, re.MULTILINE):
        assert "--ignore-scripts" in line


def test_no_page_names_a_foreign_address(shared_owner: Any) -> None:
    """Pages, their styles and their scripts come from the instance alone; an example of a response may show one."""
    key, _ = shared_owner.create_key("k")
    session = shared_owner.session()
    paths = [
        "/sign-in",
        "/settings?tab=api",
        "/settings/keys/new",
        "/settings/integrations",
        "/settings/integrations/openai/address",
        f"/settings/keys/{key['id']}",
        "/errors/expired",
        "/api-docs",
        "/no",
    ]
    texts = {path: session.get(path).text for path in paths}
    for path in set(re.findall(r"/static/[\w.-]+\.(?:css|js|svg)", "".join(texts.values()))):
        texts[path] = session.get(path).text if path.endswith((".css", ".svg")) else ""
    assert any(path.endswith(".css") for path in texts)
    for path, text in texts.items():
        loaded = EXAMPLE.sub("", text)
        found = [address for address in ADDRESS.findall(loaded) if not address.startswith(NAMES_OF_FORMATS)]
        assert not found, path
