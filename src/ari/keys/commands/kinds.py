"""Add, change and remove kinds of keys. A kind's prefix stays: its keys have it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec

from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.problems import Problems
from ari.base.transaction import record
from ari.keys import granting, scopes
from ari.keys.assignment_checks import get_calling_key, require_environment
from ari.keys.commands.presets import get_default_preset
from ari.keys.kinds import (
    MAX_KINDS,
    Kind,
    KindDefaults,
    check_defaults,
    describe_defaults,
    kind_facts,
    parse_kind_description,
    parse_kind_name,
    parse_prefix,
)
from ari.keys.limits.budget_fields import parse_budgets
from ari.keys.limits.changes import loosens, replace_credits
from ari.keys.limits.fields import parse_limits
from ari.keys.limits.rules import NO_RULES, Credits
from ari.keys.model_rules import NO_MODEL_RULES, parse_model_rules
from ari.keys.ownership import parse_environment
from ari.keys.ports import KeyTransaction
from ari.keys.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class KindChange:
    """New values of a kind; ``UNSET`` leaves a field as it is, and ``None`` removes a default.

    ``limits`` and ``credits`` are as in ``limits.fields``, ``budgets`` as in ``limits.budget_fields`` and ``models`` as
    in ``model_rules``. Empty ones are as ``None``, and fields of ``credits`` that are missing stay as they are.
    """

    description: str | Unset = UNSET
    expires: str | Unset | None = UNSET
    max_lifetime_days: int | Unset | None = UNSET
    scopes: tuple[str, ...] | Unset | None = UNSET
    environment: str | Unset | None = UNSET
    leak_action: str | Unset | None = UNSET
    limits: Sequence[Mapping[str, Any]] | Unset | None = UNSET
    credits: Mapping[str, Any] | Unset | None = UNSET
    budgets: Sequence[Mapping[str, Any]] | Unset | None = UNSET
    models: Mapping[str, Sequence[str]] | Unset | None = UNSET


def list_kinds(tx: KeyTransaction) -> list[Kind]:
    """Every kind, by name."""
    return tx.kinds.all()


def get_kind(tx: KeyTransaction, name: str) -> Kind:
    """The kind with this name. Raises ``NotFound``."""
    kind = tx.kinds.get(name)
    if kind is None:
        raise NotFound("No such kind of keys.")
    return kind


def read_kinds_facts(tx: KeyTransaction) -> list[dict[str, Any]]:
    """The JSON of every kind, by name."""
    counts = tx.kinds.count_by_kind()
    return [kind_facts(kind, counts.get(kind.name, 0)) for kind in tx.kinds.all()]


def read_kind_facts(tx: KeyTransaction, name: str) -> dict[str, Any]:
    """The JSON of one kind. Raises ``NotFound``."""
    return kind_facts(get_kind(tx, name), tx.kinds.count_keys(name))


def require_kind(tx: KeyTransaction, name: str | None) -> Kind | None:
    """The kind that a new key is to have, ``None`` for the built-in one. Raises ``Invalid`` if it doesn't exist."""
    kind = None if name is None else tx.kinds.get(name)
    if name is not None and kind is None:
        raise Invalid(Problem("kind", "No such kind of keys. See GET /api/kinds or ari kinds list."))
    return kind


def add_kind(tx: KeyTransaction, name: str, prefix: str, defaults: KindChange, found: Iterable[Problem] = ()) -> Kind:
    """Add a kind.

    Raises ``Invalid`` with the problems of all fields and those that the caller has ``found`` already,
    ``Conflict("kind_exists")``, ``ReauthRequired``, and ``Forbidden`` if the caller lacks a scope of its new keys, is a
    test key and they aren't, or has limits and loosens theirs.
    """
    problems = Problems(found)
    parsed = problems.check("", parse_kind_name, name), problems.check("", parse_prefix, prefix)
    kind = _apply(tx, Kind(*parsed, "", KindDefaults(), tx.now_ms, tx.caller.actor), defaults, problems)
    _require_change(tx, None, kind)
    kinds = tx.kinds.all()
    if any(kind.name == one.name or kind.prefix == one.prefix for one in kinds):
        raise Conflict("kind_exists", "There is a kind with this name or prefix.")
    if len(kinds) >= MAX_KINDS:
        raise Invalid(Problem("name", f"There can be at most {MAX_KINDS} kinds."))
    tx.caller.require_confirmed(tx.now_ms)
    tx.kinds.save(kind)
    record(tx, "kind_added", kind.name, {"prefix": kind.prefix} | _list_given(kind))
    return kind


def change_kind(tx: KeyTransaction, name: str, wanted: KindChange, found: Iterable[Problem] = ()) -> Kind:
    """Change a kind's description and defaults; existing keys stay as they are. Raises as ``add_kind``."""
    before = get_kind(tx, name)
    kind = _apply(tx, before, wanted, Problems(found))
    if kind != before:
        _require_change(tx, before, kind)
        tx.caller.require_confirmed(tx.now_ms)
        tx.kinds.save(kind)
        record(tx, "kind_changed", name, {"from": _describe(before), "to": _describe(kind)})
    return kind


def remove_kind(tx: KeyTransaction, name: str) -> None:
    """Remove a kind. Raises ``NotFound``, ``Forbidden``, and ``Conflict("kind_in_use")`` while keys have it."""
    kind = get_kind(tx, name)
    _require_change(tx, kind, None)
    in_use = explain_use(tx, name)
    if in_use:
        raise Conflict("kind_in_use", in_use)
    tx.kinds.remove(name)
    record(tx, "kind_removed", name, {"prefix": kind.prefix})


def explain_use(tx: KeyTransaction, name: str) -> str:
    """Why a kind can't be removed; empty if no key has it."""
    count = tx.kinds.count_keys(name)
    if not count:
        return ""
    keys = "1 key has" if count == 1 else f"{count:,} keys have"
    return f"{keys} this kind. Revoke and delete them first."


def _apply(tx: KeyTransaction, kind: Kind, wanted: KindChange, problems: Problems) -> Kind:
    """The kind with the new values. Raises ``Invalid`` with all problems."""
    if wanted.description is not UNSET:
        kind = replace(kind, description=problems.check("", parse_kind_description, wanted.description))
    names = [one.name for one in fields(wanted) if one.name != "description"]
    given: dict[str, Any] = {name: getattr(wanted, name) for name in names if getattr(wanted, name) is not UNSET}
    if given.get("scopes") is not None:
        given["scopes"] = problems.check((), scopes.parse_scopes, given["scopes"], tx.scopes.names())
    if given.get("environment") is not None:
        given["environment"] = problems.check("live", parse_environment, given["environment"])
    if "limits" in given:
        given["limits"] = problems.check((), parse_limits, given["limits"] or ()) or None
    if "credits" in given:
        given["credits"] = problems.check(None, _change_credits, kind.defaults, given["credits"])
    if "budgets" in given:
        given["budgets"] = problems.check((), parse_budgets, given["budgets"] or ()) or None
    if "models" in given:
        given["models"] = problems.check(NO_MODEL_RULES, parse_model_rules, given["models"]) or None
    defaults = problems.check(kind.defaults, check_defaults, msgspec.structs.replace(kind.defaults, **given))
    problems.raise_found()
    return replace(kind, defaults=defaults)


def _change_credits(defaults: KindDefaults, given: Mapping[str, Any] | None) -> Credits | None:
    """As those of a key, but without the time and revision at which a key's are set."""
    changed = replace_credits(defaults.rules, given, 0).credits
    return None if changed is None else msgspec.structs.replace(changed, epoch=0)


def _require_change(tx: KeyTransaction, before: Kind | None, after: Kind | None) -> None:
    """Both kinds must be within what the caller may give: other callers will create keys of them unread."""
    calling = get_calling_key(tx)
    for kind in (before, after):
        if kind is not None:
            listed = kind.defaults.scopes or get_default_preset(tx).scopes
            granting.require_within(tx.caller, listed, "A key can only change kinds within its own scopes.")
            require_environment(calling, kind.defaults.environment)
    if after is not None:
        granting.require_models_within(calling, after.defaults.models or NO_MODEL_RULES)
    old, new = (NO_RULES if kind is None else kind.defaults.rules for kind in (before, after))
    if loosens(old, new):
        granting.require_unlimited(calling)


def _describe(kind: Kind) -> dict[str, Any]:
    return {"description": kind.description} | _list_given(kind)


def _list_given(kind: Kind) -> dict[str, Any]:
    return {name: value for name, value in describe_defaults(kind.defaults).items() if value is not None}
