"""The budgets of the instance in the data directory and of its providers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.change_budgets import (
    get_budgets,
    increase_shared_budget,
    reset_shared_budgets,
    set_budgets,
    set_provider_budgets,
)
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.integrations.upstreams import list_providers
from ari.prices.budget_facts import describe_shared_budgets
from ari.prices.unpriced import read_unpriced_use

if TYPE_CHECKING:
    from ari.deps import Deps


class LocalBudgets:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def get(self) -> dict[str, Any]:
        return self._describe(self._deps.read_sync(get_budgets))

    def replace(self, provider: str | None, budgets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Replace the budgets of the provider, or of the instance for ``None``."""
        known = [one.name for one in self._deps.read_sync(list_providers) if one.is_ai]
        if provider is None:
            return self._describe(self._deps.do_sync(set_budgets, budgets, None, known))
        return self._describe(self._deps.do_sync(set_provider_budgets, provider, budgets, known))

    def increase(self, provider: str | None, name: str, amount: Mapping[str, Any]) -> dict[str, Any]:
        return self._describe(self._deps.do_sync(increase_shared_budget, provider, name, amount))

    def reset(self, provider: str | None, names: Sequence[str] | None) -> dict[str, Any]:
        return self._describe(self._deps.do_sync(reset_shared_budgets, provider, names))

    def _describe(self, rules: BudgetRules) -> dict[str, Any]:
        instance = self._deps.instance
        states = instance.usage_records.read_budgets(rules.list_all())
        prices = self._deps.read_sync(get_ai_rules).prices
        unpriced = read_unpriced_use(instance.reports, prices, instance.settings.ai_unknown_price, instance.now_ms())
        return describe_shared_budgets(rules, states, unpriced)
