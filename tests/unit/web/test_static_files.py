"""The built files under /static/."""

from typing import Any

import httpx2

from ari.web.render import assets


def test_files_keep_for_ever_under_their_hash(owner: Any) -> None:
    """Each listed file is served with its type, compressed where that helps, and may be cached for a year."""
    client = owner.api()
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
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


def test_a_page_weighs_little(owner: Any) -> None:
    """Settings > API with scripts, styles, icons and the one font it needs: under 150 kB compressed."""
    client = owner.session()
    page = client.get("/settings?tab=api")
    needed = ["app.js", "app.css", "icons.svg", "favicon.svg", "inter-latin-wght-normal.woff2"]
    weight = len(page.content)
    for name in needed:
        with client.stream("GET", assets()[name].url, headers={"accept-encoding": "gzip"}) as answer:
            weight += sum(len(chunk) for chunk in answer.iter_raw())
    assert weight < 150_000
