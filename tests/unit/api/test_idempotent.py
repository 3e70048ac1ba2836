"""Repeated requests over HTTP (``ari.base.idempotency`` has the rules)."""

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
