"""Presets: named lists of scopes for new keys. A key stores the scopes written out, never the preset's name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ari.base.errors import Invalid, Problem
from ari.keys.names import is_empty_text, parse_text
from ari.keys.scopes import AI_PROVIDERS

MAX_PRESETS = 50
LABEL_LENGTH = 60
PRESET_NAME_PATTERN = r"^[a-z][a-z0-9-]{0,38}$"
DEFAULT_PRESET = "standard"
"""The default of the API and the command line until the owner chooses one; the page suggests ``SUGGESTED_PRESET``."""
SUGGESTED_PRESET = "read-only"
AI_GATEWAY = "ai-gateway"

_NAME = re.compile(PRESET_NAME_PATTERN[1:-1], re.ASCII)
_RESERVED = ("own", "same")
"""Words of the forms for a key's access."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named list of scopes. ``label`` and ``description`` are for people."""

    name: str
    label: str
    description: str
    scopes: tuple[str, ...]


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("standard", "API docs only", "Can read the API reference. No access to keys or usage.", ("api:read",)),
        Preset(
            "read-only",
            "Read only",
            "Can list keys, and read the usage log and the API reference. Can't change anything.",
            ("api:read", "keys:read", "usage:read"),
        ),
        Preset(
            AI_GATEWAY,
            "AI gateway",
            "Can call AI providers through ARI and nothing else. Provider keys stay on the server.",
            tuple(f"ai:{name}" for name in AI_PROVIDERS),
        ),
        Preset(
            "administrator",
            "Full access",
            "Everything, including creating and revoking keys. Treat it like your password.",
            ("*",),
        ),
    )
}
"""ARI's own, by name; one that the operator stores under the same name replaces it."""


def merge_presets(stored: Iterable[Preset]) -> dict[str, Preset]:
    """All presets by name: ARI's, some of them replaced, then the operator's."""
    return PRESETS | {preset.name: preset for preset in stored}


def find_label(scopes: tuple[str, ...], presets: Iterable[Preset] = PRESETS.values()) -> str:
    """The access for people: the label of the preset with exactly these scopes, or the scopes themselves."""
    for preset in presets:
        if set(preset.scopes) == set(scopes):
            return preset.label
    return ", ".join(scopes) or "No scopes"


def parse_preset_name(text: str) -> str:
    """A name for a preset. Raises ``Invalid``."""
    if _NAME.fullmatch(text) is None or text in _RESERVED:
        raise Invalid(
            Problem(
                "name", "Use up to 39 lowercase letters, digits and -, and begin with a letter, such as orders-reader."
            )
        )
    return text


def parse_label(text: str) -> str:
    """A label trimmed and in NFC. Raises ``Invalid``."""
    label = parse_text("label", text, LABEL_LENGTH)
    if is_empty_text(label):
        raise Invalid(Problem("label", "Enter a label, such as Orders reader."))
    return label
