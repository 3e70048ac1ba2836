"""Options for the rules of a key, a kind of keys or a consumer: limits, credits, budgets and AI models."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ari.base.problems import Problems
from ari.cli.key_budgets import choose_budgets, keep_time_zones
from ari.cli.key_limits import choose_credits, choose_limits, keep_refill
from ari.cli.model_args import choose_model_rules
from ari.keys import UNSET, Unset


class ChosenRules(NamedTuple):
    """The rules as commands take them; ``UNSET`` where no option was given, ``None`` for none."""

    limits: list[dict[str, Any]] | Unset
    credits: dict[str, Any] | Unset | None
    budgets: list[dict[str, Any]] | Unset
    models: dict[str, list[str]] | Unset | None


def choose_rules(
    problems: Problems,
    limit: Sequence[str] | None,
    balance: int | None,
    refill: str | None,
    refill_hour: int | None,
    time_zone: str | None,
    budget: Sequence[str] | None,
    allow_model: Sequence[str] | None,
    deny_model: Sequence[str] | None,
    *,
    no_credits: bool = False,
) -> ChosenRules:
    """The rules of the options. What is invalid is added to the problems and left out."""
    return ChosenRules(
        limits=problems.check(UNSET, choose_limits, limit),
        credits=problems.check(UNSET, choose_credits, balance, refill, refill_hour, time_zone, no_credits=no_credits),
        budgets=problems.check(UNSET, choose_budgets, budget, time_zone),
        models=choose_model_rules(allow_model, deny_model),
    )


def keep_present(rules: ChosenRules, read_owner: Callable[[], Mapping[str, Any]]) -> ChosenRules:
    """The same rules; budgets and a refill without a time zone, or an hour, have those of the present ones."""
    granted, budgets = rules.credits, rules.budgets
    if not isinstance(granted, Unset):
        granted = keep_refill(granted, lambda: read_owner()["credits"])
    if not isinstance(budgets, Unset):
        budgets = keep_time_zones(budgets, lambda: read_owner()["budgets"] or ())
    return rules._replace(credits=granted, budgets=budgets)
