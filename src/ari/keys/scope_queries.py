"""Which scopes there are, and which keys hold them."""

from dataclasses import dataclass
from typing import Any

from ari.base.clock import to_optional_rfc3339
from ari.base.errors import NotFound
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.scopes import SCOPES, holds, is_of_gateway


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """A scope as lists show it; ``key_count`` is the number of active keys that hold it, also by a wildcard.

    ``created_at_ms`` and ``created_by`` are ``None`` for ARI's own scopes, except for those of named upstreams.
    """

    name: str
    description: str
    key_count: int
    created_at_ms: int | None = None
    created_by: str | None = None

    @property
    def is_built_in(self) -> bool:
        return self.name in SCOPES or is_of_gateway(self.name)


def scope_facts(scope: ScopeFacts) -> dict[str, Any]:
    """The JSON of a scope, the same at every door."""
    return {
        "name": scope.name,
        "description": scope.description,
        "built_in": scope.is_built_in,
        "key_count": scope.key_count,
        "created_at": to_optional_rfc3339(scope.created_at_ms),
        "created_by": scope.created_by,
    }


def list_scopes(tx: KeyTransaction) -> list[ScopeFacts]:
    """The declared scopes by name, then ARI's own, then those of named upstreams."""
    lists = tx.scopes.count_by_list(tx.now_ms)

    def count(name: str) -> int:
        return sum(number for listed, number in lists.items() if holds(listed, name))

    declared = [
        ScopeFacts(one.name, one.description, count(one.name), one.created_at_ms, one.created_by)
        for one in tx.scopes.all()
    ]
    return [
        *(one for one in declared if not one.is_built_in),
        *(ScopeFacts(name, description, count(name)) for name, description in SCOPES.items()),
        *(one for one in declared if one.is_built_in),
    ]


def read_scope(tx: KeyTransaction, name: str) -> ScopeFacts:
    """One scope. Raises ``NotFound``."""
    found = next((scope for scope in list_scopes(tx) if scope.name == name), None)
    if found is None:
        raise NotFound("No such scope.")
    return found


def list_keys_with_scope(tx: KeyTransaction, name: str, before_id: str | None, limit: int) -> list[ApiKey]:
    """The active keys that may do what this scope allows, newest first. Raises ``NotFound`` for an unknown scope."""
    if name not in SCOPES and tx.scopes.get(name) is None:
        raise NotFound("No such scope.")
    resource = name.partition(":")[0]
    return tx.scopes.list_holders(("*", f"{resource}:*", name), tx.now_ms, before_id, limit)
