"""Options for the rules of a key, a kind of keys or a consumer: limits, credits, budgets and AI models."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ari.base.problems import Problems
from ari.cli.key_budgets import choose_budgets
from ari.cli.key_limits import choose_credits, choose_limits
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
    refill_hour: int,
    time_zone: str,
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
