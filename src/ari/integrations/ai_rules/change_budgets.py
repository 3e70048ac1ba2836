"""Set, increase and reset the budgets of the instance and of its providers."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.integrations.ai_rules.bound_keys import require_may_loosen_budgets
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.replace_part import get_ai_rules, replace_part
from ari.keys.limits.budget_changes import increase_budget, loosens_budgets, replace_budgets, reset_budgets
from ari.keys.limits.budget_fields import describe_budget, parse_budgets
from ari.keys.limits.rules import NO_RULES, LimitRules

_MAX_PROVIDERS = 100
Given = Sequence[Mapping[str, Any]]


def get_budgets(tx: AiRulesTransaction) -> BudgetRules:
    """The budgets of the instance and of its providers."""
    return get_ai_rules(tx).budgets


def set_budgets(
    tx: AiRulesTransaction, instance: Given | None, providers: Mapping[str, Given] | None, known: Sequence[str]
) -> BudgetRules:
    """Replace the budgets of the instance, and those of all providers; ``None`` leaves them as they are.

    ``known`` are the providers that there are. Raises ``Invalid``, ``Forbidden`` and ``ReauthRequired``.
    """
    before, problems = get_budgets(tx), Problems(())
    after = before
    if instance is not None:
        parsed = problems.check((), parse_budgets, instance, "instance")
        after = replace(after, instance=replace_budgets(before.instance, parsed))
    if providers is not None:
        after = replace(after, providers=_parse_providers(problems, before, providers, known))
    problems.raise_found()
    return _save(tx, before, after)


def set_provider_budgets(tx: AiRulesTransaction, provider: str, given: Given, known: Sequence[str]) -> BudgetRules:
    """Replace the budgets of one provider. ``known`` and errors are those of ``set_budgets``."""
    others = get_budgets(tx).providers.items()
    present = {name: [describe_budget(one) for one in rules.budgets] for name, rules in others}
    return set_budgets(tx, None, {**present, provider: given}, known)


def increase_shared_budget(
    tx: AiRulesTransaction, provider: str | None, name: str, amount: Mapping[str, Any]
) -> BudgetRules:
    """Raise a budget of a provider, or of the instance, until its current period ends.

    Raises ``Invalid``, ``NotFound``, ``Conflict``, ``Forbidden`` and ``ReauthRequired``.
    """
    before = get_budgets(tx)
    rules = increase_budget(_get_rules(before, provider), name, amount, tx.now_ms)
    return _save(tx, before, _with_rules(before, provider, rules))


def reset_shared_budgets(tx: AiRulesTransaction, provider: str | None, names: Sequence[str] | None) -> BudgetRules:
    """Count budgets of a provider, or of the instance, from nothing; ``names`` ``None`` = all.

    Raises ``Invalid``, ``Conflict``, ``Forbidden`` and ``ReauthRequired``.
    """
    before = get_budgets(tx)
    return _save(tx, before, _with_rules(before, provider, reset_budgets(_get_rules(before, provider), names)))


def describe_budget_rules(rules: BudgetRules) -> dict[str, Any]:
    """The budgets as callers write them."""
    return {
        "instance": [describe_budget(one) for one in rules.instance.budgets],
        "providers": {name: [describe_budget(one) for one in own.budgets] for name, own in rules.providers.items()},
    }


def _parse_providers(
    problems: Problems, before: BudgetRules, given: Mapping[str, Given], known: Sequence[str]
) -> dict[str, LimitRules]:
    """A provider whose budgets are removed keeps its revision, so that its counter learns of it."""
    if len(given) > _MAX_PROVIDERS:
        problems.add(Problem("providers", f"Use at most {_MAX_PROVIDERS} providers."))
        return {}
    for name, wanted in given.items():
        is_left = name in before.providers and (not wanted or bool(before.providers[name].budgets))
        if name not in known and not is_left:
            problems.add(Problem(f"providers.{name[:40]}", "There is no such provider."))
    after = dict[str, LimitRules]()
    for name in sorted({*given, *before.providers}):
        parsed = problems.check((), parse_budgets, given.get(name, ()), f"providers.{name[:40]}")
        after[name] = replace_budgets(before.providers.get(name, NO_RULES), parsed)
    return after


def _get_rules(rules: BudgetRules, provider: str | None) -> LimitRules:
    if provider is None:
        return rules.instance
    if provider not in rules.providers:
        raise Invalid(Problem("provider", "This provider has no budgets."))
    return rules.providers[provider]


def _with_rules(rules: BudgetRules, provider: str | None, changed: LimitRules) -> BudgetRules:
    if provider is None:
        return replace(rules, instance=changed)
    return replace(rules, providers=rules.providers | {provider: changed})


def _save(tx: AiRulesTransaction, before: BudgetRules, after: BudgetRules) -> BudgetRules:
    if _loosens(before, after):
        require_may_loosen_budgets(tx)
    described = {"from": describe_budget_rules(before), "to": describe_budget_rules(after)}
    replace_part(tx, "budgets", after, described)
    return after


def _loosens(before: BudgetRules, after: BudgetRules) -> bool:
    return loosens_budgets(before.instance, after.instance) or any(
        loosens_budgets(rules, after.providers.get(name, NO_RULES)) for name, rules in before.providers.items()
    )
