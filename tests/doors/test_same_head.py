"""Promise 1: a head that let a key in before excuses nothing. The store is asked about the key each time."""

from typing import Any

AGENT = "a client that says the same each time"


def test_the_same_head_is_judged_each_time(shared_owner: Any) -> None:
    """Scopes taken and given, disabled and enabled, revoked: each holds from the very next request."""
    _, admin_secret = shared_owner.create_key("admin", scopes=["*"])
    key, secret = shared_owner.create_key("same head", scopes=["usage:read"])
    admin = shared_owner.api(admin_secret)
    client = shared_owner.api(secret, headers={"user-agent": AGENT})
    place = f"/api/keys/{key['id']}"

    def ask(path: str) -> list[tuple[int, str | None]]:
        return [(answer.status_code, answer.json().get("code")) for answer in (client.get(path) for _ in range(2))]

    assert ask("/api/me") == ask("/api/usage") == [(200, None)] * 2
    admin.patch(place, json={"scopes": ["api:read"]})
    assert ask("/api/usage") == [(403, "insufficient_scope")] * 2
    assert ask("/api/me") == [(200, None)] * 2
    admin.patch(place, json={"scopes": ["usage:read"], "disabled": True})
    assert ask("/api/me") == ask("/api/usage") == [(401, "disabled")] * 2
    admin.patch(place, json={"disabled": False})
    assert ask("/api/me") == ask("/api/usage") == [(200, None)] * 2
    admin.post(f"{place}/revoke")
    assert ask("/api/me") == ask("/api/usage") == [(401, "revoked")] * 2

    rows = admin.get("/api/usage", params={"key_id": key["id"], "limit": 100}).json()["items"]
    assert len(rows) == len({row["id"] for row in rows}) == 20
    assert {row["user_agent"] for row in rows} == {AGENT}
    assert {row["path"] for row in rows} == {"/api/me", "/api/usage"}


def test_two_keys_with_heads_alike_are_not_taken_for_each_other(shared_owner: Any) -> None:
    """Nor by which of the two headers a key comes."""
    made = [shared_owner.create_key(name) for name in ("one", "other")]
    for _ in range(3):
        for key, secret in made:
            assert shared_owner.api(secret).get("/api/me").json()["key"]["id"] == key["id"]
            bearer = {"authorization": f"Bearer {secret}"}
            assert shared_owner.api(headers=bearer).get("/api/me").json()["key"]["id"] == key["id"]
