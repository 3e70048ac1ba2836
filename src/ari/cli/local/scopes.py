"""Scopes of the instance in the data directory, and what configuration files declare."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ari import keys
from ari.integrations.apply import apply_all
from ari.keys.commands.apply import change_facts
from ari.keys.commands.presets import list_presets_with
from ari.keys.configuration import Configuration, parse_configuration
from ari.keys.openapi_scopes import find_scopes, keep_new
from ari.keys.scope_queries import scope_facts
from ari.usage.model import NO_USE
from ari.usage.reports.facts import key_facts

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.keys.model import ApiKey
    from ari.keys.ports import KeyTransaction

_PAGE = 200


class LocalScopes:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> list[dict[str, Any]]:
        return [scope_facts(scope) for scope in self._deps.read_sync(keys.list_scopes)]

    def add(self, name: str, description: str) -> dict[str, Any]:
        scope = self._deps.do_sync(keys.declare_scope, name, description)
        return scope_facts(self._deps.read_sync(keys.read_scope, scope.name))

    def describe(self, name: str, description: str) -> dict[str, Any]:
        self._deps.do_sync(keys.describe_scope, name, description)
        return scope_facts(self._deps.read_sync(keys.read_scope, name))

    def list_losing(self, name: str) -> tuple[list[dict[str, Any]], list[str]]:
        """The active keys and the names of the presets that list the scope. Raises ``NotFound``."""
        return self._deps.read_sync(_list_losing, name)

    def remove(self, name: str, agreed_keys: set[str], agreed_presets: set[str], *, force: bool) -> tuple[int, int]:
        """Remove the scope, also from these keys and presets, or with ``force`` from all.

        Returns the number of the keys and of the presets that lost it. Raises ``Conflict`` for others.
        """

        def remove_agreed(tx: "KeyTransaction") -> tuple[int, int]:
            holders, presets = _list_losing(tx, name)
            is_agreed = {key["id"] for key in holders} <= agreed_keys and set(presets) <= agreed_presets
            return len(keys.remove_scope(tx, name, force=force or is_agreed)), len(presets)

        return self._deps.do_sync(remove_agreed)

    def list_holders(self, name: str) -> list[dict[str, Any]]:
        """The active keys that hold the scope, including by a wildcard, newest first."""
        listed: list[ApiKey] = []
        while page := self._deps.read_sync(keys.list_keys_with_scope, name, listed[-1].id if listed else None, _PAGE):
            listed += page
        instance = self._deps.instance
        totals = instance.usage_records.totals([key.id for key in listed])
        return [key_facts(key, totals.get(key.id, NO_USE), instance.now_ms()) for key in listed]

    def apply(
        self, wanted: Mapping[str, Any], *, dry_run: bool, prune: bool = False, force: bool = False
    ) -> list[dict[str, Any]]:
        """The changes that the configuration ``wanted`` makes, or would make."""
        return self._apply(parse_configuration(wanted), dry_run, prune, force)

    def import_document(self, document: Any, *, dry_run: bool) -> dict[str, Any]:
        """``changes`` as those of ``apply``, and the ``skipped`` scopes, of an OpenAPI document."""
        found = find_scopes(document)
        wanted = Configuration(scopes=self._deps.read_sync(keep_new, found))
        skipped = [{"name": name, "reason": reason} for name, reason in found.skipped.items()]
        return {"changes": self._apply(wanted, dry_run, False, False), "skipped": skipped}

    def _apply(self, wanted: Configuration, dry_run: bool, prune: bool, force: bool) -> list[dict[str, Any]]:
        run = self._deps.rehearse_sync if dry_run else self._deps.do_sync
        listed = self._deps.instance.provider_environment.private_addresses
        changes = run(apply_all, wanted, prune, force=force or dry_run, listed=listed)
        return [change_facts(one) for one in changes]


def _list_losing(tx: "KeyTransaction", name: str) -> tuple[list[dict[str, Any]], list[str]]:
    holders = [{"id": key.id, "name": key.name, "hint": key.hint} for key in keys.list_keys_losing(tx, name)]
    presets = list_presets_with(tx, set(keys.list_texts_removed_with(tx, name)))
    return holders, [one.name for one in presets]
