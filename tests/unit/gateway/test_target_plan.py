"""Each target of a request has the prices and budgets of its own provider, and one charge covers all of them."""

from types import SimpleNamespace
from typing import cast

import pytest

from ari.gateway.budget_plan import BudgetPlanner
from ari.gateway.costs import RequestPrices
from ari.gateway.model_aliases import AliasTarget
from ari.gateway.model_plan import ModelPlan
from ari.gateway.request_facts import RequestFacts
from ari.gateway.route import Target
from ari.gateway.target_plan import PlannedTarget, plan_targets, share_charge, skip_uncovered
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.providers import get_provider
from ari.keys.limits.charge import Decision
from ari.keys.limits.rules import NO_RULES, Budget, LimitRules
from ari.keys.model import ApiKey
from ari.prices.book import PriceBook

PATHS = {
    "openai": "/v1/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "openai_compatible": "/chat/completions",
}
CHEAP, DEAR, UNKNOWN = "openai/gpt-5-nano", "openai/gpt-5-pro", "groq/nobody-knows"


def plan(*targets: str, own: LimitRules = NO_RULES, budgets: BudgetRules | None = None) -> list[PlannedTarget]:
    """The plan for an alias with these targets, called with a key that has these budgets."""
    found = tuple(
        AliasTarget(Target(get_provider(name), PATHS[name]), model, b"{}")
        for name, _, model in (target.partition("/") for target in targets)
    )
    owners = cast("ApiKey", SimpleNamespace(id="key_1", spending_owners=()))
    if own:
        owners = cast("ApiKey", SimpleNamespace(id="key_1", spending_owners=(_owner(own),)))
    book = PriceBook()
    book.load()

    def make_prices(one: AliasTarget) -> RequestPrices:
        return RequestPrices(book, PriceRules(), one.target, "POST", 1_795_000_000_000, one.model)

    facts = RequestFacts(("fast",), True, 1_000, 4_000, 1, 1, False)
    plan = ModelPlan(facts, "fast", found)
    return plan_targets(BudgetPlanner("refuse", 600), owners, budgets or BudgetRules(), plan, make_prices)


def _owner(rules: LimitRules) -> object:
    return SimpleNamespace(id="key_1", rules=rules, prefix="")


def _rules(amount: int = 10**9) -> LimitRules:
    return LimitRules(1, budgets=(Budget("all", amount),))


def test_a_fallback_reserves_what_it_would_cost_itself() -> None:
    """Not what the first, cheaper target would cost."""
    charge, targets = share_charge(plan(CHEAP, DEAR, own=_rules()))
    assert charge is not None
    assert charge.estimate is not None
    assert charge.fallbacks[0].amounts.money > 50 * charge.estimate.amounts.money > 0
    assert all(one.budgets is not None and one.budgets.charge is charge for one in targets)


@pytest.mark.parametrize("order", [(CHEAP, UNKNOWN), (UNKNOWN, CHEAP)])
def test_a_model_without_a_price_is_skipped(order: tuple[str, str]) -> None:
    """Under a hard budget in money, wherever it is among the targets."""
    by_model = {one.target.model: one for one in plan(*order, own=_rules())}
    assert (by_model["nobody-knows"].skipped, by_model["gpt-5-nano"].skipped) == ("cost_unknown", None)
    assert by_model["nobody-knows"].fault is not None


@pytest.mark.parametrize("target", ["openrouter/openrouter/auto", "openai_compatible/gpt-5-nano,gpt-5-pro"])
def test_an_alias_hides_no_model_from_a_hard_budget(target: str) -> None:
    """The cost of a model that the provider chooses isn't known, whatever the price of the name."""
    [found] = plan(target, own=_rules())
    assert found.fault is not None
    assert (found.skipped, found.budgets) == ("cost_unknown", None)
    assert "choose another" in str(found.fault.detail) or "comma" in str(found.fault.detail)


def test_the_budget_of_another_provider_counts_too() -> None:
    """The first target's provider has none, so only the fallback reserves from it."""
    budgets = BudgetRules(providers={"groq": _rules()})
    charge, targets = share_charge(plan(CHEAP, "groq/llama-3.1-8b-instant", budgets=budgets))
    assert charge is not None
    assert [owner.id for owner in charge.owners] == ["provider:groq"]
    assert charge.estimate is not None
    assert (charge.estimate.uses("provider:groq"), charge.fallbacks[0].uses("provider:groq")) == (False, True)
    assert targets[0].budgets is not None


def test_targets_without_room_are_skipped_after_the_commit() -> None:
    """The others keep their order; a target that was skipped before keeps its reason."""
    charge, targets = share_charge(plan(CHEAP, UNKNOWN, DEAR, CHEAP + "-2025-08-07", own=_rules()))
    assert charge is not None
    for number, skipped in (
        (0, ["budget_exhausted", "cost_unknown", None, None]),
        (1, [None, "cost_unknown", "budget_exhausted", None]),
    ):
        charge.decision = Decision(None, {}, [], uncovered=frozenset((number,)))
        assert [one.skipped for one in skip_uncovered(charge, targets)] == skipped


def test_without_budgets_nothing_is_reserved() -> None:
    """The request has no charge, and all its targets may be called."""
    charge, targets = share_charge(plan(CHEAP, UNKNOWN))
    assert charge is None
    assert [(one.budgets, one.skipped) for one in skip_uncovered(charge, targets)] == [(None, None)] * 2
