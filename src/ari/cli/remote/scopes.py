"""Scopes of a remote instance, and what configuration files declare."""

from collections.abc import Mapping
from typing import Any

from ari.base.errors import NotFound
from ari.cli.remote.connection import Connection
from ari.keys.configuration import parse_configuration
from ari.keys.openapi_scopes import find_scopes


class RemoteScopes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._connection.get("scopes")["items"])

    def add(self, name: str, description: str) -> dict[str, Any]:
        return self._connection.send("POST", "scopes", body={"name": name, "description": description})

    def describe(self, name: str, description: str) -> dict[str, Any]:
        return self._connection.send("PATCH", "scopes", name, body={"description": description})

    def list_losing(self, name: str) -> tuple[list[dict[str, Any]], list[str]]:
        """The active keys and the names of the presets that list the scope. Raises ``NotFound``."""
        names = [one["name"] for one in self.list_all()]
        if name not in names:
            raise NotFound("No such custom scope.")
        resource = name.partition(":")[0]
        others = [one for one in names if one != name and one.startswith(f"{resource}:")]
        texts = {name} if others else {name, f"{resource}:*"}
        holders = [key for key in self.list_holders(name) if texts & set(key["scopes"])]
        presets = self._connection.get("presets")["items"]
        return holders, [one["name"] for one in presets if texts & set(one["scopes"])]

    def remove(self, name: str, agreed_keys: set[str], agreed_presets: set[str], *, force: bool) -> tuple[int, int]:
        """Remove the scope, also from these keys and presets, or with ``force`` from all.

        Returns the number of the keys and of the presets that lost it. Raises ``Conflict`` for others.
        """
        holders, presets = self.list_losing(name)
        is_agreed = {key["id"] for key in holders} <= agreed_keys and set(presets) <= agreed_presets
        listed = bool(holders or presets)
        self._connection.send("DELETE", "scopes", name, query={"force": force or (listed and is_agreed)})
        return len(holders), len(presets)

    def list_holders(self, name: str) -> list[dict[str, Any]]:
        """The active keys that hold the scope, including by a wildcard, newest first."""
        return self._connection.list_items("scopes", name, "keys")

    def apply(
        self, wanted: Mapping[str, Any], *, dry_run: bool, prune: bool = False, force: bool = False
    ) -> list[dict[str, Any]]:
        """The changes that the configuration ``wanted`` makes, or would make."""
        parse_configuration(wanted)
        body = {**wanted, "dry_run": dry_run, "prune": prune, "force": force}
        return list(self._connection.send("POST", "apply", body=body)["changes"])

    def import_document(self, document: Any, *, dry_run: bool) -> dict[str, Any]:
        """``changes`` as those of ``apply``, and the ``skipped`` scopes, of an OpenAPI document."""
        find_scopes(document)
        return self._connection.send("POST", "scopes", "import", body={"document": document, "dry_run": dry_run})
