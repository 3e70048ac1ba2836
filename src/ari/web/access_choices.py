"""The choices of the forms for a key's access: presets, and scopes one by one."""

from collections.abc import Mapping
from dataclasses import dataclass

from ari import keys
from ari.keys.ports import KeyTransaction
from ari.keys.presets import SUGGESTED_PRESET, Preset
from ari.keys.scopes import RESOURCES, SCOPES, is_of_gateway

OWN = "own"
"""The choice of scopes one by one; no preset has this name."""


@dataclass(frozen=True, slots=True)
class AccessChoices:
    """Presets by name, the suggested one first; declared scopes and ARI's own with their descriptions.

    The suggested preset is the default for new keys once the owner has chosen one.
    """

    presets: dict[str, Preset]
    suggested: str
    suggests_default: bool
    custom: dict[str, str]
    built_in: dict[str, str]

    def preset_name(self, scopes: tuple[str, ...]) -> str:
        """The preset with exactly these scopes, or ``OWN``."""
        return next((name for name, one in self.presets.items() if set(one.scopes) == set(scopes)), OWN)

    def scopes_of(self, access: str, ticked: list[str]) -> tuple[str, ...]:
        """The scopes of a submitted choice; the command validates them."""
        if access == OWN:
            return tuple(ticked)
        return self.presets[access].scopes if access in self.presets else ()

    def group(self, scopes: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """These scopes by resource, in their order."""
        groups: dict[str, dict[str, str]] = {}
        for name, meaning in scopes.items():
            groups.setdefault(name.partition(":")[0], {})[name] = meaning
        return groups


def read_access_choices(tx: KeyTransaction) -> AccessChoices:
    """The choices as they are now."""
    declared = tx.scopes.all()
    custom = {scope.name: scope.description for scope in declared if not is_of_gateway(scope.name)}
    upstreams = {scope.name: scope.description for scope in declared if is_of_gateway(scope.name)}
    resources = sorted({name.partition(":")[0] for name in custom})
    suggested = keys.get_default_preset(tx, SUGGESTED_PRESET)
    return AccessChoices(
        {suggested.name: suggested} | keys.list_presets(tx),
        suggested.name,
        suggested == keys.get_default_preset(tx),
        custom | _describe_wildcards(resources),
        SCOPES | upstreams | _describe_wildcards(sorted(RESOURCES)),
    )


def _describe_wildcards(resources: list[str]) -> dict[str, str]:
    return {f"{name}:*": f"Every scope that begins with {name}:, including future ones." for name in resources}
