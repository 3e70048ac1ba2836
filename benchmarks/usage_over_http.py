"""The usage page and the log's API as people meet them: over HTTP, from a server on a log of some size."""

import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path

from benchmarks.data import Data, ari
from benchmarks.load import message
from benchmarks.process import Probe, Server
from benchmarks.rows import serve_ari
from benchmarks.usage_fill import KEYS, START_MS

_OWNER = {"ARI_ADMIN_EMAIL": "owner@example.com", "ARI_ADMIN_PASSWORD": "bench a long log of use"}
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def _name_span(first_day: int, **length: int) -> str:
    """The parameters of a span that begins so many days after the first row."""
    since = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(days=first_day)
    return urllib.parse.urlencode({"since": since.isoformat(), "until": (since + timedelta(**length)).isoformat()})


PLACES = {
    "page: Settings > Usage, 24 hours": "/settings/usage?range=24h",
    "page: Settings > Usage, 30 days": "/settings/usage?range=30d",
    "API: `GET /api/usage`": "/api/usage",
    "API: `GET /api/usage`, one address": "/api/usage?address=10.0.5.1",
    "API: `GET /api/usage`, status 4xx": "/api/usage?status=4xx",
    "API: `GET /api/usage`, a text of no row": "/api/usage?q=nothing",
    "API: `GET /api/usage/summary`, 7 days": "/api/usage/summary",
    "API: `GET /api/usage/summary`, 90 days": f"/api/usage/summary?{_name_span(0, days=90)}",
    "API: export of an hour": f"/api/usage/export?{_name_span(20, hours=1)}",
    "API: export of a busy key's day": f"/api/usage/export?key_id={KEYS[5]}&{_name_span(20, days=1)}",
}
"""What is measured."""


class Visitor:
    """Somebody signed in, and a key that may read."""

    def __init__(self, server: Server, key: str) -> None:
        self._root = f"http://127.0.0.1:{server.port}"
        self._key = key
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        found = _CSRF.search(self._get(self._browser, "/sign-in").decode())
        assert found is not None, "the sign-in page has no form"
        form = {"email": _OWNER["ARI_ADMIN_EMAIL"], "password": _OWNER["ARI_ADMIN_PASSWORD"], "csrf": found[1]}
        asked = urllib.request.Request(
            f"{self._root}/sign-in", urllib.parse.urlencode(form).encode(), {"Origin": self._root}
        )
        with self._browser.open(asked, timeout=60) as answer:
            answer.read()

    def milliseconds(self, place: str, seconds: float) -> list[float]:
        """How long each answer took, for about this long but at least five times; a first one is not counted."""
        ask = urllib.request.build_opener() if place.startswith("/api/") else self._browser
        self._get(ask, place)
        found: list[float] = []
        end = time.perf_counter() + seconds
        while len(found) < 5 or time.perf_counter() < end:
            began = time.perf_counter()
            self._get(ask, place)
            found.append((time.perf_counter() - began) * 1000)
        return found

    def _get(self, ask: urllib.request.OpenerDirector, place: str) -> bytes:
        headers = {"x-api-key": self._key} if place.startswith("/api/") else {}
        with ask.open(urllib.request.Request(self._root + place, headers=headers), timeout=60) as answer:
            if urllib.parse.urlsplit(answer.url).path != place.partition("?")[0]:
                raise RuntimeError(f"{place} led to {answer.url}")
            found: bytes = answer.read()
            return found


@contextmanager
def visited(folder: Path, url: str | None) -> Iterator[Visitor]:
    """A server on the log in ``folder`` (or at ``url``), and a visitor of it."""
    settings = {"ARI_DATA_DIR": str(folder), **_OWNER, **({"ARI_DATABASE_URL": url} if url else {})}
    key = ari(settings, "keys", "create", "bench", "--scope", "usage:read").strip()
    server = serve_ari(folder / "served", Data(settings, [], []))
    try:
        server.start(Probe(message(server.port, "/api/health", {})))
        yield Visitor(server, key)
    finally:
        server.stop()
