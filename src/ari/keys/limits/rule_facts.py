"""The rules of an owner for events and for the API."""

from typing import Any

from ari.keys.limits.budget_fields import describe_budget
from ari.keys.limits.fields import describe_credits, describe_limit
from ari.keys.limits.rules import LimitRules


def describe_rules(rules: LimitRules) -> dict[str, Any]:
    """The rules that there are, for events."""
    found: dict[str, Any] = {}
    if rules.limits:
        found["limits"] = [describe_limit(limit) for limit in rules.limits]
    if rules.credits is not None:
        found["credits"] = describe_credits(rules.credits)
    if rules.budgets:
        found["budgets"] = [describe_budget(budget) for budget in rules.budgets]
    return found
