"""``/api/apply`` and ``/api/scopes/import``: many changes in one transaction, within the caller's rights."""

import pytest

from tests.support.app import App, content_of

SHOP = {"label": "Shop", "description": "What the shop needs.", "scopes": ["orders:read"]}
WANTED = {"scopes": {"orders:read": "List orders."}, "presets": {"shop": SHOP}, "default_preset": "shop"}


@pytest.fixture
def admin(app: App) -> str:
    """A key that may do everything."""
    return app.key("*", name="admin")


def test_a_dry_run_lists_what_a_run_then_does(app: App, admin: str) -> None:
    """Dry is the default; nothing is written by it, and a second run has nothing to do."""
    before = app.events()
    planned = content_of(app("POST", "/api/apply", admin, WANTED))
    assert planned["dry_run"] is True
    assert [(one["action"], one["kind"]) for one in planned["changes"]] == [
        ("add", "scope"),
        ("add", "preset"),
        ("change", "default preset"),
    ]
    assert app.events() == before
    done = content_of(app("POST", "/api/apply", admin, {**WANTED, "dry_run": False}))
    assert done["changes"] == planned["changes"]
    assert content_of(app("POST", "/api/apply", admin, {**WANTED, "dry_run": False, "prune": True}))["changes"] == []


def test_kinds_are_applied_and_rules_only_by_people(app: App, admin: str) -> None:
    """A key needs ``kinds:write`` for kinds; rules bind keys, so none may change them."""
    acme = {"prefix": "acme_", "limits": [{"limit": 1, "window": "1m"}], "credits": {"amount": 5}, "expires": None}
    body = {"kinds": {"acme": acme}, "dry_run": False}
    assert app("POST", "/api/apply", app.key("scopes:write"), body).status == 403
    [change] = content_of(app("POST", "/api/apply", admin, body))["changes"]
    assert (change["action"], change["kind"], change["name"]) == ("add", "kind", "acme")
    assert content_of(app("POST", "/api/apply", admin, body))["changes"] == []
    refused = app("POST", "/api/apply", admin, {"instance_policy": {"max_lifetime_days": None}})
    assert content_of(refused)["code"] == "forbidden"
    refused = app("POST", "/api/apply", admin, {"kinds": {"acme": acme | {"prefix": "other_"}}})
    assert content_of(refused)["errors"][0]["location"] == "kinds.acme.prefix"


def test_sections_about_ai_need_their_scopes(app: App, admin: str) -> None:
    """``scopes:write`` alone isn't enough, not even for a dry run; a name that may be a secret isn't repeated."""
    month = {"name": "monthly", "amount_usd": "500.00", "period": "month"}
    sections: list[dict[str, object]] = [
        {"upstreams": {"vllm-a": {"base_url": "https://vllm.example.com"}}},
        {"instance_budgets": [month]},
        {"provider_budgets": {"openai": [month]}},
        {"key_models": {"admin": {"deny": ["openai/o1"]}}},
        {"consumer_models": {"acme": {}}},
    ]
    mine = app.key("scopes:write")
    for body in sections:
        assert content_of(app("POST", "/api/apply", mine, body))["code"] == "insufficient_scope"
    body = {name: section for one in sections[:3] for name, section in one.items()} | {"dry_run": False}
    done = [(one["kind"], one["name"]) for one in content_of(app("POST", "/api/apply", admin, body))["changes"]]
    assert done == [("upstream", "vllm-a"), ("budget", "instance:monthly"), ("budget", "provider:openai:monthly")]
    assert content_of(app("POST", "/api/apply", admin, body))["changes"] == []
    refused = app("POST", "/api/apply", admin, {"key_models": {"sk-proj-0123456789abcdef": {}}})
    assert content_of(refused)["errors"][0]["location"] == "key_models.?.name"


def test_a_file_needs_only_the_scopes_of_its_sections(app: App) -> None:
    """Budgets and discounts need ``integrations:write`` alone; sections about scopes still need ``scopes:write``."""
    budgets = {"instance_budgets": [{"name": "monthly", "amount_usd": "500.00", "period": "month"}]}
    body = budgets | {"model_discounts": {"openai/*": "10"}, "dry_run": False}
    mine = app.key("integrations:write")
    done = [(one["kind"], one["name"]) for one in content_of(app("POST", "/api/apply", mine, body))["changes"]]
    assert done == [("model discount", "openai/*"), ("budget", "instance:monthly")]
    for section in ("scopes", "presets", "default_preset"):
        refused = content_of(app("POST", "/api/apply", mine, {**budgets, section: WANTED[section]}))
        assert (refused["code"], refused["scope"]) == ("insufficient_scope", "scopes:write")


def test_all_or_nothing(app: App, admin: str) -> None:
    """A bad entry undoes the good ones; the location never repeats what may be a secret (security.md 7)."""
    scopes = {"orders:read": "List orders.", "sk-proj-0123456789": "x"}
    refused = app("POST", "/api/apply", admin, {"scopes": scopes, "dry_run": False})
    assert (refused.status, content_of(refused)["errors"][0]["location"]) == (422, "scopes.?.name")
    assert app("GET", "/api/scopes/orders:read", admin).status == 404


def test_a_key_applies_only_what_it_may(app: App, admin: str) -> None:
    """Also in a dry run, which would otherwise show more than the key may see."""
    app("POST", "/api/apply", admin, {**WANTED, "dry_run": False})
    mine = app.key("scopes:write")
    app("POST", "/api/presets/standard/default", admin)
    for body in ({"default_preset": "administrator"}, {"presets": {}, "prune": True}):
        assert content_of(app("POST", "/api/apply", mine, body))["code"] == "insufficient_scope"
    assert app("POST", "/api/apply", app.key("scopes:read"), WANTED).status == 403
    assert app("POST", "/api/scopes/import", app.key("scopes:read"), {"document": {}}).status == 403


def test_pruning_scopes_in_use_is_a_conflict(app: App, admin: str) -> None:
    """Until it is forced."""
    app("POST", "/api/apply", admin, {"scopes": WANTED["scopes"], "dry_run": False})
    app("POST", "/api/keys", admin, {"name": "Shop", "scopes": ["orders:read"]})
    body = {"scopes": {}, "prune": True, "dry_run": False}
    assert content_of(app("POST", "/api/apply", admin, body))["code"] == "scope_in_use"
    [change] = content_of(app("POST", "/api/apply", admin, {**body, "force": True}))["changes"]
    assert (change["action"], change["key_count"]) == ("remove", 1)


def test_scopes_are_imported_from_openapi(app: App, admin: str) -> None:
    """Listed first, then declared; what can't be declared is named with the reason."""
    security = [{"oauth": ["orders:read", "openid"]}]
    body = {"document": {"openapi": "3.1.0", "paths": {"/orders": {"get": {"security": security}}}}}
    planned = content_of(app("POST", "/api/scopes/import", admin, body))
    assert ([one["name"] for one in planned["changes"]], planned["dry_run"]) == (["orders:read"], True)
    assert planned["skipped"][0]["name"] == "openid"
    app("POST", "/api/scopes/import", admin, {**body, "dry_run": False})
    assert content_of(app("GET", "/api/scopes/orders:read", admin))["description"] == "Used by GET /orders."
    assert app("POST", "/api/scopes/import", admin, {"document": {"info": 1}}).status == 422


def test_openapi_documents_may_be_large_and_deep(app: App, admin: str) -> None:
    """Real ones have megabytes of schemas; other bodies stay small."""
    schema: dict[str, object] = {"type": "object", "description": "x" * 1024 * 1024}
    for _ in range(25):
        schema = {"properties": {"part": schema}}
    operation = {"get": {"security": [{"oauth": ["orders:read"]}]}}
    document = {"openapi": "3.1.0", "paths": {"/orders": operation}, "components": {"schemas": {"Order": schema}}}
    found = app("POST", "/api/scopes/import", admin, {"document": document})
    assert [one["name"] for one in content_of(found)["changes"]] == ["orders:read"]
    too_large = {"document": document | {"info": {"description": "x" * 8 * 1024 * 1024}}}
    assert app("POST", "/api/scopes/import", admin, too_large).status == 413
    for _ in range(20):
        schema = {"properties": {"part": schema}}
    too_deep = {"document": document | {"components": schema}}
    assert content_of(app("POST", "/api/scopes/import", admin, too_deep))["detail"] == (
        "The JSON is nested deeper than 64 levels."
    )
    assert app("POST", "/api/apply", admin, {"scopes": {"a:b": "x" * 70_000}}).status == 413
    assert app("POST", "/api/scopes/import", admin, {"dry_run": True}).status == 422
    assert app("POST", "/api/scopes/import", app.key("scopes:read"), {"document": document}).status == 403
