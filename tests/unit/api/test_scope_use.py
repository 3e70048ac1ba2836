"""``/api/keys/{key_id}/unused-scopes``: advice from the log of requests, and the routes that it understands."""

from ari.base.clock import DAY_MS
from ari.http.route_policy import AuthMode, list_route_scopes
from tests.support.app import App, content_of
from tests.support.commands import clock_of, create_key


def test_a_scope_unused_for_90_days_is_named(app: App) -> None:
    """Once the log, the key and its scopes are old enough; narrowing to the kept ones is then one request."""
    reader = app.key("usage:read", "keys:write", "keys:verify", name="reader")
    made = create_key(app.instance, "theirs", scopes=("usage:read", "integrations:read"))
    path = f"/api/keys/{made.key.id}/unused-scopes"
    app("GET", "/api/usage", made.secret)
    assert content_of(app("GET", path, reader))["gap"] == "young_log"
    for _ in range(97):
        clock_of(app.instance).advance(DAY_MS // 1000)
        app("GET", "/api/usage", made.secret)
    app.instance.database.usage.fold()
    found = content_of(app("GET", path, reader))
    assert (found["unused"], found["kept"], found["gap"]) == (["integrations:read"], ["usage:read"], None)
    app("GET", "/api/integrations", made.secret)
    app.instance.database.usage.fold()
    assert content_of(app("GET", path, reader))["unused"] == []


def test_it_needs_the_right_to_read_usage(app: App) -> None:
    """The advice reveals which routes a key uses."""
    made = create_key(app.instance, "theirs")
    path = f"/api/keys/{made.key.id}/unused-scopes"
    assert app("GET", path, app.key("keys:read")).status == 403
    assert app("GET", path.replace(made.key.id, "key_1"), app.key("usage:read")).status == 404


def test_every_route_names_its_scope_or_is_known_here(app: App) -> None:
    """A new route that decides about scopes itself must be added to ``usage.scope_use``, or its scopes look unused."""
    deciding = {
        one.template
        for one in app.app.table.all()
        if one.policy.auth in (AuthMode.KEY, AuthMode.KEY_OR_SESSION) and one.policy.scope is None
    }
    own = {template for template in deciding if template.startswith("/api/me")} | {"/api/apply"}
    assert {template for template in deciding - own if not template.startswith("/api/keys/{key_id}/usage")} == set()
    routes = [one.route for one in app.app.table.all()]
    assert list_route_scopes(routes)["/api/keys"] == {"keys:read", "keys:write"}
