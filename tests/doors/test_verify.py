"""``/api/verify``: the response to a service that asks about a key, and its row in the log."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ari.keys import token
from tests.support.processes import eventually

SAME_FACTS = {"id", "name", "hint", "scopes", "expires_at"}
FACTS = SAME_FACTS | {"secret_number", "secret_retires_at", "kind", "environment", "consumer", "tags", "metadata"}


class Asker:
    """A service with a key that may verify, and a key to ask about."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner = owner
        self.key, secret = owner.create_key(f"{name}: the service", scopes=["keys:verify", "usage:read"])
        self.client = owner.api(secret)
        self.asked, self.secret = owner.create_key(f"{name}: asked about", scopes=["usage:read"])

    def ask(self, key: str | None = None, **fields: Any) -> dict[str, Any]:
        answer = self.client.post("/api/verify", json={"key": key or self.secret, **fields})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rows(self, key_id: str, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.client.get(f"/api/keys/{key_id}/usage", params=query).json()["items"]
        return items


@pytest.fixture
def asker(shared_owner: Any, request: pytest.FixtureRequest) -> Asker:
    return Asker(shared_owner, request.node.name[:60])


def test_a_good_key_has_its_public_facts(asker: Asker) -> None:
    """Id, name, hint, scopes and expiry; nothing else of it."""
    verdict = asker.ask(scopes=["usage:read"])
    assert (verdict["valid"], verdict["code"]) == (True, "ok")
    facts = {name: asker.asked[name] for name in SAME_FACTS}
    assert facts.items() <= verdict["key"].items()
    assert (verdict["key"]["secret_number"], verdict["key"]["secret_retires_at"]) == (1, None)
    assert set(verdict["key"]) == FACTS


def test_every_refusal_is_a_200_with_its_reason(asker: Asker) -> None:
    """Malformed and unknown keys have no facts; dead keys and keys without the scope do."""
    nothing: dict[str, Any] = {"valid": False, "key": None, "limits": [], "exceeded": None, "retry_after_seconds": None}
    assert asker.ask("ari_k_nonsense") == nothing | {"code": "malformed"}
    assert asker.ask(token.mint()) == nothing | {"code": "unknown"}
    lacking = asker.ask(scopes=["usage:read", "keys:write"])
    assert (lacking["valid"], lacking["code"], lacking["key"]["id"]) == (False, "insufficient_scope", asker.asked["id"])
    asker.owner.cli("keys", "disable", asker.asked["id"], check=True)
    assert asker.ask()["code"] == "disabled"
    asker.owner.cli("keys", "revoke", "--yes", asker.asked["id"], check=True)
    verdict = asker.ask(scopes=["keys:write"])
    assert (verdict["valid"], verdict["code"], set(verdict["key"])) == (False, "revoked", FACTS)


def test_an_expired_key_is_reported_and_stays_dead(owner: Any) -> None:
    """Seen expired by a verification, it is stamped: a clock set back revives nothing."""
    asker = Asker(owner, "expiry")
    _, secret = owner.create_key("an hour", expires="1h")
    assert asker.ask(secret)["code"] == "ok"
    owner.server.clock.advance(3_601)
    assert asker.ask(secret)["code"] == "expired"
    owner.server.clock.advance(-3_601)
    assert asker.ask(secret)["code"] == "expired"


def test_a_revoked_key_is_refused_by_the_next_verification(owner_on: Any) -> None:
    """On both databases, no matter who revoked it."""
    asker = Asker(owner_on, "revoke")
    assert asker.ask()["valid"] is True
    owner_on.cli("keys", "revoke", "--yes", asker.asked["id"], check=True)
    assert asker.ask()["code"] == "revoked"


def test_a_row_for_the_caller_and_one_for_the_key(asker: Asker) -> None:
    """The key's row has the client's address and the source ``verify``; last used is right."""
    asker.ask(client_address="[2001:db8::7]:443")
    [row] = asker.rows(asker.asked["id"])
    assert (row["source"], row["code"], row["route"]) == ("verify", "ok", "/api/verify")
    assert (row["client_address"], row["user_agent"]) == ("2001:db8::7", None)
    [mine] = [one for one in asker.rows(asker.key["id"]) if one["route"] == "/api/verify"]
    assert (mine["source"], mine["code"], mine["status"]) == ("request", "ok", 200)
    assert mine["request_id"] == row["request_id"]
    used = asker.owner.api(asker.secret).get("/api/me").json()["key"]
    assert (used["request_count"], used["last_used_at"]) == (1, row["time"])
    asker.ask(scopes=["keys:write"])
    [refused] = asker.rows(asker.asked["id"], code="insufficient_scope")
    assert (refused["source"], refused["client_address"]) == ("verify", None)


def test_only_callers_that_may_verify_get_a_verdict(asker: Asker) -> None:
    """A key without the scope gets 403, nobody 401; the owner's page may ask with its proof."""
    body = {"key": asker.secret}
    answer = asker.owner.api(asker.secret).post("/api/verify", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert asker.owner.api().post("/api/verify", json=body).status_code == 401


def test_a_session_may_ask_with_its_proof(owner: Any) -> None:
    """And without the proof it may not."""
    _, secret = owner.create_key("k")
    session = owner.session()
    page = session.get("/settings?tab=api").text
    csrf = {"x-csrf-token": page.split('name="csrf" value="')[1].split('"')[0]}
    assert session.post("/api/verify", json={"key": secret}).status_code == 403
    assert session.post("/api/verify", json={"key": secret}, headers=csrf).json()["code"] == "ok"
    assert session.post("/api/verify", json={"key": "ari_k_x"}, headers=csrf).json()["code"] == "malformed"


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, "key"),
        ({"key": 1}, "key"),
        ({"key": "k", "more": 1}, "more"),
        ({"key": "k", "sk-proj-0123456789abcdefghij": 1}, "?"),
        ({"key": "k", "scopes": "usage:read"}, "scopes"),
        ({"key": "k", "scopes": ["usage read"]}, "scopes.0"),
        ({"key": "k", "scopes": ["usage:read\n"]}, "scopes.0"),
        ({"key": "k", "limits": ["default\n"]}, "limits.0"),
        ({"key": "k", "scopes": ["a:b"] * 21}, "scopes"),
        ({"key": "k", "client_address": "somewhere"}, "client_address"),
        ({"key": "k", "client_address": "1" * 65}, "client_address"),
        ([], "body"),
        (None, "body"),
    ],
)
def test_a_question_that_cannot_be_read_is_422(asker: Asker, body: Any, location: str) -> None:
    """Naming the field, never the value."""
    answer = asker.client.post("/api/verify", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [one["location"] for one in answer.json()["errors"]] == [location]


def test_a_batch_keeps_its_order_and_no_item_harms_another(asker: Asker) -> None:
    """Good, dead, unknown, malformed and unreadable items side by side."""
    items: list[Any] = [
        {"key": asker.secret, "client_address": "203.0.113.9"},
        {"key": "ari_k_nonsense"},
        7,
        {"key": token.mint()},
        {"key": asker.secret, "client_address": "nowhere"},
        {"key": asker.secret, "scopes": ["keys:write"]},
        {"key": "\ud800"},
        {"key": asker.secret},
    ]
    content = json.dumps({"items": items})
    answer = asker.client.post(
        "/api/verify/batch", content=content, headers={"content-type": "application/json"}
    ).json()["items"]
    assert [one["code"] for one in answer] == [
        "ok",
        "malformed",
        "invalid",
        "unknown",
        "invalid",
        "insufficient_scope",
        "malformed",
        "ok",
    ]
    assert [one["valid"] for one in answer] == [one["code"] == "ok" for one in answer]
    assert [one["errors"][0]["location"] for one in answer if "errors" in one] == ["body", "client_address"]
    rows = asker.rows(asker.asked["id"])
    assert sorted(row["code"] for row in rows) == ["insufficient_scope", "ok", "ok"]
    assert {row["request_id"] for row in rows} == {rows[0]["request_id"]}
    assert {row["route"] for row in rows} == {"/api/verify/batch"}


def test_a_batch_has_at_most_a_hundred_items(asker: Asker) -> None:
    """A hundred get a verdict; one more is 422, and none is too."""
    many = asker.client.post("/api/verify/batch", json={"items": [{"key": asker.secret}] * 100}).json()["items"]
    assert [one["code"] for one in many] == ["ok"] * 100
    assert asker.client.post("/api/verify/batch", json={"items": [{"key": "k"}] * 101}).status_code == 422
    assert asker.client.post("/api/verify/batch", json={"items": []}).json() == {"items": []}
    assert asker.client.get("/api/verify").status_code == 405


def test_concurrent_verifications_are_all_in_the_log(owner_on: Any) -> None:
    """Every response that was seen is a row of the key, and the totals agree; on both databases."""
    asker = Asker(owner_on, "many")
    with ThreadPoolExecutor(8) as threads:
        verdict = list(threads.map(lambda _: asker.ask()["code"], range(64)))
    assert verdict == ["ok"] * 64
    assert len(asker.rows(asker.asked["id"], limit=200)) == 64
    assert owner_on.api(asker.secret).get("/api/me").json()["key"]["request_count"] == 64


def test_nothing_decided_is_503_and_no_verdict(make_owner: Any) -> None:
    """Keys that cannot be read, and a log that cannot be written: neither yes nor no, one by one and in a batch."""
    owner = make_owner(settings={"ARI_USAGE_WAIT_SECONDS": "0.3"})
    asker = Asker(owner, "outage")
    asker.ask()
    bodies = {"/api/verify": {"key": asker.secret}, "/api/verify/batch": {"items": [{"key": asker.secret}]}}

    def verdicts() -> set[tuple[int, str | None]]:
        answers = [asker.client.post(path, json=body) for path, body in bodies.items()]
        assert not [one for one in answers if "valid" in one.text and one.status_code != 200]
        return {(one.status_code, one.json().get("code") if one.status_code != 200 else None) for one in answers}

    keys = owner.server.data_dir / "ari.db"
    keys.rename(keys.with_name("away"))
    assert verdicts() == {(503, "unavailable")}
    keys.with_name("away").rename(keys)
    with sqlite3.connect(owner.server.data_dir / "usage-staging.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert verdicts() == {(503, "unavailable")}
        other.execute("ROLLBACK")
    other.close()
    eventually(lambda: verdicts() == {(200, None)})


def test_a_service_may_report_its_own_request(asker: Asker) -> None:
    """Route, path, method, user agent and request id are in the key's log, cleaned; the caller's row has none of it."""
    key = "ari_k_" + "0" * 49
    fields = {"method": "PATCH", "path": f"/orders/\x00{key}", "user_agent": "shop/1\u202e", "request_id": "order-7"}
    assert asker.ask(route="/orders/{order_id}", **fields)["valid"] is True
    [row] = asker.rows(asker.asked["id"])
    assert (row["method"], row["route"], row["request_id"]) == ("PATCH", "/orders/{order_id}", "order-7")
    assert (row["user_agent"], row["path"].startswith("/orders/\ufffdari_k_0000")) == ("shop/1\ufffd", True)
    assert key not in row["path"]
    [mine] = [one for one in asker.rows(asker.key["id"]) if one["route"] == "/api/verify"]
    assert (mine["method"], mine["user_agent"] == row["user_agent"]) == ("POST", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "GET /"),
        ("method", None),
        ("route", ""),
        ("route", "r" * 201),
        ("path", "p" * 1025),
        ("user_agent", "u" * 257),
        ("request_id", "a b"),
        ("request_id", "a\n"),
        ("method", "GET\n"),
        ("request_id", 7),
    ],
)
def test_wrong_facts_of_the_services_request_are_named(asker: Asker, name: str, value: object) -> None:
    """``null`` is the same as nothing."""
    answer = asker.client.post("/api/verify", json={"key": asker.secret, name: value})
    assert answer.status_code == (200 if value is None else 422)
    assert value is None or [one["location"] for one in answer.json()["errors"]] == [name]
