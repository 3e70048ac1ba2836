"""Presets of a remote instance."""

from contextlib import suppress
from typing import Any

from ari.base.errors import Forbidden
from ari.cli.remote.connection import Connection
from ari.keys import preset_facts
from ari.keys.presets import PRESETS
from ari.keys.scopes import holds


class RemotePresets:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._connection.get("presets")["items"])

    def list_for_labels(self) -> list[dict[str, Any]]:
        """Those by which lists name what keys may do; ARI's own for a key without ``scopes:read``.

        Such a key doesn't ask for them: each list would leave a refused request in the log, which looks like an attack.
        """
        with suppress(Forbidden):  # it may lose the scope in between
            if holds(tuple(self._connection.get("me")["key"]["scopes"]), "scopes:read"):
                return self.list_all()
        return [preset_facts(preset, preset) for preset in PRESETS.values()]

    def find(self, name: str) -> dict[str, Any] | None:
        return next((one for one in self.list_all() if one["name"] == name), None)

    def save(self, name: str, label: str, description: str, scopes: list[str]) -> dict[str, Any]:
        body = {"label": label, "description": description, "scopes": scopes}
        return self._connection.send("PUT", "presets", name, body=body)

    def choose_default(self, name: str) -> dict[str, Any]:
        return self._connection.send("POST", "presets", name, "default")

    def get(self, name: str) -> dict[str, Any]:
        return self._connection.get("presets", name)

    def remove(self, name: str) -> None:
        self._connection.send("DELETE", "presets", name)
