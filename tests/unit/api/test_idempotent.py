"""Repeated requests over HTTP (``ari.base.idempotency`` has the rules)."""

import pytest

from tests.support.app import App, content_of
from tests.support.commands import change_key, create_key

NEW = {"name": "Deploy", "scopes": ["api:read"]}
FIRST = "0d6e7a1c-6f4e-4a0e-9d3f-3a4b0d0c2b11"


def test_a_repeat_gets_the_first_response(app: App) -> None:
    """Promise 4: the secret again, and no second key; the header says that it is a repeat."""
    key = app.key()
    first = app("POST", "/api/keys", key, NEW, idempotency_key=FIRST)
    repeat = app("POST", "/api/keys", key, NEW, idempotency_key=FIRST)
    assert (first.status, repeat.status) == (201, 201)
    assert first.body == repeat.body
    assert "idempotent-replayed" not in first.headers
    assert repeat.headers["idempotent-replayed"] == "true"
    assert app.events().count("key_created") == 2, "the caller and one more"


def test_the_order_of_fields_does_not_matter(app: App) -> None:
    """Clients write JSON in any order; another content is another request."""
    key = app.key()
    app("POST", "/api/keys", key, NEW, idempotency_key=FIRST)
    turned = dict(reversed(NEW.items()))
    assert app("POST", "/api/keys", key, turned, idempotency_key=FIRST).status == 201
    other = app("POST", "/api/keys", key, {**NEW, "name": "Other"}, idempotency_key=FIRST)
    assert (other.status, content_of(other)["code"]) == (422, "idempotency_key_reused")


def test_a_repeat_needs_the_rights_of_the_first(app: App) -> None:
    """A caller that was narrowed reads no secret of a key that it could not create now."""
    made = create_key(app.instance, scopes=("keys:write", "api:read"))
    assert app("POST", "/api/keys", made.secret, NEW, idempotency_key=FIRST).status == 201
    change_key(app.instance, made.key, scopes=("keys:write",))
    refused = app("POST", "/api/keys", made.secret, NEW, idempotency_key=FIRST)
    assert refused.status == 403
    assert b"ari_k_" not in refused.body


def test_a_header_that_cannot_be_used_is_named(app: App) -> None:
    """Ignoring it would create a second key on the repeat."""
    refused = app("POST", "/api/keys", app.key(), NEW, idempotency_key="x" * 256)
    assert refused.status == 422
    assert [one["location"] for one in content_of(refused)["errors"]] == ["idempotency-key"]


def test_a_repeat_shows_the_key_as_it_is_now(app: App) -> None:
    """Promise 1: a key that was revoked, deleted or renamed since doesn't look active; the secret is the same."""
    key = app.key()
    first = content_of(app("POST", "/api/keys", key, NEW, idempotency_key=FIRST))
    path = f"/api/keys/{first['key']['id']}"
    assert app("PATCH", path, key, {"name": "Renamed"}).status == 200
    renamed = content_of(app("POST", "/api/keys", key, NEW, idempotency_key=FIRST))
    assert (renamed["key"]["name"], renamed["secret"]) == ("Renamed", first["secret"])
    assert app("POST", f"{path}/revoke", key).status == 200
    assert app("DELETE", path, key).status == 204
    repeat = content_of(app("POST", "/api/keys", key, NEW, idempotency_key=FIRST))
    assert (repeat["key"]["status"], repeat["key"]["revoked_at"] is not None) == ("revoked", True)


def test_a_repeated_rotation_shows_the_key_as_it_is_now(app: App) -> None:
    """As for a new key."""
    key = app.key()
    made = create_key(app.instance, scopes=("api:read",))
    path = f"/api/keys/{made.key.id}"
    first = content_of(app("POST", f"{path}/rotate", key, {}, idempotency_key=FIRST))
    assert app("PATCH", path, key, {"disabled": True}).status == 200
    repeat = content_of(app("POST", f"{path}/rotate", key, {}, idempotency_key=FIRST))
    assert (first["key"]["status"], repeat["key"]["status"]) == ("active", "disabled")
    assert repeat["secret"] == first["secret"]


@pytest.mark.parametrize("owner", ["key", "consumer"])
def test_a_repeated_top_up_shows_the_credits_as_they_are_now(app: App, owner: str) -> None:
    """The balance of the first response would be wrong by now; they are added once."""
    key = app.key()
    if owner == "key":
        path = f"/api/keys/{create_key(app.instance, credits={'amount': 1}).key.id}"
    else:
        made = content_of(app("POST", "/api/consumers", key, {"name": "Shop", "credits": {"amount": 1}}))
        path = f"/api/consumers/{made['id']}"
    add, body = f"{path}/credits/add", {"amount": 2}
    assert content_of(app("POST", add, key, body, idempotency_key=FIRST))["granted"] == 3
    assert content_of(app("POST", add, key, body))["granted"] == 5
    repeat = app("POST", add, key, body, idempotency_key=FIRST)
    assert (content_of(repeat)["granted"], repeat.headers["idempotent-replayed"]) == (5, "true")
    assert app("PATCH", path, key, {"credits": None}).status == 200
    assert app("POST", add, key, body, idempotency_key=FIRST).status == 409


def test_a_repeat_shows_the_consumer_as_it_is_now(app: App) -> None:
    """404 once it was deleted: creating it again would undo the deletion."""
    key, new = app.key(), {"name": "Shop"}
    first = content_of(app("POST", "/api/consumers", key, new, idempotency_key=FIRST))
    path = f"/api/consumers/{first['id']}"
    assert app("PATCH", path, key, {"name": "Store"}).status == 200
    assert content_of(app("POST", "/api/consumers", key, new, idempotency_key=FIRST))["name"] == "Store"
    assert app("DELETE", path, key).status == 204
    assert app("POST", "/api/consumers", key, new, idempotency_key=FIRST).status == 404
