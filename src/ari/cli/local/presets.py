"""Presets of the instance in the data directory."""

from typing import TYPE_CHECKING, Any

from ari import keys
from ari.keys.presets import Preset

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.keys.ports import KeyTransaction


class LocalPresets:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> list[dict[str, Any]]:
        return self._deps.read_sync(_list_facts)

    def list_for_labels(self) -> list[dict[str, Any]]:
        """Those by which lists name what keys may do."""
        return self.list_all()

    def find(self, name: str) -> dict[str, Any] | None:
        return next((one for one in self.list_all() if one["name"] == name), None)

    def save(self, name: str, label: str, description: str, scopes: list[str]) -> dict[str, Any]:
        self._deps.do_sync(keys.save_preset, Preset(name, label, description, tuple(scopes)))
        return self._deps.read_sync(_read_facts, name)

    def choose_default(self, name: str) -> dict[str, Any]:
        self._deps.do_sync(keys.choose_default_preset, name)
        return self._deps.read_sync(_read_facts, name)

    def get(self, name: str) -> dict[str, Any]:
        return self._deps.read_sync(_read_facts, name)

    def remove(self, name: str) -> None:
        self._deps.do_sync(keys.remove_preset, name)


def _list_facts(tx: "KeyTransaction") -> list[dict[str, Any]]:
    default = keys.get_default_preset(tx)
    return [keys.preset_facts(preset, default) for preset in keys.list_presets(tx).values()]


def _read_facts(tx: "KeyTransaction", name: str) -> dict[str, Any]:
    return keys.preset_facts(keys.get_preset(tx, name), keys.get_default_preset(tx))
