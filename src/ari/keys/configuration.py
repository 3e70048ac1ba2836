"""The contents of a configuration file: what an instance should have. ``commands.apply`` makes it so.

::

    default_preset = "orders-reader"

    [scopes]
    "orders:read" = "List orders and read their details."

    [presets.orders-reader]
    label = "Orders reader"
    description = "Can read orders and nothing else."
    scopes = ["orders:read"]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.keys.custom_scopes import MAX_CUSTOM_SCOPES
from ari.keys.presets import MAX_PRESETS, Preset

_PRESET_FIELDS = ("label", "description", "scopes")
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Configuration:
    """Sections that a file doesn't have are ``None`` and stay as they are, whatever else is pruned."""

    scopes: Mapping[str, str] | None = None
    presets: Mapping[str, Preset] | None = None
    default_preset: str | None = None


def parse_configuration(content: object) -> Configuration:
    """The configuration in a parsed file. Raises ``Invalid``, each location a path such as ``presets.shop.label``.

    Names and texts are checked when they are applied, by the commands.
    """
    sections = _parse_table("", content, len(_SECTIONS))
    for name in sections:
        if name not in _SECTIONS:
            raise Invalid(Problem(_shorten(name), f"Unknown section. Known are {', '.join(_SECTIONS)}."))
    return Configuration(**{name: _SECTIONS[name](value) for name, value in sections.items()})


def _parse_scopes(value: object) -> dict[str, str]:
    table = _parse_table("scopes", value, MAX_CUSTOM_SCOPES)
    return {name.strip(): _parse_text(f"scopes.{_shorten(name)}", text) for name, text in table.items()}


def _parse_presets(value: object) -> dict[str, Preset]:
    table = _parse_table("presets", value, MAX_PRESETS)
    return {name: _parse_preset(name, fields) for name, fields in table.items()}


def _parse_preset(name: str, value: object) -> Preset:
    place = f"presets.{_shorten(name)}"
    fields = _parse_table(place, value, len(_PRESET_FIELDS))
    for field in _PRESET_FIELDS:
        if field not in fields:
            raise Invalid(Problem(f"{place}.{field}", "This field is required."))
    for field in fields:
        if field not in _PRESET_FIELDS:
            raise Invalid(Problem(f"{place}.{_shorten(field)}", "Unknown field."))
    label, description = (_parse_text(f"{place}.{field}", fields[field]) for field in ("label", "description"))
    scopes = fields["scopes"]
    if not isinstance(scopes, list):
        raise Invalid(Problem(f"{place}.scopes", "Must be a list."))
    texts = (_parse_text(f"{place}.scopes.{number}", scope) for number, scope in enumerate(scopes))
    return Preset(name, label, description, tuple(texts))


def _parse_default(value: object) -> str:
    return _parse_text("default_preset", value)


def _parse_table(place: str, value: object, most: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(Problem(place or "file", "Must be a table (an object in JSON)."))
    if len(value) > most and place:
        raise Invalid(Problem(place, f"At most {most} entries."))
    return value


def _parse_text(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(Problem(place, "Must be a string."))
    return value


def _shorten(name: str) -> str:
    return name[:_MAX_SHOWN]


_SECTIONS: dict[str, Callable[[object], Any]] = {
    "scopes": _parse_scopes,
    "presets": _parse_presets,
    "default_preset": _parse_default,
}
