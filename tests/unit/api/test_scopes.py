"""``/api/scopes``: declared by keys with ``scopes:write``, which gain nothing by it."""

import pytest

from tests.support.app import App, content_of

ORDERS = {"name": "orders:read", "description": "List orders."}


@pytest.fixture
def admin(app: App) -> str:
    """A key that may do everything."""
    return app.key("*", name="admin")


def test_a_whole_life(app: App, admin: str) -> None:
    """Declared, listed, described, granted, refused to remove, removed by force."""
    made = app("POST", "/api/scopes", admin, ORDERS)
    assert (made.status, content_of(made)["key_count"]) == (201, 1)
    again = app("POST", "/api/scopes", admin, ORDERS)
    assert (again.status, content_of(again)["code"]) == (409, "scope_exists")
    listed = content_of(app("GET", "/api/scopes", admin))
    assert (listed["items"][0]["name"], listed["items"][0]["built_in"]) == ("orders:read", False)
    assert listed["next_cursor"] is None
    described = content_of(app("PATCH", "/api/scopes/orders:read", admin, {"description": "List and read orders."}))
    assert described["description"] == "List and read orders."
    key = content_of(app("POST", "/api/keys", admin, {"name": "Shop", "scopes": ["orders:read"]}))["key"]
    found = content_of(app("GET", "/api/scopes/orders:read/keys?limit=1", admin))
    assert (found["items"][0]["id"], found["next_cursor"] is None) == (key["id"], False)
    assert content_of(app("GET", "/api/scopes/orders:read", admin))["key_count"] == 2
    refused = app("DELETE", "/api/scopes/orders:read", admin)
    assert (refused.status, content_of(refused)["code"]) == (409, "scope_in_use")
    assert app("DELETE", "/api/scopes/orders:read?force=true", admin).status == 204
    assert content_of(app("GET", f"/api/keys/{key['id']}", admin))["scopes"] == []
    assert app("GET", "/api/scopes/orders:read", admin).status == 404
    assert app.events()[:2] == ["scope_removed", "key_scopes_changed"]


def test_each_operation_needs_its_scope(app: App) -> None:
    """``scopes:write`` doesn't read keys; nothing is written without it."""
    reader, writer, keys = app.key("scopes:read"), app.key("scopes:write"), app.key("keys:write", "keys:read")
    assert app("GET", "/api/scopes", reader).status == 200
    assert app("POST", "/api/scopes", reader, ORDERS).status == 403
    assert app("POST", "/api/scopes", keys, ORDERS).status == 403
    assert app("POST", "/api/scopes", writer, ORDERS).status == 201
    assert app("GET", "/api/scopes/orders:read/keys", writer).status == 403
    assert app("GET", "/api/scopes/orders:read/keys", keys).status == 200
    for key in (reader, keys):
        assert app("PATCH", "/api/scopes/orders:read", key, {"description": "Mine."}).status == 403
        assert app("DELETE", "/api/scopes/orders:read", key).status == 403


def test_declaring_in_two_steps_widens_nothing(app: App, admin: str) -> None:
    """A key that may declare scopes and create keys still grants only what it holds (security.md 11)."""
    app("POST", "/api/scopes", admin, ORDERS)
    mine = app.key("scopes:write", "keys:write")
    app("POST", "/api/scopes", mine, {"name": "orders:refund", "description": "Refund."})
    for scopes in (["orders:refund"], ["orders:*"], ["orders:read"]):
        refused = app("POST", "/api/keys", mine, {"name": "n", "scopes": scopes})
        assert (refused.status, content_of(refused)["code"]) == (403, "insufficient_scope")
    app("POST", "/api/keys", admin, {"name": "Shop", "scopes": ["orders:refund"]})
    assert app("DELETE", "/api/scopes/orders:refund?force=true", mine).status == 403


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"name": "orders:*", "description": "x"}, "name"),
        ({"name": "keys:other", "description": "x"}, "name"),
        ({"name": "orders:new", "description": " "}, "description"),
        ({"name": "orders:new", "description": "x" * 201}, "description"),
        ({"name": "orders:new"}, "description"),
        ({"name": "orders:new", "description": "x", "more": 1}, "more"),
        ({"name": 1, "description": "x"}, "name"),
    ],
)
def test_a_scope_that_cannot_be_declared_is_422(app: App, admin: str, body: object, location: str) -> None:
    """Naming the field."""
    refused = app("POST", "/api/scopes", admin, body)
    assert refused.status == 422
    assert [one["location"] for one in content_of(refused)["errors"]] == [location]


def test_unknown_scopes_of_a_key_point_to_the_declaration(app: App, admin: str) -> None:
    """On create and on change."""
    refused = app("POST", "/api/keys", admin, {"name": "n", "scopes": ["orders:read"]})
    assert (refused.status, "ari scopes add" in content_of(refused)["errors"][0]["message"]) == (422, True)


@pytest.mark.parametrize("name", ["keys:read", "ai:openai"])
def test_built_in_scopes_are_read_only(app: App, admin: str, name: str) -> None:
    """A 409, whether or not keys hold them."""
    assert app("PATCH", f"/api/scopes/{name}", admin, {"description": "x"}).status == 409
    assert app("DELETE", f"/api/scopes/{name}?force=true", admin).status == 409
    assert app("GET", f"/api/scopes/{name}", admin).status == 200


@pytest.mark.parametrize("name", ["nobody:declared", "*", "x%20y", "%F0%9F%94%91", "a" * 65])
def test_a_name_in_the_path_is_only_looked_up(app: App, admin: str, name: str) -> None:
    """Whatever it holds, nothing fails."""
    assert app("GET", f"/api/scopes/{name}", admin).status in (404, 422)
    assert app("GET", f"/api/scopes/{name}/keys", admin).status in (404, 422)
    assert app("DELETE", f"/api/scopes/{name}", admin).status in (404, 422)
