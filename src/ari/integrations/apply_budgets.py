"""Make an instance and its providers have the budgets that a configuration says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ari.base.errors import Invalid, Problem
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.change_budgets import get_budgets, set_budgets
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.upstreams import UpstreamTransaction, list_providers
from ari.keys import granting
from ari.keys.commands.apply import AppliedChange, compare_entries
from ari.keys.limits.budget_fields import describe_plain_budget, parse_budgets
from ari.keys.limits.charge import INSTANCE_PREFIX, PROVIDER_PREFIX
from ari.keys.limits.rules import Budget

_SCOPE = "integrations:write"
Given = Sequence[Mapping[str, Any]]
Named = Mapping[str, Mapping[str, Any]]
"""Budgets by name, as callers write them."""


class BudgetTransaction(AiRulesTransaction, UpstreamTransaction, Protocol):
    """One transaction over the rules, named upstreams and events."""


def apply_budgets(
    tx: BudgetTransaction, instance: Given | None, providers: Mapping[str, Given] | None, prune: bool
) -> Iterator[AppliedChange]:
    """Add and change these budgets; ``prune`` removes others of a section that is given.

    A budget that keeps its name and unit keeps what was used. Raises ``Invalid`` with the path of the entry,
    ``Forbidden``, ``ReauthRequired``.
    """
    granting.require_within(tx.caller, (_SCOPE,), f"A key needs the scope {_SCOPE} to change budgets.")
    before = get_budgets(tx)
    known = [one.name for one in list_providers(tx) if one.is_ai]
    try:
        after = set_budgets(tx, _merge_instance(before, instance, prune), _merge_all(before, providers, prune), known)
    except Invalid as error:
        raise Invalid(*(Problem(_locate(one.location), one.message) for one in error.problems)) from None
    yield from compare_entries("budget", _list_all(before), _list_all(after))


def _merge_instance(before: BudgetRules, wanted: Given | None, prune: bool) -> Given | None:
    if wanted is None:
        return None
    return _merge(before.instance.budgets, wanted, "instance_budgets", prune)


def _merge_all(before: BudgetRules, wanted: Mapping[str, Given] | None, prune: bool) -> Mapping[str, Given] | None:
    if wanted is None:
        return None
    kept = {} if prune else {name: [*_name(rules.budgets).values()] for name, rules in before.providers.items()}
    merged = dict[str, Given]()
    for name, given in wanted.items():
        rules = before.providers.get(name)
        budgets = () if rules is None else rules.budgets
        merged[name] = _merge(budgets, given, f"provider_budgets.{name[:100]}", prune)
    return kept | merged


def _merge(before: Sequence[Budget], wanted: Given, place: str, prune: bool) -> Given:
    """The budgets by name in the order of before. Raises ``Invalid`` for one that is wrong, at its place."""
    given = _name(parse_budgets(wanted, place))
    return [*(given if prune else _name(before) | given).values()]


def _name(budgets: Sequence[Budget]) -> dict[str, dict[str, Any]]:
    return {budget.name: describe_plain_budget(budget) for budget in budgets}


def _list_all(rules: BudgetRules) -> dict[str, Any]:
    """Every budget under its full name, such as ``provider:openai:monthly``."""
    found = {f"{INSTANCE_PREFIX}{name}": facts for name, facts in _name(rules.instance.budgets).items()}
    for provider, own in rules.providers.items():
        found |= {f"{PROVIDER_PREFIX}{provider}:{name}": facts for name, facts in _name(own.budgets).items()}
    return found


def _locate(location: str) -> str:
    """The place in the configuration: ``providers.openai`` is ``provider_budgets.openai``."""
    section, dot, rest = location.partition(".")
    return f"{ {'instance': 'instance_budgets', 'providers': 'provider_budgets'}.get(section, section) }{dot}{rest}"
