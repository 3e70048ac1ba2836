"""Least-privilege advice from the usage log in the data directory."""
# Imports inside functions here: start-up speed (the routes need the whole server).

from typing import TYPE_CHECKING, Any

from ari.usage.scope_use import find_unused_scopes, read_history, read_used_routes, scope_use_facts

if TYPE_CHECKING:
    from ari.deps import Deps


def find_unused(deps: "Deps", key_id: str) -> dict[str, Any]:
    """The scopes that a key holds but has not used, as far as the log proves it."""
    from ari.http.route_policy import list_route_scopes
    from ari.server import build_app

    instance = deps.instance
    now_ms = instance.now_ms()
    history = deps.read_sync(read_history, key_id, instance.settings.event_retention_days)
    routes = read_used_routes(instance.reports, key_id, now_ms)
    needed = list_route_scopes(one.route for one in build_app(instance).table.all())
    return scope_use_facts(find_unused_scopes(history, routes, needed, now_ms), now_ms)
