"""``ari keys unused-scopes``: least-privilege advice from the log."""
# Imports inside functions here: start-up speed.

from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.key_output import describe_key, find_key
from ari.cli.options import AsJson, DataDir, KeyName
from ari.usage.scope_use import GAPS, find_unused_scopes, read_history, read_used_routes, scope_use_facts


def show(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List scopes that a key holds but has not used in 90 days, as far as the log proves it."""
    with open_deps(data_dir) as deps:
        from ari.http.route_policy import list_route_scopes
        from ari.server import build_app

        named, now_ms = deps.read_sync(find_key, key), deps.instance.now_ms()
        history = deps.read_sync(read_history, named.id, deps.instance.settings.event_retention_days)
        routes = read_used_routes(deps.instance.reports, named.id, now_ms)
        needed = list_route_scopes(one.route for one in build_app(deps.instance).table.all())
        found = find_unused_scopes(history, routes, needed, now_ms)
    if as_json:
        output.as_json(scope_use_facts(found, now_ms))
    elif found.gap is not None:
        output.say(f"ARI can't recommend anything for {describe_key(named)}. {GAPS[found.gap]}")
    elif not found.unused:
        output.say(f"Nothing to remove: the log shows no scope that {describe_key(named)} doesn't need.")
    else:
        output.say(f"{describe_key(named)} hasn't used these scopes in 90 days: {', '.join(found.unused)}")
        kept = " ".join(f"--scope {scope}" for scope in found.kept)
        output.say(f"Remove them: ari keys scopes {named.id} {kept}")
