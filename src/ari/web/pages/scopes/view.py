"""Read what the page and the forms about scopes and presets show."""

import hashlib
from dataclasses import dataclass
from typing import Any

from ari import keys
from ari.base.errors import NotFound
from ari.keys import ScopeFacts
from ari.keys.commands.presets import list_presets_with
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.presets import Preset
from ari.keys.scopes import SCOPES

MAX_LISTED = 200
"""The keys that a list shows at most."""


@dataclass(frozen=True, slots=True)
class ScopesOverview:
    """All scopes and presets; ``presets`` are as in the API. ``is_chosen``: the default was chosen by the owner."""

    custom: list[ScopeFacts]
    built_in: list[ScopeFacts]
    presets: list[dict[str, Any]]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ScopeRemoval:
    """A scope, and the keys and presets that would lose it; ``mark`` identifies exactly these."""

    name: str
    holders: list[ApiKey]
    presets: list[Preset]

    @property
    def mark(self) -> str:
        lines = sorted([key.id for key in self.holders] + [preset.name for preset in self.presets])
        return hashlib.sha256(" ".join(lines).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ScopeHolders:
    """The active keys that hold a scope, and how many there are."""

    scope: ScopeFacts
    listed: list[ApiKey]


def read_overview(tx: KeyTransaction) -> ScopesOverview:
    """Everything on the page."""
    scopes, default = keys.list_scopes(tx), keys.get_default_preset(tx)
    presets = [keys.preset_facts(preset, default) for preset in keys.list_presets(tx).values()]
    custom = [scope for scope in scopes if not scope.is_built_in]
    built_in = [scope for scope in scopes if scope.is_built_in]
    return ScopesOverview(custom, built_in, presets, tx.presets.get_default() is not None)


def read_removal(tx: KeyTransaction, name: str) -> ScopeRemoval:
    """What removing the scope would change. Raises ``NotFound``."""
    if name in SCOPES:
        raise NotFound("ARI's own scopes can't be removed.")
    losing = keys.list_texts_removed_with(tx, name)
    return ScopeRemoval(name, keys.list_keys_losing(tx, name), list_presets_with(tx, set(losing)))


def remove_as_shown(tx: KeyTransaction, name: str, mark: str) -> bool:
    """Remove the scope if the same keys and presets would lose it as were shown; whether that was so."""
    if read_removal(tx, name).mark != mark:
        return False
    keys.remove_scope(tx, name, force=True)
    return True


def read_holders(tx: KeyTransaction, name: str) -> ScopeHolders:
    """The keys with a scope. Raises ``NotFound``."""
    return ScopeHolders(keys.read_scope(tx, name), keys.list_keys_with_scope(tx, name, None, MAX_LISTED))
