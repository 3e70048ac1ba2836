"""Budgets of several owners: each is shown with its own name."""

from collections.abc import Sequence

from ari.integrations.ai_rules.budgets import BudgetRules
from ari.keys.budget_owners import BudgetOwner
from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.rules import Budget, LimitRules
from ari.keys.limits.spending import BudgetState
from ari.web.pages.usage_ai.budget_bars import read_owned_bars, read_shared_bars
from tests.unit.usage.fakes import FakeStore

KEY, CONSUMER = "key_01J000000000000000000000AA", "con_01J000000000000000000000AA"


class Records(FakeStore):
    """Reads counters that know newer budgets than the page has read."""

    def __init__(self, extra: Sequence[Budget] = ()) -> None:
        super().__init__()
        self.extra = extra

    def read_budgets(self, owners: Sequence[RuleOwner]) -> list[BudgetState]:
        return [
            BudgetState(owner.prefix + one.name, one, 100, 25, 0, None)
            for owner in owners
            for one in (*owner.rules.budgets, *self.extra)
        ]


def rules(*names: str) -> LimitRules:
    return LimitRules(1, budgets=tuple(Budget(name, 100) for name in names))


def test_the_instance_comes_first() -> None:
    """Then providers by name, with titles where they are known; each links to its form."""
    found = read_shared_bars(
        Records(), BudgetRules(rules("all"), {"openai": rules("a", "b"), "gone": rules("c")}), {"openai": "OpenAI"}
    )
    assert [(bar.owner.text, bar.state.budget.name) for bar in found] == [
        ("This instance", "all"),
        ("gone", "c"),
        ("OpenAI", "a"),
        ("OpenAI", "b"),
    ]
    assert [bar.owner.form_url for bar in found][::2] == [
        "/settings/usage/budgets/instance",
        "/settings/usage/budgets/providers/openai",
    ]


def test_a_budget_added_since_is_its_owners() -> None:
    """The counter may know newer rules than the page, so owners are known by ID, not by order."""
    owners = [
        BudgetOwner(one, name, RuleOwner(one, rules("a"), f"{one}:"))
        for one, name in ((CONSUMER, "Acme"), (KEY, "Ada"))
    ]
    found = read_owned_bars(Records([Budget("new", 100)]), owners)
    assert [(bar.owner.text, bar.owner.sort, bar.state.budget.name) for bar in found] == [
        ("Acme", "consumer", "a"),
        ("Acme", "consumer", "new"),
        ("Ada", "key", "a"),
        ("Ada", "key", "new"),
    ]
    assert {bar.owner.url for bar in found} == {f"/settings/consumers/{CONSUMER}", f"/settings/keys/{KEY}"}
    assert found[0].share == 0.25
