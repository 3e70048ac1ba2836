"""``/api/presets``: saved, reset and chosen by keys with ``scopes:write``, within their scopes."""

import pytest

from tests.support.app import App, content_of

SHOP = {"label": "Shop", "description": "What the shop needs.", "scopes": ["usage:read"]}


@pytest.fixture
def admin(app: App) -> str:
    """A key that may do everything."""
    return app.key("*", name="admin")


def test_a_whole_life(app: App, admin: str) -> None:
    """Saved, listed, chosen, used by a new key, kept while it is the default, removed."""
    made = content_of(app("PUT", "/api/presets/shop", admin, SHOP))
    assert (made["name"], made["built_in"], made["changed"], made["default"]) == ("shop", False, False, False)
    names = [one["name"] for one in content_of(app("GET", "/api/presets", admin))["items"]]
    assert (names[0], names[-1]) == ("standard", "shop")
    assert content_of(app("POST", "/api/presets/shop/default", admin))["default"] is True
    key = content_of(app("POST", "/api/keys", admin, {"name": "Shop"}))["key"]
    assert key["scopes"] == ["usage:read"]
    assert app("DELETE", "/api/presets/shop", admin).status == 409
    app("POST", "/api/presets/standard/default", admin)
    assert app("DELETE", "/api/presets/shop", admin).status == 204
    assert app("GET", "/api/presets/shop", admin).status == 404
    assert content_of(app("GET", f"/api/keys/{key['id']}", admin))["scopes"] == ["usage:read"]


def test_one_of_aris_own_is_replaced_and_reset(app: App, admin: str) -> None:
    """Reset is the same operation as removal."""
    assert content_of(app("PUT", "/api/presets/read-only", admin, SHOP))["changed"] is True
    assert app("DELETE", "/api/presets/read-only", admin).status == 204
    assert content_of(app("GET", "/api/presets/read-only", admin))["changed"] is False
    assert app("DELETE", "/api/presets/read-only", admin).status == 409


def test_a_narrow_key_prepares_no_wide_keys(app: App) -> None:
    """Neither by a preset nor by the default nor by a repeat of a key without scopes (security.md 11)."""
    mine = app.key("scopes:write", "scopes:read", "keys:write")
    for method, path, body in (
        ("PUT", "/api/presets/standard", {**SHOP, "scopes": ["*"]}),
        ("POST", "/api/presets/administrator/default", None),
        ("PUT", "/api/presets/administrator", {**SHOP, "scopes": ["scopes:read"]}),
    ):
        assert content_of(app(method, path, mine, body))["code"] == "insufficient_scope"
    assert app("PUT", "/api/presets/docs", app.key("scopes:read"), SHOP).status == 403
    assert app("POST", "/api/keys", mine, {"name": "n"}, idempotency_key="once").status == 403


@pytest.mark.parametrize(
    ("name", "body", "location"),
    [
        ("own", SHOP, "name"),
        ("shop", {**SHOP, "label": " "}, "label"),
        ("shop", {**SHOP, "description": "x" * 201}, "description"),
        ("shop", {**SHOP, "scopes": []}, "scopes"),
        ("shop", {**SHOP, "scopes": ["nobody:declared"]}, "scopes"),
        ("shop", {"label": "Shop"}, "description"),
    ],
)
def test_a_bad_preset_is_422(app: App, admin: str, name: str, body: object, location: str) -> None:
    """Naming the field."""
    refused = app("PUT", f"/api/presets/{name}", admin, body)
    assert refused.status == 422
    assert content_of(refused)["errors"][0]["location"] == location
