"""``POST /api/keys/import``: keys of other systems work over HTTP, and an import has limits."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.owner import start_owner
from tests.support.server import ServerProcess

VECTORS = json.loads((Path(__file__).parents[1] / "unit/keys/imports/vectors.json").read_text())
BETTER_AUTH = next(one for one in VECTORS if one["scheme"] == "better-auth")


def _line(text: str, **fields: Any) -> dict[str, Any]:
    return {"name": "Shop", "hash": sha256(text.encode()).hexdigest(), "scheme": "sha256-hex"} | fields


@pytest.fixture(scope="module")
def importer_owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Of a server of its own: once keys were imported, a text that was malformed is unknown."""
    folder = tmp_path_factory.mktemp("importer") / "data"
    folder.mkdir(mode=0o700)
    found = start_owner(ServerProcess(folder))
    found.make_keys_over_http()
    yield found
    found.close()
    found.server.kill()


@pytest.fixture
def api(importer_owner: Any) -> Any:
    scopes = ["keys:write", "keys:read", "keys:verify", "api:read", "usage:read"]
    return importer_owner.api(importer_owner.create_key("importer", scopes=scopes)[1])


def test_an_imported_key_works_like_any_other(api: Any, importer_owner: Any) -> None:
    """In both headers and in a verification, until it is revoked; then it is named as revoked."""
    line = {name: BETTER_AUTH[name] for name in ("hash", "scheme")} | {"name": "Acme", "hint": "acme_Q"}
    made = api.post("/api/keys/import", json={"keys": [line], "all_or_nothing": True})
    assert (made.status_code, made.json()["imported"], made.json()["failed"]) == (200, 1, 0)
    [item] = made.json()["items"]
    for headers in ({"x-api-key": BETTER_AUTH["key"]}, {"Authorization": f"Bearer {BETTER_AUTH['key']}"}):
        me = importer_owner.api(headers=headers).get("/api/me")
        assert (me.status_code, me.json()["key"]["id"]) == (200, item["id"])
        assert me.json()["key"]["hint"] == "acme_Q"
    verdict = api.post("/api/verify", json={"key": BETTER_AUTH["key"]}).json()
    assert (verdict["valid"], verdict["key"]["id"]) == (True, item["id"])
    assert api.post("/api/verify", json={"key": BETTER_AUTH["hash"]}).json()["code"] == "unknown"
    api.post(f"/api/keys/{item['id']}/revoke")
    refused = importer_owner.api(BETTER_AUTH["key"]).get("/api/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked")


def test_mistakes_are_still_named(api: Any, importer_owner: Any) -> None:
    """Once keys were imported, a key with quotes may be a foreign one: it is unknown, and the hint stays."""
    secret = importer_owner.create_key("quoted")[1]
    assert api.post("/api/keys/import", json={"keys": [_line("foreign-key-of-someone")]}).status_code == 200
    refused = importer_owner.api(headers={"x-api-key": f'"{secret}"'}).get("/api/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "unknown")
    assert "quotes" in refused.json()["detail"]


def test_one_bad_line(api: Any) -> None:
    """It is named and harms no other, or nothing is imported. A dry run imports nothing."""
    lines = [_line("one"), _line("two", hash="two"), "nonsense"]
    dry = api.post("/api/keys/import", json={"keys": lines, "dry_run": True}).json()
    assert (dry["imported"], dry["failed"], dry["items"][0]["id"]) == (1, 2, None)
    whole = api.post("/api/keys/import", json={"keys": lines, "all_or_nothing": True})
    assert (whole.status_code, whole.json()["code"]) == (422, "invalid")
    assert whole.json()["errors"][0]["location"] == "keys.1.hash"
    assert whole.json()["errors"][0]["message"].startswith("Line 2: ")
    some = api.post("/api/keys/import", json={"keys": lines}).json()
    assert [item["id"] is None for item in some["items"]] == [False, True, True]
    assert [item["errors"] == [] for item in some["items"]] == [True, False, False]


def test_an_import_may_be_large_but_not_endless(api: Any) -> None:
    """5 MiB and 10,000 lines; other routes keep their limit."""
    lines = [_line(f"large {number}", name="x" * 100) for number in range(1_000)]
    assert api.post("/api/keys/import", json={"keys": lines}).json()["imported"] == 1_000
    assert api.post("/api/keys", json={"name": "n" * 70_000}).status_code == 413
    refused = api.post(
        "/api/keys/import", content=b" " * (5 * 1024 * 1024 + 1), headers={"content-type": "application/json"}
    )
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert "5 MiB" in refused.json()["detail"]
    many = api.post("/api/keys/import", json={"keys": [{}] * 10_001})
    assert (many.status_code, many.json()["errors"][0]["location"]) == (422, "keys")


@pytest.mark.parametrize(
    "body", [None, [], {}, {"keys": {}}, {"keys": [], "all_or_nothing": "yes"}, {"keys": [], "x": 1}]
)
def test_other_bodies_are_refused(api: Any, body: Any) -> None:
    """422 with the field."""
    answer = api.post("/api/keys/import", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_who_may_import(api: Any, importer_owner: Any) -> None:
    """A key with ``keys:write``, and only what it may grant itself."""
    reader = importer_owner.api(importer_owner.create_key("reader", scopes=["keys:read"])[1])
    assert reader.post("/api/keys/import", json={"keys": [_line("r")]}).status_code == 403
    wider = api.post("/api/keys/import", json={"keys": [_line("w", scopes=["*"])]})
    assert (wider.status_code, wider.json()["code"]) == (403, "insufficient_scope")
    assert "Line 1" in wider.json()["detail"]
    session = importer_owner.session()
    assert session.post("/api/keys/import", json={"keys": [_line("s")]}).status_code == 403
