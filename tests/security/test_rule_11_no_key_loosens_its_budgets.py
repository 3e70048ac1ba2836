"""security.md 11: a key that may use AI, itself or through another key, can't loosen what budgets count."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.caller import SYSTEM, Caller
from ari.base.errors import Forbidden
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.ai_rules.change_budgets import (
    increase_shared_budget,
    reset_shared_budgets,
    set_budgets,
)
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.integrations.apply import apply_all
from ari.integrations.commands import put_key, remove, set_base_url
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.providers import get_provider
from ari.integrations.upstream_commands import add_upstream, remove_upstream
from ari.keys.configuration import Configuration
from tests.support.commands import as_caller, change_key, create_key, revoke_key
from tests.support.instances import opened

BUDGET = {"amount_usd": "1", "period": "month"}
FREE = {"input_usd": "0", "output_usd": "0"}
MANAGES = ("keys:write", "integrations:write")
LOOSENING: dict[str, tuple[Any, ...]] = {
    "remove": (set_budgets, [], {}, ["openai"]),
    "raise": (set_budgets, [BUDGET | {"amount_usd": "2"}], None, ["openai"]),
    "soften": (set_budgets, None, {"openai": [BUDGET | {"hard": False}]}, ["openai"]),
    "move the time zone": (set_budgets, [BUDGET | {"time_zone": "Pacific/Kiritimati"}], None, ["openai"]),
    "increase": (increase_shared_budget, "openai", "default", {"amount_usd": "1"}),
    "reset": (reset_shared_budgets, None, None),
    "price": (set_prices, {"prices": [{"model": "openai/*", **FREE}]}),
    "discount": (set_prices, {"discounts": [{"model": "*/*", "percent": "100"}]}),
    "apply": (apply_all, Configuration(model_prices={"openai/*": FREE})),
    "another name for a provider": (add_upstream, "other", "Other", "https://api.openai.com/v1"),
    "another address of a provider": (set_base_url, get_provider("groq"), "https://api.openai.com/v1"),
}


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    """One with a budget of its own, and one of OpenAI."""
    with opened(data_dir, database_url) as found:
        Deps(found, SYSTEM).do_sync(set_budgets, [BUDGET], {"openai": [BUDGET]}, ["openai"])
        yield found


def try_all(instance: Instance, caller: Caller) -> list[str]:
    """The names of the changes that the caller may make; each is undone."""
    allowed = []
    for name, (command, *given) in LOOSENING.items():
        before = Deps(instance).read_sync(get_ai_rules)
        try:
            Deps(instance, caller).do_sync(command, *given)
        except Forbidden:
            assert Deps(instance).read_sync(get_ai_rules) == before
        else:
            allowed.append(name)
            Deps(instance, SYSTEM).do_sync(set_budgets, [BUDGET], {"openai": [BUDGET]}, ["openai"])
            Deps(instance, SYSTEM).do_sync(set_prices, {})
    return allowed


def test_a_key_that_may_use_ai(instance: Instance) -> None:
    """Whatever else it may do."""
    for scopes in (("*",), ("ai:openai", *MANAGES), ("ai-account:groq", *MANAGES)):
        assert try_all(instance, as_caller(create_key(instance, scopes=scopes).key)) == []


def test_a_second_key_of_its_own(instance: Instance) -> None:
    """Without the right to use AI, but created by a key that has it: directly, or by one in between."""
    user = create_key(instance, scopes=("ai:openai", *MANAGES)).key
    second = create_key(instance, caller=as_caller(user), scopes=MANAGES).key
    third = create_key(instance, caller=as_caller(second), scopes=MANAGES).key
    assert try_all(instance, as_caller(second)) == []
    assert try_all(instance, as_caller(third)) == []


def test_a_key_that_gave_its_right_to_others(instance: Instance) -> None:
    """It made a key that may use AI, or its maker did, and then it narrowed itself."""
    user = create_key(instance, scopes=("ai:openai", *MANAGES)).key
    heir = create_key(instance, caller=as_caller(user), scopes=("ai:openai",)).key
    sibling = create_key(instance, caller=as_caller(user), scopes=MANAGES).key
    narrowed = change_key(instance, user, as_caller(user), scopes=MANAGES)
    assert try_all(instance, as_caller(narrowed)) == []
    assert try_all(instance, as_caller(sibling)) == []
    revoke_key(instance, heir)
    assert try_all(instance, as_caller(sibling)) == list(LOOSENING)


@pytest.mark.parametrize("by_consumer", [False, True])
def test_a_budget_of_a_relative(instance: Instance, by_consumer: bool) -> None:
    """Without a budget of the instance, one of the key that made the caller binds it, or one of that key's consumer."""
    owner = Deps(instance, SYSTEM)
    owner.do_sync(set_budgets, [], {"openai": []}, ["openai"])
    user = create_key(instance, scopes=("ai:openai", *MANAGES)).key
    second = create_key(instance, caller=as_caller(user), scopes=MANAGES).key
    command, *given = LOOSENING["another name for a provider"]
    Deps(instance, as_caller(second)).do_sync(command, *given)
    if by_consumer:
        consumer = owner.do_sync(keys.create_consumer, keys.NewConsumer("C"))
        change_key(instance, user, consumer=consumer.id)
        owner.do_sync(keys.change_consumer, consumer.id, keys.ConsumerChange(budgets=[BUDGET]))
    else:
        change_key(instance, user, budgets=[BUDGET])
    for name in ("price", "discount", "another address of a provider"):
        command, *given = LOOSENING[name]
        with pytest.raises(Forbidden, match="a budget binds it or a key that it has its access from"):
            Deps(instance, as_caller(second)).do_sync(command, *given)
    with pytest.raises(Forbidden, match="remove upstreams"):
        Deps(instance, as_caller(second)).do_sync(remove_upstream, "other")


def test_removing_an_address_counts_as_changing_it(instance: Instance) -> None:
    """The provider would be reached at its built-in address again. A key without an address may be removed."""
    caller = as_caller(create_key(instance, scopes=("*",)).key)
    key = "a1B2" * 8
    Deps(instance, SYSTEM).do_sync(put_key, get_provider("mistral"), ProviderEnvironment(), key)
    Deps(instance, SYSTEM).do_sync(set_base_url, get_provider("groq"), "https://groq.example.net")
    with pytest.raises(Forbidden, match="remove base URLs"):
        Deps(instance, caller).do_sync(remove, get_provider("groq"))
    Deps(instance, caller).do_sync(remove, get_provider("mistral"))


def test_keys_without_ai_may(instance: Instance) -> None:
    """Automation that the owner made keeps its work."""
    create_key(instance, scopes=("ai:*",))
    assert try_all(instance, as_caller(create_key(instance, scopes=MANAGES).key)) == list(LOOSENING)


def test_anyone_may_tighten(instance: Instance) -> None:
    """A smaller amount and a further budget free no request."""
    caller = as_caller(create_key(instance, scopes=("*",)).key)
    tighter = [BUDGET | {"amount_usd": "0.50"}, BUDGET | {"name": "daily", "period": "day"}]
    changed = Deps(instance, caller).do_sync(set_budgets, tighter, None, ["openai"])
    assert [budget.name for budget in changed.instance.budgets] == ["default", "daily"]
