"""Consumers on both databases: the contract of ``ConsumerStore``, and what a verification says of them (promise 1)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.errors import Conflict
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import ConsumerChange, NewConsumer, token
from ari.keys.model import Consumer
from tests.support.commands import change_key, create_key, delete_key, revoke_key
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _create(instance: Instance, name: str, external_id: str | None = None) -> Consumer:
    return Deps(instance).do_sync(keys.create_consumer, NewConsumer(name, external_id, {"plan": "pro"}))


def test_a_consumer_reads_back_whole(instance: Instance) -> None:
    """By either ID; a list is newest first and filtered by name and IDs, whatever their case."""
    made = [_create(instance, name, name[-1]) for name in ("Acme", "Büro", "Zeta%")]
    deps = Deps(instance)
    for one in made:
        assert deps.read_sync(keys.get_consumer, one.id) == one
        assert deps.read_sync(keys.get_consumer, str(one.external_id)) == one
        assert deps.read_sync(keys.get_consumer, one.name.upper()) == one
    assert deps.read_sync(keys.get_consumers, "", None, 9) == made[::-1]
    assert deps.read_sync(keys.get_consumers, "", made[2].id, 1) == [made[1]]
    for text, found in (("ACME", [made[0]]), ("büro", [made[1]]), ("%", [made[2]]), ("nobody", [])):
        assert deps.read_sync(keys.get_consumers, text, None, 9) == found


def test_consumers_with_budgets_are_found(instance: Instance) -> None:
    """By their rules, not by text that looks like them; the newest first."""
    deps = Deps(instance)
    budgets = [{"name": "team", "amount_usd": "5", "period": "day"}]
    names = [("One", budgets), ('"budgets":[', []), ("Two", budgets)]
    made = [deps.do_sync(keys.create_consumer, NewConsumer(name, budgets=given)) for name, given in names]
    limited = deps.do_sync(keys.create_consumer, NewConsumer("Limited", limits=[{"limit": 5, "window": "1m"}]))
    assert deps.read_sync(lambda tx: tx.consumers.list_with_budgets(None, 9)) == [made[2], made[0]]
    assert deps.read_sync(lambda tx: tx.consumers.list_with_budgets(made[2].id, 9)) == [made[0]]
    assert deps.read_sync(lambda tx: tx.consumers.list_with_budgets(None, 1)) == [made[2]]
    deps.do_sync(keys.change_consumer, made[0].id, ConsumerChange(budgets=[]))
    deps.do_sync(keys.change_consumer, limited.id, ConsumerChange(budgets=budgets))
    assert [one.name for one in deps.read_sync(lambda tx: tx.consumers.list_with_budgets(None, 9))] == [
        "Limited",
        "Two",
    ]


def test_a_key_is_read_with_its_consumer(instance: Instance) -> None:
    """In lists and by its digest; a change of the consumer counts from the next lookup on."""
    acme = _create(instance, "Acme", "x")
    made = create_key(instance, consumer="x", tags=("one", "two"), environment="test", addresses=("10.0.0.0/8",))
    digest = token.digest(made.secret.encode())

    async def look() -> None:
        lookup = await instance.open_lookup()
        try:
            assert await lookup.find(digest) == made.key
            changed = Deps(instance).do_sync(keys.change_consumer, acme.id, ConsumerChange("Acme Inc."))
            found = await lookup.find(digest)
            assert found is not None
            assert found.consumer == changed
        finally:
            await lookup.close()

    asyncio.run(look())


def test_only_a_consumer_without_keys_goes(instance: Instance) -> None:
    """A deleted key stays readable, and no longer names it."""
    acme = _create(instance, "Acme", "x")
    key = create_key(instance, consumer="x").key
    deps = Deps(instance)
    assert deps.read_sync(keys.count_keys_of, acme.id) == 1
    with pytest.raises(Conflict):
        deps.do_sync(keys.delete_consumer, acme.id)
    revoke_key(instance, key)
    delete_key(instance, key)
    deps.do_sync(keys.delete_consumer, acme.id)
    assert deps.read_sync(keys.get_consumers, "", None, 9) == []
    assert deps.read_sync(keys.get_even_deleted, key.id).consumer is None


def test_the_newest_keys_of_a_consumer_are_listed(instance: Instance) -> None:
    """Neither deleted keys nor those of others; as many as are wanted."""
    acme, _ = _create(instance, "Acme", "x"), _create(instance, "Other", "y")
    first, second, gone = (create_key(instance, consumer="x").key for _ in range(3))
    create_key(instance, consumer="y")
    create_key(instance)
    revoke_key(instance, gone)
    delete_key(instance, gone)
    deps = Deps(instance)
    assert [key.id for key in deps.read_sync(keys.list_keys_of, acme.id, 9)] == [second.id, first.id]
    assert [key.id for key in deps.read_sync(keys.list_keys_of, acme.id, 1)] == [second.id]


def test_tags_follow_the_key(instance: Instance) -> None:
    """Removed tags are gone, and added ones are there."""
    key = create_key(instance, tags=("a", "b")).key
    for tags in (("b", "c"), (), ("d",)):
        assert change_key(instance, key, tags=tags).tags == tags
        assert Deps(instance).read_sync(keys.get, key.id).tags == tags
