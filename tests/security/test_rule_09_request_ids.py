"""security.md 9: the caller's request id is stored next to ours; a missing scope is reported before any lookup."""

from typing import Any


def test_the_callers_id_is_returned_and_stored_next_to_ours(shared_owner: Any) -> None:
    """It need not be unique, and is no table's key."""
    key, secret = shared_owner.create_key("k")
    client = shared_owner.api(secret)
    for _ in range(2):
        assert client.get("/api/me", headers={"x-request-id": "trace-1"}).headers["x-request-id"] == "trace-1"
    rows = client.get(f"/api/keys/{key['id']}/usage").json()["items"]
    assert [row["request_id"] for row in rows] == ["trace-1", "trace-1"]
    assert len({row["id"] for row in rows}) == 2
    assert all(row["id"].startswith("req_") for row in rows)


def test_without_one_ours_is_used(shared_owner: Any) -> None:
    """And it is the row's id."""
    key, secret = shared_owner.create_key("k")
    given = shared_owner.api(secret).get("/api/me").headers["x-request-id"]
    [row] = shared_owner.api(secret).get(f"/api/keys/{key['id']}/usage").json()["items"]
    assert row["id"] == row["request_id"] == given


def test_a_missing_scope_is_403_whether_or_not_the_thing_exists(shared_owner: Any) -> None:
    """Otherwise a narrow key could find out which ids exist."""
    key, secret = shared_owner.create_key("k")
    other, _ = shared_owner.create_key("other")
    for path in (
        f"/api/keys/{other['id']}",
        "/api/keys/key_nothing",
        f"/api/keys/{other['id']}/usage",
        "/api/keys/x/usage",
    ):
        answer = shared_owner.api(secret).get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), path
    assert 'scope="keys:read"' in shared_owner.api(secret).get(f"/api/keys/{key['id']}").headers["www-authenticate"]
