"""``Idempotency-Key`` on create: a repeat makes no second key."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

BODY = {"name": "Deploy of the shop", "scopes": ["api:read"]}


@pytest.fixture
def api(shared_owner: Any) -> Any:
    return shared_owner.api(shared_owner.create_key("maker", scopes=["keys:write", "keys:read", "api:read"])[1])


def test_a_repeat_gets_the_same_key(api: Any, shared_owner: Any) -> None:
    """The same 201, marked as a replay; the key works and is there once."""
    first, second = (api.post("/api/keys", json=BODY, headers={"Idempotency-Key": "shop-1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert shared_owner.api(first.json()["secret"]).get("/api/me").status_code == 200
    made = {"created_by": api.get("/api/me").json()["key"]["id"]}
    listed = [key for key in api.get("/api/keys?limit=100").json()["items"] if key["created_by"] == made["created_by"]]
    assert len(listed) == 1


def test_fields_in_another_order_are_the_same_request(api: Any) -> None:
    """What counts is the content; other content is a 422 that says so."""
    headers = {"Idempotency-Key": '"quoted"'}
    first = api.post("/api/keys", json=BODY, headers=headers)
    again = api.post("/api/keys", json=dict(reversed(BODY.items())), headers={"Idempotency-Key": "quoted"})
    assert again.json() == first.json()
    other = api.post("/api/keys", json=BODY | {"name": "Other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_another_caller_gets_a_key_of_its_own(api: Any, shared_owner: Any) -> None:
    """The Idempotency-Key of somebody else opens nothing."""
    other = shared_owner.api(shared_owner.create_key("other", scopes=["keys:write", "api:read"])[1])
    secrets = [
        one.post("/api/keys", json=BODY, headers={"Idempotency-Key": "mine"}).json()["secret"] for one in (api, other)
    ]
    assert len(set(secrets)) == 2


def test_unusable_headers_are_named(api: Any) -> None:
    """422 for a bad value, 400 for two headers; no key is made."""
    for value in ("", "x" * 256):
        answer = api.post("/api/keys", json=BODY, headers={"Idempotency-Key": value})
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "idempotency-key")
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert api.post("/api/keys", json=BODY, headers=twice).status_code == 400


def test_repeats_at_once_over_http(api: Any) -> None:
    """All wait for the first and get its response."""

    def send(_: int) -> str:
        answer = api.post("/api/keys", json=BODY, headers={"Idempotency-Key": "at-once"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["secret"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(send, range(12)))) == 1


def test_a_revoked_caller_gets_no_replay(api: Any, shared_owner: Any) -> None:
    """Promise 1 holds for repeats too."""
    key, secret = shared_owner.create_key("maker", scopes=["keys:write", "api:read"])
    maker = shared_owner.api(secret)
    assert maker.post("/api/keys", json=BODY, headers={"Idempotency-Key": "r"}).status_code == 201
    shared_owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    assert maker.post("/api/keys", json=BODY, headers={"Idempotency-Key": "r"}).status_code == 401


def test_a_narrowed_caller_gets_no_response_of_its_wider_days(shared_owner: Any) -> None:
    """The secret of a key that it could not make now is not shown again; unknown scopes are named as ever."""
    key, secret = shared_owner.create_key("clerk", scopes=["keys:write", "api:read"])
    clerk, headers = shared_owner.api(secret), {"Idempotency-Key": "before"}
    assert clerk.post("/api/keys", json=BODY, headers=headers).status_code == 201
    admin = shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])
    assert admin.patch(f"/api/keys/{key['id']}", json={"scopes": ["keys:write"]}).status_code == 200
    refused = clerk.post("/api/keys", json=BODY, headers=headers)
    assert (refused.status_code, "secret" in refused.json()) == (403, False)
    unknown = clerk.post("/api/keys", json=BODY | {"scopes": ["none:such"]}, headers={"Idempotency-Key": "other"})
    assert (unknown.status_code, unknown.json()["errors"][0]["location"]) == (422, "scopes")


def test_a_repeat_is_checked_like_the_request_would_be_now(shared_owner: Any) -> None:
    """Neither a caller that the owner limited, bound or shortened since, nor one that may do less than the key that it
    made, gets the secret again (security rule 11).
    """
    key, secret = shared_owner.create_key("clerk", scopes=["keys:write", "api:read"])
    clerk, headers = shared_owner.api(secret), {"Idempotency-Key": "c"}
    made = clerk.post("/api/keys", json=BODY, headers=headers).json()
    admin = shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])
    clerk_path, made_path = f"/api/keys/{key['id']}", f"/api/keys/{made['key']['id']}"
    for path, change, undo in (
        (clerk_path, {"limits": [{"limit": 50, "window": "1m"}]}, {"limits": []}),
        (clerk_path, {"addresses": ["127.0.0.1"]}, {"addresses": []}),
        (clerk_path, {"environment": "test"}, {"environment": "live"}),
        (made_path, {"scopes": ["*"]}, {"scopes": ["api:read"]}),
        (clerk_path, {"expires_at": "2099-01-01T00:00:00Z"}, {"expires_at": None}),
    ):
        assert admin.patch(path, json=change).status_code == 200
        refused = clerk.post("/api/keys", json=BODY, headers=headers)
        assert (refused.status_code, made["secret"] in refused.text) == (403, False), change
        assert admin.patch(path, json=undo).status_code == 200
    assert clerk.post("/api/keys", json=BODY, headers=headers).json()["secret"] == made["secret"]
