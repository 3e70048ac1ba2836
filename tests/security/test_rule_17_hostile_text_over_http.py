"""security.md 17 over real HTTP: hostile text in every field fails no batch, and every row is there."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ari.keys import token
from tests.support import raw


def test_nul_in_the_path_among_64_in_flight(owner_on: Any) -> None:
    """No 503, every row there, on both databases."""
    key, secret = owner_on.create_key("k")
    port = owner_on.server.port
    header = b"x-api-key: " + secret.encode()
    targets = [b"/api/me" if number % 2 else b"/api/%00" for number in range(64)]
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda target: raw.get(port, target, header).status, targets))
    assert sorted(answers) == [200] * 32 + [400] * 32
    rows = owner_on.api(secret).get(f"/api/keys/{key['id']}/usage?limit=200").json()["items"]
    assert sorted(row["status"] for row in rows) == [200] * 32 + [400] * 32


def test_what_looks_like_a_key_is_cut_before_it_is_stored(owner: Any) -> None:
    """In the path, the user agent and the request id; the query is never stored."""
    key, secret = owner.create_key("k")
    other = token.mint()
    encoded = "".join(f"%{byte:02x}" for byte in other.encode())
    client = owner.api(secret)
    client.get("/api/me", headers={"user-agent": f"curl {other}", "x-request-id": other})
    client.get(f"/api/{other[:40]}x")
    client.get(f"/api/keys/sk-ant-api03-{'a' * 40}")
    assert client.get(f"/api/x/{encoded}").status_code == 400
    assert client.get("/api/me", params={"q": other}).status_code == 400
    owner.server.stop()
    for name in ("usage.db", "usage-staging.db", "ari.db"):
        dump = "\n".join(sqlite3.connect(owner.server.data_dir / name).iterdump())
        for part in (other, other[:20], encoded, "sk-ant-api03-aaaa", secret):
            assert part not in dump
    logged = 0
    for name, table in (("usage.db", "usage_rows"), ("usage-staging.db", "usage_staging")):
        count = f"SELECT count(*) FROM {table} WHERE key_id = ?"
        [[found]] = sqlite3.connect(owner.server.data_dir / name).execute(count, (key["id"],))
        logged += found
    assert logged == 5


def test_controls_and_escapes_are_replaced(owner: Any) -> None:
    """Nothing that could act on a terminal reaches the log or the response."""
    key, secret = owner.create_key("k")
    lines = (b"x-api-key: " + secret.encode(), b"user-agent: a\x1b[31mb\xff\xc2\x85c")
    assert raw.get(owner.server.port, b"/api/me", *lines).status in (200, 400)
    rows = owner.api(secret).get(f"/api/keys/{key['id']}/usage").json()["items"]
    assert "\x1b" not in str(rows)


def test_text_that_a_database_cannot_hold_is_refused_by_name(owner_on: Any) -> None:
    """A NUL in a query or a form, half of a surrogate pair, a time beyond the calendar: 4xx, on both databases."""
    key, secret = owner_on.create_key("k", scopes=["*"])
    api = owner_on.api(secret)
    for place in ("usage?key_id=", "usage/export?key_id=", "events?subject=", "keys?status=", "usage?path="):
        answer = api.get(f"/api/{place}a%00b")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), place
    for place in ("usage/summary", "usage/ai", f"keys/{key['id']}/usage/summary", f"keys/{key['id']}/usage/ai"):
        for query in (
            "until=9999-12-31T23:59:59Z",
            "since=9999-12-30T00:00:00Z&until=9999-12-31T00:00:00Z",
            "since=0001-01-01T00:00:00Z&until=0001-01-02T00:00:00Z&time_zone=America/New_York",
        ):
            answer = api.get(f"/api/{place}?{query}")
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), (place, query)
    json = {"content-type": "application/json"}
    for path, body in (
        ("/api/verify", rb'{"key": "k", "scopes": "\ud800"}'),
        ("/api/verify", rb'{"key": "k", "scopes": ["\ud800"]}'),
        ("/api/verify", rb'{"key": "k", "client_address": "\udfff"}'),
        ("/api/verify", rb'{"key": "k", "\ud800": 1}'),
        ("/api/verify/batch", rb'{"items": "\ud800"}'),
        ("/api/verify/batch", rb'{"items": "a\ud800b"}'),
    ):
        assert api.post(path, content=body, headers=json).status_code == 422, body
    batch = api.post("/api/verify/batch", content=rb'{"items": ["\ud800", {"key": "\ud800"}]}', headers=json)
    assert [item["code"] for item in batch.json()["items"]] == ["invalid", "malformed"]
