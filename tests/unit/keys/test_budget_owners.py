"""Which keys and consumers have budgets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewConsumer
from ari.keys.budget_owners import find_budget_owners, list_budget_owners
from tests.support.commands import create_key, revoke_key
from tests.support.instances import opened

BUDGETS = [{"name": "monthly", "amount_usd": "5", "period": "month"}]


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as found:
        yield found


@pytest.fixture
def ids(instance: Instance) -> list[str]:
    """A consumer and two keys with budgets, the oldest first, among others without."""
    team = Deps(instance).do_sync(keys.create_consumer, NewConsumer("Team", budgets=BUDGETS))
    made = [create_key(instance, name, budgets=BUDGETS).key for name in ("One", "Two", "Gone")]
    revoke_key(instance, made[2])
    create_key(instance, "Limited", limits=[{"limit": 5, "window": "1m"}])
    return [team.id, made[0].id, made[1].id]


def test_consumers_are_listed_before_keys(instance: Instance, ids: list[str]) -> None:
    """In pages of any size, each owner once; a revoked key has no budget to watch."""
    deps, found, before = Deps(instance), list[str](), None
    while page := deps.read_sync(list_budget_owners, before, 1):
        assert len(page) == 1
        before = page[0].id
        found.append(before)
    team, one, two = ids
    assert found == [team, two, one]
    assert [owner.id for owner in deps.read_sync(list_budget_owners, None, 2)] == [team, two]


def test_owners_are_found_by_id(instance: Instance, ids: list[str]) -> None:
    """Only those that have budgets now; the names of their budgets begin with the ID."""
    other = create_key(instance, "No budget").key.id
    gone = "con_01J000000000000000000000AA"
    found = Deps(instance).read_sync(find_budget_owners, [*ids, other, gone, "instance", "provider:openai"])
    assert sorted(owner.id for owner in found) == sorted(ids)
    assert all(owner.rules.prefix == f"{owner.id}:" for owner in found)
    assert Deps(instance).read_sync(find_budget_owners, []) == []
