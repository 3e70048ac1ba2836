"""The targets of one request with their prices and budgets: which is called first, and which may follow. No I/O.

A request reserves what any of its targets would cost: of each budget the highest amount, as far as there is room. A
target that could exceed a budget, or whose cost isn't known to a hard one, is skipped.
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from ari.gateway.budget_plan import BudgetPlan, BudgetPlanner, has_budgets
from ari.gateway.costs import RequestPrices
from ari.gateway.model_aliases import AliasTarget
from ari.gateway.model_plan import ModelPlan
from ari.gateway.request_facts import describe_alias_target
from ari.http.problem import Fault
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.keys.limits.charge import Charge, RuleOwner
from ari.keys.model import ApiKey


class PlannedTarget(msgspec.Struct, frozen=True, eq=False):
    """One target. ``fault`` says why it can't be used, and ``skipped`` is the code of the reason, for the log.

    ``budgets`` is ``None`` if no target of the request uses a budget.
    """

    target: AliasTarget
    prices: RequestPrices
    budgets: BudgetPlan | None = None
    fault: Fault | None = None
    skipped: str | None = None


def plan_targets(
    planner: BudgetPlanner,
    key: ApiKey | None,
    rules: BudgetRules,
    plan: ModelPlan,
    make_prices: Callable[[AliasTarget], RequestPrices],
) -> list[PlannedTarget]:
    """The targets of the plan, each with the budgets of its own provider."""
    found = [PlannedTarget(one, make_prices(one)) for one in plan.targets]
    if key is None:
        return found
    owners = [list_owners(key, rules, one) for one in plan.targets]
    if not any(map(has_budgets, owners)):
        return found
    for number, one in enumerate(found):
        facts, aim = plan.facts, one.target
        if plan.alias is not None:
            facts = describe_alias_target(facts, aim.target, aim.model)
        budgets = planner.plan(key.id, owners[number], one.prices, facts, plan.alias)
        if isinstance(budgets, Fault):
            found[number] = replace(one, fault=budgets, skipped=budgets.reason.code)
        elif budgets is not None:
            found[number] = PlannedTarget(one.target, one.prices, budgets)
    return found


def list_owners(key: ApiKey, rules: BudgetRules, target: AliasTarget) -> tuple[RuleOwner, ...]:
    """The owners of the budgets that a request to the target uses."""
    return (*key.spending_owners, *rules.list_owners(target.target.provider.name))


def share_charge(targets: Sequence[PlannedTarget]) -> tuple[Charge | None, list[PlannedTarget]]:
    """One charge for the first target and those that may follow it, and the same targets with it."""
    plans = [one.budgets for one in targets if one.budgets is not None]
    if len(targets) == 1 or not plans:
        return (plans[0].charge if plans else None), list(targets)
    owners = {owner.id: owner for plan in plans for owner in plan.charge.owners}
    first = targets[0].budgets
    charge = Charge(
        tuple(owners.values()),
        estimate=None if first is None else first.estimate,
        fallbacks=tuple(one.budgets.estimate for one in targets[1:] if one.budgets is not None),
    )
    shared = [
        one if one.budgets is None else replace(one, budgets=replace(one.budgets, charge=charge)) for one in targets
    ]
    return charge, shared


def skip_uncovered(charge: Charge | None, targets: Sequence[PlannedTarget]) -> list[PlannedTarget]:
    """The targets after the commit: those for which no budget had room are skipped."""
    if charge is None or charge.decision is None or not charge.decision.uncovered:
        return list(targets)
    found, number = list(targets), 0
    for index, one in enumerate(targets):
        if one.budgets is not None or index == 0:
            if number in charge.decision.uncovered:
                found[index] = replace(one, skipped="budget_exhausted")
            number += 1
    return found
