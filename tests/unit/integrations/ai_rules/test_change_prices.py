"""Prices are replaced as a whole, but not by an API key whose own budgets they would loosen."""

import pytest

from ari.base.caller import Caller
from ari.base.errors import Forbidden
from ari.base.events import Origin
from ari.integrations.ai_rules.change_budgets import set_budgets
from ari.integrations.ai_rules.change_prices import set_prices
from ari.keys.limits.rules import Budget, LimitRules
from ari.keys.model import ApiKey
from ari.keys.policy import Policy
from tests.unit.integrations.memory import MemoryIntegrationTransaction

FREE = {"discounts": [{"model": "*/*", "percent": "100"}]}
BUDGET = {"amount_usd": "1", "period": "day"}


def _call(tx: MemoryIntegrationTransaction, *scopes: str, has_budgets: bool = False) -> MemoryIntegrationTransaction:
    policy = Policy(limits=LimitRules(1, budgets=(Budget("all", 1),) if has_budgets else ()))
    key = ApiKey("key_a", "A", "ari_k_…", ("integrations:write", *scopes), 0, "usr_1", policy=policy)
    tx.keys.made["usr_1"] = [key]
    return tx.by(Caller(key.id, Origin("api"), key.scopes))


@pytest.mark.parametrize("scope", ["*", "ai:*", "ai:openai", "ai-account:openai"])
@pytest.mark.parametrize("given", [FREE, {"prices": [{"model": "openai/*", "input_usd": "0", "output_usd": "0"}]}])
def test_a_key_that_budgets_bind_cant_change_prices(
    tx: MemoryIntegrationTransaction, scope: str, given: dict[str, object]
) -> None:
    """Its own budgets, or those of the instance or of a provider."""
    before = set_prices(tx, {"prices": [{"model": "openai/*", "input_usd": "9", "output_usd": "9"}]})
    with pytest.raises(Forbidden):
        set_prices(_call(tx, scope, has_budgets=True), given)
    set_budgets(tx, None, {"groq": [BUDGET]}, ["groq"])
    with pytest.raises(Forbidden):
        set_prices(_call(tx, scope), given)
    set_budgets(tx, [BUDGET], {}, ["groq"])
    with pytest.raises(Forbidden):
        set_prices(_call(tx, scope), {})
    assert tx.ai_rules.get().prices == before


@pytest.mark.parametrize(("scope", "has_budgets"), [("keys:write", True), ("keys:write", False), ("ai:openai", False)])
def test_other_keys_may(tx: MemoryIntegrationTransaction, scope: str, has_budgets: bool) -> None:
    """One that can't use AI, and one that no budget binds."""
    assert set_prices(_call(tx, scope, has_budgets=has_budgets), FREE).discounts
