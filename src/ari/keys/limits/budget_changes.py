"""Changes to budgets. Each makes a new revision, which counters take over with the next request that has it."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.money import MAX_USD, MICROS_PER_USD
from ari.keys.limits.budget_fields import parse_increase
from ari.keys.limits.fields import MAX_UNITS, check_name
from ari.keys.limits.periods import find_period
from ari.keys.limits.rules import Budget, Increase, LimitRules

MAX_INCREASES = 20
_NO_PREFIX = "Leave out the prefix that says whose budget it is, as in team for instance:team."
_MAX_AMOUNT = {"money": MAX_USD * MICROS_PER_USD, "tokens": MAX_UNITS}


def replace_budgets(rules: LimitRules, budgets: tuple[Budget, ...]) -> LimitRules:
    """These budgets in place of all. One that keeps its name and unit keeps what was spent.

    It keeps its increases, too, if its period is the same.
    """
    revision = rules.revision + 1
    before = {budget.name: budget for budget in rules.budgets}
    kept = tuple(_keep(before.get(budget.name), budget, revision) for budget in budgets)
    return rules if kept == rules.budgets else replace(rules, revision=revision, budgets=kept)


def increase_budget(rules: LimitRules, name: str, given: Mapping[str, Any], now_ms: int) -> LimitRules:
    """The same budgets, of which one has this amount more until its current period ends.

    A rolling budget has it for the length of its window, a total for all time. 0 ends the increases that it has.
    Raises ``NotFound``, ``Invalid``, and ``Conflict`` for too many increases.
    """
    _check_names("name", [name])
    amount, unit = parse_increase(given)
    budget = next((one for one in rules.budgets if one.name == name), None)
    if budget is None:
        known_names = ", ".join(one.name for one in rules.budgets)
        raise NotFound(f"There is no budget with this name.{f' Use one of: {known_names}.' if known_names else ''}")
    if unit != budget.unit:
        field = "amount_usd" if budget.unit == "money" else "amount_tokens"
        raise Invalid(Problem(field, f"This budget needs {field}."))
    added = (*_list_current(budget, now_ms), Increase(amount, _find_end(budget, now_ms)))
    increases = added if amount else ()
    if len(increases) > MAX_INCREASES:
        raise Conflict("conflict", "This budget was increased too often in this period. Change its amount instead.")
    if budget.amount + sum(one.amount for one in increases) > _MAX_AMOUNT[unit]:
        raise Invalid(Problem("amount_usd" if unit == "money" else "amount_tokens", "The budget would be too large."))
    changed = replace(budget, increases=increases)
    budgets = tuple(changed if one is budget else one for one in rules.budgets)
    return replace(rules, revision=rules.revision + 1, budgets=budgets)


def reset_budgets(rules: LimitRules, names: Collection[str] | None) -> LimitRules:
    """The same budgets, counted from nothing; ``names`` ``None`` = all. Raises ``Invalid`` for a name that is not
    there, and ``Conflict`` without any budget."""
    _check_names("budgets", names or ())
    if not rules.budgets:
        raise Conflict("conflict", "There are no budgets to reset.")
    known = {budget.name for budget in rules.budgets}
    if names is not None and not (names and known.issuperset(names)):
        raise Invalid(Problem("budgets", f"Use names of budgets that exist: {', '.join(sorted(known))}."))
    revision = rules.revision + 1
    budgets = tuple(
        replace(one, epoch=revision) if names is None or one.name in names else one for one in rules.budgets
    )
    return replace(rules, revision=revision, budgets=budgets)


def loosens_budgets(before: LimitRules, after: LimitRules) -> bool:
    """Whether the change may allow an AI request that was refused. In doubt, it does."""
    budgets = {budget.name: budget for budget in after.budgets}
    return any(not _is_as_tight(budget, budgets.get(budget.name)) for budget in before.budgets)


def _check_names(field: str, names: Collection[str]) -> None:
    """Raises ``Invalid`` for the field if one can't be the name of a budget."""
    for name in names:
        if ":" in name:
            raise Invalid(Problem(field, _NO_PREFIX))
        if found := check_name(name, (), "budget"):
            raise Invalid(*(Problem(field, sentence) for _, sentence in found))


def _keep(before: Budget | None, after: Budget, revision: int) -> Budget:
    if before is None or before.unit != after.unit:
        return replace(after, epoch=revision)
    is_same = _get_period(before) == _get_period(after)
    return replace(after, epoch=before.epoch, increases=before.increases if is_same else ())


def _list_current(budget: Budget, now_ms: int) -> tuple[Increase, ...]:
    return tuple(one for one in budget.increases if one.ends_ms is None or now_ms < one.ends_ms)


def _find_end(budget: Budget, now_ms: int) -> int | None:
    if budget.period == "rolling":
        return now_ms + budget.window_ms
    return find_period(budget, now_ms).ends_ms


def _is_as_tight(before: Budget, after: Budget | None) -> bool:
    if after is None or (before.is_hard and not after.is_hard) or after.epoch != before.epoch:
        return False
    same = (after.unit, _get_period(after)) == (before.unit, _get_period(before))
    return same and after.amount <= before.amount and set(after.increases) <= set(before.increases)


def _get_period(budget: Budget) -> tuple[str, int, str]:
    return budget.period, budget.window_ms, budget.time_zone
