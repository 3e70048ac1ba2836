"""The JSON API: its shapes, paging, bad input and what it responds to whom."""

import threading
from typing import Any

import pytest

from ari.keys import token

KEY_FIELDS = [
    "id", "name", "hint", "scopes", "status", "created_at", "created_by", "expires_at", "revoked_at", "disabled",
    "may_rotate", "limits", "credits", "budgets", "last_used_at", "request_count", "refused_count", "kind",
    "environment", "consumer", "tags", "metadata", "addresses", "models",
]  # fmt: skip


@pytest.fixture
def admin(shared_owner: Any) -> Any:
    return shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])


def _code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].endswith(f"/errors/{problem['code']}")
    assert problem["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, problem["code"]


def _ids(admin: Any) -> list[str]:
    return [key["id"] for key in admin.get("/api/keys?limit=200").json()["items"]]


def test_a_key_has_exactly_the_documented_fields(admin: Any) -> None:
    """201 with the key and, this once, its secret; no-store."""
    answer = admin.post("/api/keys", json={"name": "n", "expires": "1h", "scopes": ["usage:read", "api:read"]})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert list(answer.json()) == ["key", "secret"]
    key = answer.json()["key"]
    assert list(key) == KEY_FIELDS
    assert (key["status"], key["scopes"], key["disabled"]) == ("active", ["api:read", "usage:read"], False)
    detail = admin.get(f"/api/keys/{key['id']}").json()
    [secret] = detail.pop("secrets")
    assert (secret["number"], secret["hint"], secret["active"], secret["retires_at"]) == (1, key["hint"], True, None)
    assert detail == key | {"remaining": [], "budget_use": []}


def test_paging_walks_every_key_once_newest_first(admin: Any) -> None:
    """Cursors, limits, and a null at the end."""
    for number in range(5):
        admin.post("/api/keys", json={"name": f"k{number}"})
    names, seen, cursor = [], [], None
    while True:
        page = admin.get("/api/keys", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        names += [item["name"] for item in page["items"]]
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert "=" not in cursor
    assert names[:5] == ["k4", "k3", "k2", "k1", "k0"]
    assert len(names) == len(set(seen))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/keys?limit=0", "limit"),
        ("/api/keys?limit=201", "limit"),
        ("/api/keys?limit=x", "limit"),
        ("/api/keys?cursor=!!", "cursor"),
        ("/api/keys?status=dead", "status"),
        ("/api/keys?colour=red", "colour"),
        ("/api/usage?since=yesterday", "since"),
        ("/api/events?limit=-1", "limit"),
    ],
)
def test_bad_queries_name_the_field(admin: Any, path: str, field: str) -> None:
    """422 with errors[{location, message}]."""
    answer = admin.get(path)
    assert _code(answer) == (422, "invalid")
    [error] = answer.json()["errors"]
    assert error["location"] == field
    assert error["message"].endswith(".")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": 1}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a\r\nx-evil: 1"}, "name"),
        ({"name": token.mint()}, "name"),
        ({"name": "n", "expires": "1 hour"}, "expires"),
        ({"name": "n", "expires": 7}, "expires"),
        ({"name": "n", "expires": "7d", "expires_at": "2099-01-01T00:00:00Z"}, "expires"),
        ({"name": "n", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "n", "expires_at": "2099-01-01"}, "expires_at"),
        ({"name": "n", "scopes": []}, "scopes"),
        ({"name": "n", "scopes": ["keys:fly"]}, "scopes"),
        ({"name": "n", "scopes": "*"}, "scopes"),
        ({"name": "n", "secret": "mine"}, "secret"),
    ],
)
def test_bad_bodies_name_the_field_and_create_nothing(admin: Any, body: dict[str, Any], field: str) -> None:
    """422; unknown fields are refused."""
    before = _ids(admin)
    answer = admin.post("/api/keys", json=body)
    assert _code(answer) == (422, "invalid")
    assert field in {error["location"].partition(".")[0] for error in answer.json()["errors"]}
    assert _ids(admin) == before


def test_exact_expiry_keeps_milliseconds(admin: Any) -> None:
    """Fractions of a second are kept to ms."""
    made = admin.post("/api/keys", json={"name": "n", "expires_at": "2099-01-01T02:00:00.1239+02:00"}).json()
    assert made["key"]["expires_at"] == "2099-01-01T00:00:00.123Z"
    never = admin.patch(f"/api/keys/{made['key']['id']}", json={"expires_at": None}).json()
    assert never["expires_at"] is None


def test_revoke_takes_nothing_or_a_reason_and_repeats_alike(admin: Any) -> None:
    """200 with the key, the second time too."""
    key = admin.post("/api/keys", json={"name": "n"}).json()["key"]
    first = admin.post(f"/api/keys/{key['id']}/revoke", json={"reason": "leaked"})
    assert (first.status_code, first.json()["status"]) == (200, "revoked")
    assert admin.post(f"/api/keys/{key['id']}/revoke").json() == first.json()
    assert admin.post(f"/api/keys/{key['id']}/revoke", json={}).json() == first.json()
    assert _code(admin.post(f"/api/keys/{key['id']}/revoke", json={"why": "x"})) == (422, "invalid")


def test_conflicts(admin: Any) -> None:
    """An active key is not deleted, an inactive one not changed."""
    key = admin.post("/api/keys", json={"name": "n"}).json()["key"]
    assert _code(admin.delete(f"/api/keys/{key['id']}")) == (409, "key_active")
    admin.post(f"/api/keys/{key['id']}/revoke")
    assert _code(admin.patch(f"/api/keys/{key['id']}", json={"name": "m"})) == (409, "key_inactive")
    deleted = admin.delete(f"/api/keys/{key['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert _code(admin.delete(f"/api/keys/{key['id']}")) == (404, "not_found")
    assert _code(admin.get(f"/api/keys/{key['id']}")) == (404, "not_found")
    assert admin.get(f"/api/keys/{key['id']}/usage").status_code == 200


@pytest.mark.parametrize("key_id", ["key_1", "x", "key_" + "0" * 26, "%F0%9F%98%80", "a" * 900])
def test_unknown_ids_are_404(admin: Any, key_id: str) -> None:
    """On every method."""
    assert _code(admin.get(f"/api/keys/{key_id}")) == (404, "not_found")
    assert _code(admin.patch(f"/api/keys/{key_id}", json={"name": "n"})) == (404, "not_found")
    assert _code(admin.post(f"/api/keys/{key_id}/revoke")) == (404, "not_found")
    assert _code(admin.delete(f"/api/keys/{key_id}")) == (404, "not_found")
    assert _code(admin.get(f"/api/keys/{key_id}/usage")) == (404, "not_found")


def test_wrong_methods_get_the_right_ones(admin: Any) -> None:
    """405 with Allow."""
    answer = admin.put("/api/keys")
    assert _code(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_who_may_do_what(shared_owner: Any) -> None:
    """A narrow key sees itself and nothing else; the challenge names the scope."""
    key, secret = shared_owner.create_key("narrow")
    other, _ = shared_owner.create_key("other")
    client = shared_owner.api(secret)
    assert client.get("/api/me").json()["key"]["id"] == key["id"]
    assert client.get(f"/api/keys/{key['id']}/usage").status_code == 200
    for method, path, scope in (
        ("GET", "/api/keys", "keys:read"),
        ("POST", "/api/keys", "keys:write"),
        ("PATCH", f"/api/keys/{key['id']}", "keys:write"),
        ("DELETE", f"/api/keys/{key['id']}", "keys:write"),
        ("GET", "/api/usage", "usage:read"),
        ("GET", "/api/events", "keys:read"),
        ("GET", f"/api/keys/{other['id']}/usage", "usage:read"),
    ):
        answer = client.request(method, path, content=b"not even JSON" if method in ("POST", "PATCH") else None)
        assert _code(answer) == (403, "insufficient_scope"), path
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]


def test_challenges(shared_owner: Any) -> None:
    """401 always carries Bearer and ApiKey challenges; invalid_token only when a token was sent."""
    bare = shared_owner.api().get("/api/me")
    assert _code(bare) == (401, "missing")
    assert "error=" not in bare.headers["www-authenticate"]
    for text, code in (("ari_k_nonsense", "malformed"), (token.mint(), "unknown")):
        answer = shared_owner.api(text).get("/api/me")
        assert _code(answer) == (401, code)
        assert 'Bearer realm="ari", error="invalid_token"' in answer.headers["www-authenticate"]
        assert "ApiKey" in answer.headers["www-authenticate"]


def test_a_session_may_use_the_api_from_our_own_pages(shared_owner: Any) -> None:
    """Reading needs the same origin, writing the CSRF header as well."""
    session = shared_owner.session()
    assert session.get("/api/me").json()["account"]["email"] == shared_owner.email
    assert session.get("/api/me", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401
    assert _code(session.post("/api/keys", json={"name": "n"})) == (403, "csrf_failed")


def test_narrow_readers_see_key_events_only(shared_owner: Any) -> None:
    """Events of the account need everything."""
    _, reader = shared_owner.create_key("reader", scopes=["keys:read"])
    _, admin = shared_owner.create_key("admin", scopes=["*"])
    seen = {event["name"] for event in shared_owner.api(reader).get("/api/events").json()["items"]}
    assert "key_created" in seen
    assert all(name.startswith("key_") for name in seen)
    shared_owner.session()
    every = shared_owner.api(admin).get("/api/events?limit=200").json()["items"]
    assert "signed_in" in {event["name"] for event in every}


def test_events_report_who_when_from_where_and_what(admin: Any) -> None:
    """One event for each command."""
    key = admin.post("/api/keys", json={"name": "n"}, headers={"user-agent": "tests/1"}).json()["key"]
    me = admin.get("/api/me").json()["key"]
    [event] = admin.get("/api/events", params={"subject": key["id"]}).json()["items"]
    assert (event["actor"], event["door"], event["user_agent"]) == (me["id"], "api", "tests/1")
    assert event["client_address"] == "127.0.0.1"
    assert event["detail"]["name"] == "n"
    assert event["time"] == key["created_at"]


def test_totals_agree_with_the_log_exactly(shared_owner: Any, admin: Any) -> None:
    """request_count = accepted rows, refused_count = refused rows, last used = the newest accepted one."""
    key, secret = shared_owner.create_key("busy", scopes=["api:read"])
    client = shared_owner.api(secret)
    paths = ["/api/me", "/api/openapi.json", "/api/keys", "/api/nothing", "/api/usage"]

    def calls() -> None:
        for path in paths * 4:
            client.get(path)

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = admin.get(f"/api/keys/{key['id']}/usage", params={"limit": 200}).json()["items"]
    facts = admin.get(f"/api/keys/{key['id']}").json()
    accepted = [row for row in rows if row["code"] == "ok"]
    assert (len(accepted), sum(row["count"] for row in rows) - len(accepted)) == (48, 32)
    assert (facts["request_count"], facts["refused_count"]) == (48, 32)
    assert facts["last_used_at"] == max(row["time"] for row in accepted)
