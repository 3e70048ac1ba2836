"""Make an instance have what a configuration says, in one transaction; a second time it changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from ari.base.errors import Conflict, Invalid, Problem
from ari.keys.commands.presets import choose_default_preset, list_presets, remove_preset, save_preset
from ari.keys.commands.scopes import declare_scope, describe_scope, list_keys_losing, remove_scope
from ari.keys.configuration import Configuration
from ari.keys.ports import KeyTransaction
from ari.keys.presets import PRESETS

Action = Literal["add", "change", "remove"]
SIGNS: dict[Action, str] = {"add": "+", "change": "~", "remove": "-"}


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """One change: to a ``kind`` such as scope, with this ``name``. ``key_count`` keys lose a removed scope."""

    action: Action
    kind: str
    name: str
    key_count: int = 0


def change_facts(change: AppliedChange) -> dict[str, Any]:
    """The JSON of a change, the same at every door."""
    return {"action": change.action, "kind": change.kind, "name": change.name, "key_count": change.key_count}


class Rehearsed(Exception):
    """Ends a rehearsal, so that nothing is written; ``changes`` are those that it made."""

    def __init__(self, changes: list[AppliedChange]) -> None:
        super().__init__(f"{len(changes)} changes")
        self.changes = changes


def apply(tx: KeyTransaction, wanted: Configuration, prune: bool = False, force: bool = False) -> list[AppliedChange]:
    """Add and change what the configuration says; ``prune`` also removes what its sections lack.

    Pruning a scope that keys hold needs ``force``. Raises ``Invalid`` with the path of the entry, ``Conflict``,
    ``Forbidden`` and ``ReauthRequired``; then nothing is changed.
    """
    changes = [*_apply_scopes(tx, wanted), *_apply_presets(tx, wanted)]
    if prune and wanted.presets is not None:
        changes += _prune_presets(tx, set(wanted.presets))
    if prune and wanted.scopes is not None:
        changes += _prune_scopes(tx, set(wanted.scopes), force)
    return changes


def rehearse(tx: KeyTransaction, wanted: Configuration, prune: bool = False) -> NoReturn:
    """Do the same as ``apply``, then raise ``Rehearsed`` with the changes: a plan that holds all its rules."""
    raise Rehearsed(apply(tx, wanted, prune, force=True))


def _apply_scopes(tx: KeyTransaction, wanted: Configuration) -> Iterator[AppliedChange]:
    for name, description in sorted((wanted.scopes or {}).items()):
        before = tx.scopes.get(name)
        with _located(f"scopes.{name}"):
            if before is None:
                yield AppliedChange("add", "scope", declare_scope(tx, name, description).name)
            elif describe_scope(tx, name, description) != before:
                yield AppliedChange("change", "scope", name)


def _apply_presets(tx: KeyTransaction, wanted: Configuration) -> Iterator[AppliedChange]:
    for name, preset in (wanted.presets or {}).items():
        before = list_presets(tx).get(name)
        with _located(f"presets.{name}"):
            if save_preset(tx, preset) != before:
                yield AppliedChange("add" if before is None else "change", "preset", name)
    if wanted.default_preset is not None and wanted.default_preset != tx.presets.get_default():
        if wanted.default_preset not in list_presets(tx):
            raise Invalid(Problem("default_preset", "No such preset."))
        choose_default_preset(tx, wanted.default_preset)
        yield AppliedChange("change", "default preset", wanted.default_preset)


def _prune_presets(tx: KeyTransaction, kept: set[str]) -> Iterator[AppliedChange]:
    for preset in tx.presets.all():
        if preset.name not in kept:
            remove_preset(tx, preset.name)
            yield AppliedChange("change" if preset.name in PRESETS else "remove", "preset", preset.name)


def _prune_scopes(tx: KeyTransaction, kept: set[str], force: bool) -> Iterator[AppliedChange]:
    for name in sorted(tx.scopes.names() - kept):
        holders = list_keys_losing(tx, name)
        try:
            remove_scope(tx, name, force)
        except Conflict as error:
            raise Conflict(error.code, f"{name}: {error}") from None
        yield AppliedChange("remove", "scope", name, len(holders))


@contextmanager
def _located(place: str) -> Iterator[None]:
    """Add the path of the entry to the locations of ``Invalid``."""
    try:
        yield
    except Invalid as error:
        raise Invalid(*(Problem(f"{place}.{one.location}", one.message) for one in error.problems)) from None
