"""``/api/consumers``, and keys that belong to them."""

from tests.support.app import App, content_of


def test_a_consumer_from_create_to_delete(app: App) -> None:
    """Every step at the API, by either ID."""
    key = app.key("consumers:*", "keys:*", "api:read", name="root")
    sent = {"name": "Acme", "external_id": "x|1", "metadata": {"plan": "pro"}}
    made = content_of(app("POST", "/api/consumers", key, sent))
    assert {name: made[name] for name in sent} == sent
    assert made["key_count"] == 0
    body = {"name": "n", "consumer": made["id"], "tags": ["b", "a"], "environment": "test", "addresses": ["10.0.0.1"]}
    created = content_of(app("POST", "/api/keys", key, body | {"metadata": {"seat": 1}, "scopes": ["api:read"]}))["key"]
    assert created["consumer"] == {name: made[name] for name in ("id", "external_id", "name", "metadata")}
    assert (created["tags"], created["environment"]) == (["a", "b"], "test")
    assert (created["metadata"], created["addresses"]) == ({"seat": 1}, ["10.0.0.1/32"])
    assert content_of(app("GET", f"/api/consumers/{made['id']}", key))["key_count"] == 1
    refused = app("DELETE", f"/api/consumers/{made['id']}", key)
    assert (refused.status, content_of(refused)["code"]) == (409, "consumer_has_keys")
    freed = content_of(app("PATCH", f"/api/keys/{created['id']}", key, {"consumer": None, "tags": [], "addresses": []}))
    assert (freed["consumer"], freed["tags"], freed["addresses"]) == (None, [], [])
    changed = content_of(app("PATCH", f"/api/consumers/{made['id']}", key, {"external_id": None}))
    assert (changed["external_id"], changed["metadata"]) == (None, {"plan": "pro"})
    assert app("DELETE", f"/api/consumers/{made['id']}", key).status == 204
    assert content_of(app("GET", "/api/consumers", key)) == {"items": [], "next_cursor": None}


def test_all_problems_of_a_consumer_are_named_at_once(app: App) -> None:
    """Of a new one and of a change; fields that can't be null are named with them."""
    key, limits = app.key("*"), [{"limit": 1, "window": "99d"}]
    wrong = {"name": " ", "external_id": "a/b", "metadata": {"n": 2**60}, "limits": limits, "credits": {"amount": -1}}
    places = ["credits.amount", "external_id", "limits.0.window", "metadata", "name"]
    refused = app("POST", "/api/consumers", key, wrong)
    assert sorted(one["location"] for one in content_of(refused)["errors"]) == places
    made = content_of(app("POST", "/api/consumers", key, {"name": "Acme"}))
    refused = app("PATCH", f"/api/consumers/{made['id']}", key, wrong | {"name": None})
    assert sorted(one["location"] for one in content_of(refused)["errors"]) == places


def test_reading_is_not_writing(app: App) -> None:
    """The scopes of consumers are their own."""
    reader = app.key("consumers:read")
    assert app("GET", "/api/consumers", reader).status == 200
    assert app("POST", "/api/consumers", reader, {"name": "Acme"}).status == 403
    assert app("GET", "/api/consumers", app.key("keys:*")).status == 403


def test_verify_names_the_consumer(app: App) -> None:
    """So that it needs no second question."""
    root, verifier = app.key("*", name="root"), app.key("keys:verify")
    consumer = content_of(app("POST", "/api/consumers", root, {"name": "Acme", "external_id": "x"}))
    body = {"name": "n", "consumer": "x", "tags": ["t"], "metadata": {"plan": "pro"}, "addresses": ["203.0.113.0/24"]}
    secret = content_of(app("POST", "/api/keys", root, body))["secret"]
    for address, code in (("203.0.113.9", "ok"), ("198.51.100.1", "ip_not_allowed"), (None, "ip_not_allowed")):
        sent = {"key": secret} | ({} if address is None else {"client_address": address})
        found = content_of(app("POST", "/api/verify", verifier, sent))
        assert (found["code"], found["valid"]) == (code, code == "ok")
        assert found["key"]["consumer"]["id"] == consumer["id"]
        assert (found["key"]["tags"], found["key"]["metadata"]) == (["t"], {"plan": "pro"})
