"""Changes to rules. Each makes a new revision, which counters take over with the next request that has it."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from ari.base.errors import Conflict, Invalid, Problem
from ari.keys.limits.budget_changes import loosens_budgets
from ari.keys.limits.fields import MAX_UNITS, parse_credits
from ari.keys.limits.rule_facts import describe_rules
from ari.keys.limits.rules import Credits, Limit, LimitRules

MAX_GRANTED = 10**15 - 1
"""The largest integer of structured fields (RFC 9651), in which responses say what is left."""


def replace_limits(rules: LimitRules, limits: tuple[Limit, ...]) -> LimitRules:
    """These limits in place of all. A limit that keeps its name keeps its count."""
    revision = rules.revision + 1
    epochs = {limit.name: limit.epoch for limit in rules.limits}
    kept = tuple(replace(limit, epoch=epochs.get(limit.name, revision)) for limit in limits)
    return rules if kept == rules.limits else replace(rules, revision=revision, limits=kept)


def replace_credits(rules: LimitRules, given: Mapping[str, Any] | None, now_ms: int) -> LimitRules:
    """Credits with these fields; ``None`` removes them. An ``amount`` that is given is the new balance.

    Fields that are missing stay as they are. Raises ``Invalid``.
    """
    before, revision = rules.credits, rules.revision + 1
    after: Credits | None = None
    if given is not None:
        kept = {} if before is None else {"amount": min(before.granted, MAX_UNITS)}
        parsed = parse_credits(kept | dict(given), now_ms)
        is_new = before is None or "amount" in given
        refill = parsed.refill if before is None or "refill" in given else before.refill
        if before is not None and before.refill is not None and refill is not None:
            same = replace(refill, since_ms=before.refill.since_ms) == before.refill
            refill = before.refill if same else refill
        granted, epoch = (parsed.granted, revision) if is_new or before is None else (before.granted, before.epoch)
        after = Credits(granted, refill, epoch)
    return rules if after == before else replace(rules, revision=revision, credits=after)


def reset_limits(rules: LimitRules, names: Collection[str] | None) -> LimitRules:
    """The same limits, counted from nothing; ``names`` ``None`` = all. Raises ``Invalid`` for a name that is not there,
    and ``Conflict`` without any limit."""
    if not rules.limits:
        raise Conflict("conflict", "There are no limits to reset.")
    known = {limit.name for limit in rules.limits}
    if names is not None and not (names and known.issuperset(names)):
        raise Invalid(Problem("limits", "Use names of this key's limits."))
    revision = rules.revision + 1
    limits = tuple(
        replace(limit, epoch=revision) if names is None or limit.name in names else limit for limit in rules.limits
    )
    return replace(rules, revision=revision, limits=limits)


def add_credits(rules: LimitRules, amount: int) -> LimitRules:
    """The same credits with this amount more. Raises ``Invalid``, and ``Conflict`` without credits."""
    before = require_credits(rules)
    if type(amount) is not int or not 1 <= amount <= MAX_UNITS:
        raise Invalid(Problem("amount", f"Use a whole number from 1 to {MAX_UNITS}."))
    granted = before.granted + amount
    if granted > MAX_GRANTED:
        raise Invalid(Problem("amount", "The credits granted in all would be too many. Set a new balance instead."))
    return replace(rules, revision=rules.revision + 1, credits=replace(before, granted=granted))


def require_credits(rules: LimitRules) -> Credits:
    """The credits of these rules. Raises ``Conflict`` if there are none."""
    if rules.credits is None:
        raise Conflict("conflict", "There are no credits to add to. Set credits first.")
    return rules.credits


def list_changes(subject: str, before: LimitRules, after: LimitRules) -> list[tuple[str, dict[str, Any]]]:
    """The name and detail of one event each for limits, credits and budgets that differ.

    ``subject`` is what has them: ``key`` or ``consumer``.
    """
    old, new = describe_rules(before), describe_rules(after)
    happened: list[tuple[str, dict[str, Any]]] = []
    if old.get("limits") != new.get("limits"):
        happened.append((f"{subject}_limits_changed", {"from": old.get("limits", []), "to": new.get("limits", [])}))
    if before.credits != after.credits:
        happened.append((f"{subject}_credits_changed", {"from": old.get("credits"), "to": new.get("credits")}))
    if old.get("budgets") != new.get("budgets"):
        ends = {"from": old.get("budgets", []), "to": new.get("budgets", [])}
        happened.append((f"{subject}_budgets_changed", ends))
    return happened


def loosens(before: LimitRules, after: LimitRules) -> bool:
    """Whether the change may allow a request that was refused. In doubt, it does."""
    limits = {limit.name: limit for limit in after.limits}
    return (
        any(not _is_as_tight(limit, limits.get(limit.name)) for limit in before.limits)
        or (before.credits is not None and not _grants_no_more(before.credits, after.credits))
        or loosens_budgets(before, after)
    )


def _is_as_tight(before: Limit, after: Limit | None) -> bool:
    if after is None:
        return False
    return after.limit <= before.limit and (after.window_ms, after.epoch) == (before.window_ms, before.epoch)


def _grants_no_more(before: Credits, after: Credits | None) -> bool:
    if after is None or after.granted > before.granted or after.epoch != before.epoch:
        return False
    return after.refill is None or after.refill == before.refill
