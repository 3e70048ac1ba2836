"""The budgets of the instance and of its providers as JSON, the same at every door."""

from collections.abc import Sequence
from typing import Any

from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.change_budgets import describe_budget_rules
from ari.keys.limits.spending import BudgetState
from ari.prices.unpriced import UnpricedUse
from ari.usage.reports.facts import budget_facts


def describe_shared_budgets(rules: BudgetRules, states: Sequence[BudgetState], unpriced: UnpricedUse) -> dict[str, Any]:
    """The budgets, their use, and the models that hard ones in money refuse."""
    return describe_budget_rules(rules) | {
        "budget_use": [budget_facts(one) for one in states],
        "unpriced_models": list(unpriced.models),
        "refuses_unpriced": unpriced.are_refused,
    }
