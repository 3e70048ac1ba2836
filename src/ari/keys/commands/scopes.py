"""Declare, describe and remove scopes of the operator's own API.

Declaring grants nothing: a key gets a custom scope only from a caller that holds it.
"""

from dataclasses import replace

from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.transaction import record
from ari.keys import granting
from ari.keys.commands.presets import list_presets_with, take_from_presets
from ari.keys.custom_scopes import MAX_CUSTOM_SCOPES, CustomScope, parse_description, parse_scope_name
from ari.keys.events import record_key
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.scopes import SCOPES, is_of_gateway


def get_scope(tx: KeyTransaction, name: str) -> CustomScope:
    """The scope that was declared under this name. Raises ``NotFound``, and ``Conflict`` for ARI's own."""
    if name in SCOPES:
        raise Conflict("conflict", "ARI's own scopes can't be changed or removed.")
    scope = tx.scopes.get(name)
    if scope is None:
        raise NotFound("No such custom scope.")
    if is_of_gateway(name):
        raise Conflict("conflict", "The scopes of a named upstream can't be changed. They are removed with it.")
    return scope


def list_custom_names(tx: KeyTransaction) -> set[str]:
    """The declared scopes without those of named upstreams."""
    return {name for name in tx.scopes.names() if not is_of_gateway(name)}


def declare_scope(tx: KeyTransaction, name: str, description: str) -> CustomScope:
    """Declare a scope. Raises ``Invalid``, or ``Conflict("scope_exists")``."""
    scope = CustomScope(parse_scope_name(name), parse_description(description), tx.now_ms, tx.caller.actor)
    if tx.scopes.get(scope.name) is not None:
        raise Conflict("scope_exists", "This scope is already declared. Change its description instead.")
    if len(list_custom_names(tx)) >= MAX_CUSTOM_SCOPES:
        raise Invalid(Problem("name", f"At most {MAX_CUSTOM_SCOPES} scopes can be declared."))
    tx.scopes.save(scope)
    record(tx, "scope_declared", scope.name, {"description": scope.description})
    return scope


def describe_scope(tx: KeyTransaction, name: str, description: str) -> CustomScope:
    """Change a scope's description; the same one again changes nothing. Raises ``Invalid``, ``NotFound``."""
    before = get_scope(tx, name)
    scope = replace(before, description=parse_description(description))
    if scope != before:
        tx.scopes.save(scope)
        record(tx, "scope_changed", name, {"from": before.description, "to": scope.description})
    return scope


def list_keys_losing(tx: KeyTransaction, name: str) -> list[ApiKey]:
    """The active keys whose list changes if this scope is removed, newest first. Raises ``NotFound``.

    A key that lists the wildcard of the scope's resource loses that only with the resource's last scope.
    """
    get_scope(tx, name)
    return tx.scopes.list_holders(list_texts_removed_with(tx, name), tx.now_ms)


def remove_scope(tx: KeyTransaction, name: str, force: bool = False) -> list[ApiKey]:
    """Remove a scope; ``force`` also takes it from presets and the active keys that list it; returns the keys.

    Raises ``NotFound``, ``Conflict("scope_in_use")`` without ``force``, and ``Forbidden`` if a key calls that may not
    change all of these keys.
    """
    tx.keys.stamp_expired(tx.now_ms)  # keys skipped as expired stay expired, even if the clock is set back
    holders, removed = list_keys_losing(tx, name), set(list_texts_removed_with(tx, name))
    _require_no_kind(tx, removed)
    if not force:
        _require_unused(len(holders), len(list_presets_with(tx, removed)))
    if holders:
        granting.require_within(tx.caller, ("keys:write",), "A key needs keys:write to remove a scope from keys.")
    for key in holders:
        granting.require_may_touch(tx, key)
        kept = replace(key, scopes=tuple(scope for scope in key.scopes if scope not in removed))
        tx.keys.save(kept)
        record_key(
            tx, "key_scopes_changed", kept, {"from": list(key.scopes), "to": list(kept.scopes), "scope_removed": name}
        )
    take_from_presets(tx, removed)
    tx.scopes.remove(name)
    record(tx, "scope_removed", name, {"keys": len(holders)})
    return holders


def _require_no_kind(tx: KeyTransaction, removed: set[str]) -> None:
    """A kind whose default scopes don't exist would create no keys."""
    kinds = [kind.name for kind in tx.kinds.all() if removed.intersection(kind.defaults.scopes or ())]
    if kinds:
        raise Conflict("scope_in_use", f"New keys of the kind {kinds[0]} get this scope. Change that kind first.")


def _require_unused(keys: int, presets: int) -> None:
    if not keys and not presets:
        return
    parts = [f"{keys:,} active key{'' if keys == 1 else 's'}"] if keys else []
    parts += [f"{presets} preset{'' if presets == 1 else 's'}"] if presets else []
    verb, them = ("lists", "it") if keys + presets == 1 else ("list", "them")
    raise Conflict(
        "scope_in_use", f"{' and '.join(parts)} {verb} this scope. Removing it from {them}, too, needs force."
    )


def list_texts_removed_with(tx: KeyTransaction, name: str) -> tuple[str, ...]:
    """The scope and, with the last one of its resource, the resource's wildcard."""
    resource = name.partition(":")[0]
    others = [one for one in tx.scopes.names() if one != name and one.startswith(f"{resource}:")]
    return (name,) if others else (name, f"{resource}:*")
