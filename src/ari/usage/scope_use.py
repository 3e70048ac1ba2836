"""Least privilege: scopes that a key holds but has not used in 90 days, as far as the log proves it.

The log knows the route of each request, not its scope, and nothing of scopes that other services verified. So a scope
counts as used if any method of a used route needs it, and where the log can't prove anything there is no advice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ari import keys
from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.scopes import RESOURCES, SCOPES
from ari.usage.model import UsageFilter
from ari.usage.ports import UsageReader
from ari.usage.search import SOURCES, UsageSearch

WATCHED_MS = 90 * DAY_MS
PROOF_MS = 7 * DAY_MS
"""The log proves its age by a request in as long a time before the watched one."""
Gap = Literal["young_log", "young_key", "changed", "unused_key", "grants", "unknown_route", "nothing_left"]
GAPS: Mapping[Gap, str] = {
    "young_log": "The usage log is younger than 90 days.",
    "young_key": "The key is younger than 90 days.",
    "changed": "Its scopes were changed in the last 90 days.",
    "unused_key": "The key wasn't used in the last 90 days. Revoke it if nothing needs it.",
    "grants": "The key creates or changes keys or presets, and may need each of its scopes for that.",
    "unknown_route": "The key used an endpoint that this version of ARI doesn't have.",
    "nothing_left": "None of its requests needed a scope.",
}
"""Why the log proves nothing."""
RouteScopes = Mapping[str, Collection[str]]
"""The scopes that the methods of each route need."""

_GRANTING = {"keys:write", "scopes:write"}
"""With these a key grants what it holds, and changes keys that hold no more: it may need every scope for that."""
_GATEWAY = "/api/ai/"
_VERIFIED = ("/api/verify", "/api/verify/batch")
_OWN_USAGE = "/api/keys/{key_id}/usage"
_APPLY = "/api/apply"
_APPLIED = {"scopes:write", "kinds:write", "integrations:write", "keys:write", "consumers:write"}
"""Of its sections, which the log doesn't name."""
_NO_ROUTE = "(none)"
SERVICE_USE = "(service)"
"""Any use of a key at services, whose routes may be the same texts as ARI's."""
_SERVICE_SOURCES = tuple(source for source in SOURCES if source != "request")
_MAX_EVENTS = 200


@dataclass(frozen=True, slots=True)
class ScopeUse:
    """The scopes that the key can do without, and those it keeps; or why the log proves nothing."""

    unused: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    gap: Gap | None = None


def scope_use_facts(found: ScopeUse, now_ms: int) -> dict[str, Any]:
    """The JSON of the advice, the same at every door."""
    since = to_rfc3339(now_ms - WATCHED_MS)
    return {"since": since, "unused": list(found.unused), "kept": list(found.kept), "gap": found.gap}


class KeyHistory(NamedTuple):
    """A key, and whether its scopes changed in the watched time; also ``True`` if that is no longer known."""

    key: ApiKey
    was_changed: bool


def read_history(tx: KeyTransaction, key_id: str, event_retention_days: int) -> KeyHistory:
    """The key with its history. Raises ``NotFound``."""
    since_ms = tx.now_ms - WATCHED_MS
    events = tx.events.page(key_id, None, _MAX_EVENTS)
    is_cut = 0 < event_retention_days * DAY_MS < WATCHED_MS
    is_longer = len(events) == _MAX_EVENTS and events[-1].at_ms > since_ms
    was_changed = any(event.name == "key_scopes_changed" and event.at_ms > since_ms for event in events)
    return KeyHistory(keys.get(tx, key_id), was_changed or is_cut or is_longer)


def read_used_routes(reader: UsageReader, key_id: str, now_ms: int) -> list[str] | None:
    """The routes that the key used in the watched time, with ``SERVICE_USE`` if a service verified it.

    ``None`` if the log is too young.
    """
    since_ms = now_ms - WATCHED_MS
    if not reader.hours(None, since_ms - PROOF_MS, since_ms):
        return None
    routes = [one.route for one in reader.routes(key_id, since_ms, now_ms + 1) if one.accepted_count]
    of_key = UsageFilter(key_id)
    found = [reader.search(UsageSearch(of_key, source=source), None, 1) for source in _SERVICE_SOURCES]
    was_verified = any(page.rows or page.next_before for page in found)
    return [*routes, SERVICE_USE] if was_verified else routes


def find_unused_scopes(
    history: KeyHistory, routes: Collection[str] | None, needed: RouteScopes, now_ms: int
) -> ScopeUse:
    """The advice that follows from the key's history and the routes it used."""
    key, since_ms = history.key, now_ms - WATCHED_MS
    if routes is None:
        return ScopeUse(gap="young_log")
    if key.created_at_ms > since_ms:
        return ScopeUse(gap="young_key")
    if history.was_changed:
        return ScopeUse(gap="changed")
    if not routes:
        return ScopeUse(gap="unused_key")
    used = _find_used(routes, needed)
    if used is None:
        return ScopeUse(gap="unknown_route")
    if used & _GRANTING:
        return ScopeUse(gap="grants")
    was_verified = not {*_VERIFIED, SERVICE_USE}.isdisjoint(routes)
    unused = tuple(scope for scope in key.scopes if _is_unused(scope, used, was_verified))
    kept = tuple(scope for scope in key.scopes if scope not in unused)
    return ScopeUse(gap="nothing_left") if unused and not kept else ScopeUse(unused, kept)


def _find_used(routes: Collection[str], needed: RouteScopes) -> set[str] | None:
    used: set[str] = set()
    for route in routes:
        if route.startswith(_GATEWAY):
            provider = route.removeprefix(_GATEWAY).partition("/")[0]
            used |= {f"ai:{provider}", f"ai-account:{provider}"}
        elif route.startswith(_OWN_USAGE):
            used.add("usage:read")
        elif route == _APPLY:
            used |= _APPLIED
        elif route in needed:
            used |= set(needed[route])
        elif route not in (_NO_ROUTE, SERVICE_USE) and (route.startswith("/api/") or SERVICE_USE not in routes):
            return None
    return used


def _is_unused(scope: str, used: set[str], was_verified: bool) -> bool:
    resource, _, action = scope.partition(":")
    if scope == "*":
        return False
    if resource not in RESOURCES:
        return not was_verified
    if action == "*":
        return not any(one.startswith(f"{resource}:") for one in used)
    return scope in SCOPES and scope not in used
