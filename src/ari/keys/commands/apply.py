"""Make an instance have what a configuration says, in one transaction; a second time it changes nothing."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ari.base.errors import Conflict, Invalid, Problem
from ari.keys import granting
from ari.keys.commands.instance_policy import InstancePolicyChange, change_instance_policy
from ari.keys.commands.kinds import KindChange, add_kind, change_kind, remove_kind
from ari.keys.commands.presets import (
    choose_default_preset,
    list_presets,
    list_presets_with,
    remove_preset,
    save_preset,
)
from ari.keys.commands.scopes import (
    declare_scope,
    describe_scope,
    list_custom_names,
    list_keys_losing,
    list_texts_removed_with,
    remove_scope,
)
from ari.keys.configuration import POLICY_FIELDS, Configuration, DeclaredKind
from ari.keys.kinds import kind_facts
from ari.keys.ports import KeyTransaction
from ari.keys.presets import DEFAULT_PRESET, PRESETS, Preset

Action = Literal["add", "change", "remove"]
_NO_DEFAULTS: dict[str, Any] = {one.name: None for one in fields(KindChange)} | {"description": ""}
SIGNS: dict[Action, str] = {"add": "+", "change": "~", "remove": "-"}


@dataclass(frozen=True, slots=True)
class ChangedField:
    """One field of a changed object, with its values as text; JSON for lists and objects, ``None`` if it has none."""

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """One change: to a ``kind`` of object such as scope, with this ``name``. ``key_count`` keys lose a removed scope.

    ``needs_force``: keys or presets list the removed scope. ``fields`` are those that differ in an object that stays.
    """

    action: Action
    kind: str
    name: str
    key_count: int = 0
    needs_force: bool = False
    fields: tuple[ChangedField, ...] = ()


def change_facts(change: AppliedChange) -> dict[str, Any]:
    """The JSON of a change, the same at every door."""
    return asdict(change)


@contextmanager
def locate(place: str) -> Iterator[None]:
    """Add the path of the entry to the locations of ``Invalid``."""
    try:
        yield
    except Invalid as error:
        raise Invalid(*(Problem(f"{place}.{one.location}", one.message) for one in error.problems)) from None


def compare_entries(
    kind: str, before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[AppliedChange]:
    """One change for each name whose fields differ."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield make_change(kind, name, before.get(name), after.get(name))


def make_change(kind: str, name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> AppliedChange:
    """The change of an object from its old fields to its new ones; ``None`` if there was or is none."""
    if old is None or new is None:
        return AppliedChange("add" if old is None else "remove", kind, name)
    return AppliedChange("change", kind, name, fields=compare_fields(old, new))


def compare_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ChangedField, ...]:
    """The fields that differ."""
    return tuple(
        ChangedField(name, _write(old.get(name)), _write(new.get(name)))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )


def _write(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def apply(tx: KeyTransaction, wanted: Configuration, prune: bool = False, force: bool = False) -> list[AppliedChange]:
    """Add and change what the configuration says; ``prune`` also removes what its sections lack.

    Pruning a scope that keys or presets list needs ``force``. Presets lose it as well, and one that is left without a
    scope is removed; that is among the changes. A kind is declared as a whole: it loses defaults that its entry lacks.
    Raises ``Invalid`` with the path of the entry, also if the
    configuration needs what it prunes, ``Conflict``, ``Forbidden`` and ``ReauthRequired``; then nothing is changed.
    """
    if prune:
        _require_consistent(tx, wanted)
    presets, default = list_presets(tx), tx.presets.get_default()
    added = [*_apply_scopes(tx, wanted)]
    _apply_presets(tx, wanted)
    if prune and wanted.presets is not None:
        _prune_presets(tx, set(wanted.presets))
    kinds = [*_apply_kinds(tx, wanted.kinds, prune)] if wanted.kinds is not None else []
    rules = [*_apply_policy(tx, wanted.instance_policy)] if wanted.instance_policy is not None else []
    removed = [*_prune_scopes(tx, set(wanted.scopes), force)] if prune and wanted.scopes is not None else []
    changed = [*_compare_presets(presets, list_presets(tx)), *_compare_default(tx, default)]
    return [*added, *changed, *kinds, *rules, *removed]


def _apply_scopes(tx: KeyTransaction, wanted: Configuration) -> Iterator[AppliedChange]:
    for name, description in sorted((wanted.scopes or {}).items()):
        before = tx.scopes.get(name)
        with locate(f"scopes.{name}"):
            if before is None:
                yield AppliedChange("add", "scope", declare_scope(tx, name, description).name)
            elif (after := describe_scope(tx, name, description)) != before:
                yield make_change("scope", name, asdict(before), asdict(after))


def _apply_presets(tx: KeyTransaction, wanted: Configuration) -> None:
    for name, preset in (wanted.presets or {}).items():
        with locate(f"presets.{name}"):
            save_preset(tx, preset)
    if wanted.default_preset is not None and wanted.default_preset != tx.presets.get_default():
        if wanted.default_preset not in list_presets(tx):
            raise Invalid(Problem("default_preset", "No such preset."))
        choose_default_preset(tx, wanted.default_preset)


def _apply_policy(tx: KeyTransaction, wanted: Mapping[str, int | None]) -> Iterator[AppliedChange]:
    before = tx.instance_policy.get()
    with locate("instance_policy"):
        after = change_instance_policy(tx, InstancePolicyChange(**wanted))
    for name in POLICY_FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            values = [None if value is None else {"value": value} for value in (old, new)]
            yield make_change("rule", name, *values)


def _apply_kinds(tx: KeyTransaction, wanted: Mapping[str, DeclaredKind], prune: bool) -> Iterator[AppliedChange]:
    """Add, change and, with ``prune``, remove kinds. A kind that keys have can't be removed."""
    granting.require_within(tx.caller, ("kinds:write",), "A key needs the scope kinds:write to change kinds of keys.")
    for kind in tx.kinds.all():
        if prune and kind.name not in wanted:
            try:
                remove_kind(tx, kind.name)
            except Conflict as error:
                raise Conflict(error.code, f"{kind.name}: {error}") from None
            yield AppliedChange("remove", "kind", kind.name)
    for name, declared in wanted.items():
        before = tx.kinds.get(name)
        with locate(f"kinds.{name}"):
            if before is None:
                add_kind(tx, name, declared.prefix, KindChange(**declared.defaults))
                yield AppliedChange("add", "kind", name)
            elif declared.prefix != before.prefix:
                raise Invalid(Problem("prefix", f"The prefix can't be changed; it is {before.prefix}."))
            elif (after := change_kind(tx, name, KindChange(**{**_NO_DEFAULTS, **declared.defaults}))) != before:
                yield make_change("kind", name, kind_facts(before, 0), kind_facts(after, 0))


def _prune_presets(tx: KeyTransaction, kept: set[str]) -> None:
    for preset in tx.presets.all():
        if preset.name not in kept:
            remove_preset(tx, preset.name)


def _prune_scopes(tx: KeyTransaction, kept: set[str], force: bool) -> Iterator[AppliedChange]:
    for name in sorted(list_custom_names(tx) - kept):
        holders = list_keys_losing(tx, name)
        is_listed = bool(holders or list_presets_with(tx, set(list_texts_removed_with(tx, name))))
        try:
            remove_scope(tx, name, force)
        except Conflict as error:
            raise Conflict(error.code, f"{name}: {error}") from None
        yield AppliedChange("remove", "scope", name, len(holders), is_listed)


def _compare_presets(before: Mapping[str, Preset], after: Mapping[str, Preset]) -> Iterator[AppliedChange]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            facts = [None if one is None else asdict(one) for one in (before.get(name), after.get(name))]
            yield make_change("preset", name, *facts)


def _compare_default(tx: KeyTransaction, before: str | None) -> Iterator[AppliedChange]:
    after = tx.presets.get_default()
    if after != before:
        named = [{"name": name or DEFAULT_PRESET} for name in (before, after)]
        yield make_change("default preset", after or DEFAULT_PRESET, *named)


def _require_consistent(tx: KeyTransaction, wanted: Configuration) -> None:
    """Raise ``Invalid`` if pruning would remove what the configuration itself names: it could not be applied again."""
    gone = _find_pruned_texts(tx, wanted.scopes) if wanted.scopes is not None else set()
    listed = {f"presets.{name}": preset.scopes for name, preset in (wanted.presets or {}).items()}
    listed |= {f"kinds.{name}": kind.defaults.get("scopes") or () for name, kind in (wanted.kinds or {}).items()}
    for place, scopes in listed.items():
        lost = sorted(gone.intersection(scopes))
        if lost:
            raise Invalid(Problem(f"{place}.scopes", f"Pruning removes {lost[0]}. Add it to scopes, too."))
    default = list_presets(tx).get(wanted.default_preset or "")
    if default is None or default.name in PRESETS or default.name in (wanted.presets or {}):
        return
    if wanted.presets is not None or gone.issuperset(default.scopes):
        raise Invalid(Problem("default_preset", "Pruning removes this preset. Add it to presets, or choose another."))


def _find_pruned_texts(tx: KeyTransaction, kept: Mapping[str, str]) -> set[str]:
    """The declared scopes that aren't kept, and the wildcards of resources that keep none."""
    pruned, resources = list_custom_names(tx) - set(kept), {name.partition(":")[0] for name in kept}
    return pruned | {f"{name.partition(':')[0]}:*" for name in pruned if name.partition(":")[0] not in resources}
