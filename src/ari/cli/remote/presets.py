"""Presets of a remote instance."""

from typing import Any

from ari.base.errors import Forbidden
from ari.cli.remote.connection import Connection
from ari.keys import preset_facts
from ari.keys.presets import PRESETS


class RemotePresets:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_all(self) -> list[dict[str, Any]]:
        return list(self._connection.get("presets")["items"])

    def list_for_labels(self) -> list[dict[str, Any]]:
        """Those by which lists name what keys may do; ARI's own for a key without ``scopes:read``."""
        try:
            return self.list_all()
        except Forbidden:
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
