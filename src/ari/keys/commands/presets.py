"""Create, change, reset and remove presets, and choose the default for new keys.

A preset decides what keys of other people will be able to do, so a caller changes only presets within its own scopes.
"""

from dataclasses import replace
from typing import Any

from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.problems import Problems
from ari.base.transaction import record
from ari.keys import granting, scopes
from ari.keys.custom_scopes import parse_description
from ari.keys.ports import KeyTransaction
from ari.keys.presets import (
    DEFAULT_PRESET,
    MAX_PRESETS,
    PRESETS,
    Preset,
    merge_presets,
    parse_label,
    parse_preset_name,
)


def list_presets(tx: KeyTransaction) -> dict[str, Preset]:
    """All presets by name, ARI's first."""
    return merge_presets(tx.presets.all())


def preset_facts(preset: Preset, default: Preset) -> dict[str, Any]:
    """The JSON of a preset, the same at every door; ``default`` is the one for new keys."""
    return {
        "name": preset.name,
        "label": preset.label,
        "description": preset.description,
        "scopes": sorted(preset.scopes),
        "built_in": preset.name in PRESETS,
        "changed": preset.name in PRESETS and preset is not PRESETS[preset.name],
        "default": preset.name == default.name,
    }


def get_preset(tx: KeyTransaction, name: str) -> Preset:
    """The preset of this name. Raises ``NotFound``."""
    preset = list_presets(tx).get(name)
    if preset is None:
        raise NotFound("No such preset.")
    return preset


def get_default_preset(tx: KeyTransaction, otherwise: str = DEFAULT_PRESET) -> Preset:
    """The preset for new keys without scopes of their own: the chosen one, or ``otherwise``."""
    return get_preset(tx, tx.presets.get_default() or otherwise)


def save_preset(tx: KeyTransaction, wanted: Preset) -> Preset:
    """Create a preset or replace it, also one of ARI's own; the same one again changes nothing.

    Raises ``Invalid``, ``ReauthRequired`` for a preset that gains scopes, and ``Forbidden`` if the caller lacks a scope
    of the old or the new preset.
    """
    problems = Problems()
    name = problems.check("", parse_preset_name, wanted.name)
    label = problems.check("", parse_label, wanted.label)
    description = problems.check("", parse_description, wanted.description)
    listed = problems.check((), scopes.parse_scopes, wanted.scopes, tx.scopes.names())
    problems.raise_found()
    preset = Preset(name, label, description, listed)
    presets = list_presets(tx)
    before = presets.get(name)
    if before is not None and replace(before, scopes=tuple(sorted(before.scopes))) == preset:
        return before
    if before is None and len(presets) >= MAX_PRESETS:
        raise Invalid(Problem("name", f"At most {MAX_PRESETS} presets are possible."))
    _require_change(tx, before, preset)
    if name == tx.presets.get_default():
        _refuse_full_access(preset)
    tx.presets.save(preset)
    record(tx, "preset_saved", name, {"from": _describe(before), "to": _describe(preset)})
    return preset


def remove_preset(tx: KeyTransaction, name: str) -> None:
    """Remove a preset, or reset one of ARI's own that was changed. Keys keep their scopes.

    Raises ``NotFound``, ``Conflict``, ``ReauthRequired``, and ``Forbidden`` as ``save_preset`` does.
    """
    before, original = get_preset(tx, name), PRESETS.get(name)
    if before is original:
        raise Conflict("conflict", "ARI's own presets can't be removed, and this one was never changed.")
    if original is None and tx.presets.get_default() == name:
        raise Conflict("conflict", "This preset is the default for new keys. Choose another default first.")
    _require_change(tx, before, original)
    tx.presets.remove(name)
    record(tx, "preset_removed", name, {"from": _describe(before), "to": _describe(original)})


def choose_default_preset(tx: KeyTransaction, name: str) -> Preset:
    """Make a preset the default for new keys; the same one again changes nothing.

    Raises ``NotFound``, ``Conflict`` for full access, ``ReauthRequired``, and ``Forbidden`` if the caller lacks a scope
    of the preset.
    """
    preset, before = get_preset(tx, name), tx.presets.get_default()
    if before == name:
        return preset
    _require_change(tx, None, preset)
    _refuse_full_access(preset)
    tx.presets.set_default(name, tx.now_ms, tx.caller.actor)
    record(tx, "default_preset_changed", name, {"from": before or DEFAULT_PRESET, "to": name})
    return preset


def take_from_presets(tx: KeyTransaction, removed: set[str]) -> None:
    """Take scopes from every preset that lists one; a preset without any scope left goes, and is no default."""
    for preset in list_presets_with(tx, removed):
        kept = tuple(scope for scope in preset.scopes if scope not in removed)
        granting.require_within(tx.caller, preset.scopes, "A key can only change presets within its own scopes.")
        if kept:
            save_preset(tx, replace(preset, scopes=kept))
            continue
        if tx.presets.get_default() == preset.name and preset.name not in PRESETS:
            tx.presets.set_default(None, tx.now_ms, tx.caller.actor)
            record(tx, "default_preset_changed", DEFAULT_PRESET, {"from": preset.name, "to": DEFAULT_PRESET})
        remove_preset(tx, preset.name)


def list_presets_with(tx: KeyTransaction, texts: set[str]) -> list[Preset]:
    """The operator's presets that list one of these scopes."""
    return [preset for preset in tx.presets.all() if texts.intersection(preset.scopes)]


def _require_change(tx: KeyTransaction, before: Preset | None, after: Preset | None) -> None:
    old, new = before.scopes if before else (), after.scopes if after else ()
    granting.require_within(tx.caller, (*old, *new), "A key can only change presets within its own scopes.")
    if not scopes.holds_all(old, new):
        tx.caller.require_confirmed(tx.now_ms)


def _refuse_full_access(default: Preset) -> None:
    if "*" in default.scopes:
        raise Conflict("conflict", "The default can't be full access: every key created without scopes would get it.")


def _describe(preset: Preset | None) -> dict[str, object] | None:
    if preset is None:
        return None
    return {"label": preset.label, "description": preset.description, "scopes": list(preset.scopes)}
