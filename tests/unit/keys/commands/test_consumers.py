"""Consumers: bad input changes nothing, and one with keys stays."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ari.base.errors import Conflict, Forbidden, Invalid, NotFound
from ari.keys import (
    ConsumerChange,
    KeyChange,
    NewConsumer,
    NewKey,
    add_consumer_credits,
    change,
    change_consumer,
    create,
    create_consumer,
    delete,
    delete_consumer,
    get_consumer,
    reset_consumer_limits,
    revoke,
)
from tests.unit.keys.memory import MemoryTransaction, make_key


def test_a_key_belongs_to_a_consumer_named_by_either_id() -> None:
    """The operator's own ID is as good as ARI's."""
    tx = MemoryTransaction()
    acme = create_consumer(tx, NewConsumer("Acme", "customer_4711", {"plan": "pro"}))
    for reference in (acme.id, "customer_4711"):
        key = create(tx, NewKey("n", consumer=reference)).key
        assert key.consumer == acme
        assert tx.events.written[-1].detail["consumer"] == acme.id
        assert get_consumer(tx, reference) == acme


def test_people_may_name_a_consumer_and_keys_may_not() -> None:
    """An exact name in any case, if it fits one consumer alone: a key can't redirect what a person names."""
    tx = MemoryTransaction()
    acme = create_consumer(tx, NewConsumer("Acme"))
    assert create(tx, NewKey("n", consumer="ACME")).key.consumer == acme
    assert get_consumer(tx, "acme") == acme
    key = tx.by(make_key(tx, "*"))
    for caller, reference in ((tx, "Acm"), (tx, ""), (tx, "\x00"), (tx, "\ud800"), (key, "Acme")):
        with pytest.raises(Invalid, match="No such consumer"):
            create(caller, NewKey("n", consumer=reference))
    another = create_consumer(tx, NewConsumer("Another", "Acme"))
    for command in (lambda: create(tx, NewKey("n", consumer="Acme")), lambda: get_consumer(tx, "Acme")):
        with pytest.raises(Invalid, match="Several consumers"):
            command()
    assert create(key, NewKey("n", consumer="Acme")).key.consumer == another


def test_a_key_can_be_moved_and_set_free() -> None:
    """Each is one event with both ends."""
    tx = MemoryTransaction()
    one, two = (create_consumer(tx, NewConsumer(name)) for name in ("One", "Two"))
    key = create(tx, NewKey("n", consumer=one.id)).key
    for wanted in (two.id, None):
        change(tx, key.id, KeyChange(consumer=wanted))
    moved, freed = tx.events.written[-2:]
    assert (moved.name, moved.detail["from"], moved.detail["to"]) == ("key_consumer_changed", one.id, two.id)
    assert (freed.detail["from"], freed.detail["to"]) == (two.id, None)


def test_an_unknown_consumer_creates_and_changes_nothing() -> None:
    """Never a consumer by a typo."""
    tx = MemoryTransaction()
    key = create(tx, NewKey("n")).key
    with pytest.raises(Invalid):
        create(tx, NewKey("other", consumer="nobody"))
    with pytest.raises(Invalid):
        change(tx, key.id, KeyChange(name="renamed", consumer="nobody"))
    assert list(tx.keys.rows.values()) == [key]
    for command in (get_consumer, delete_consumer):
        with pytest.raises(NotFound):
            command(tx, "nobody")


def test_an_external_id_names_one_consumer() -> None:
    """On create and on change; the same again is no conflict with itself."""
    tx = MemoryTransaction()
    one, two = create_consumer(tx, NewConsumer("One", "x")), create_consumer(tx, NewConsumer("Two"))
    with pytest.raises(Conflict) as raised:
        create_consumer(tx, NewConsumer("Three", "x"))
    assert raised.value.code == "consumer_exists"
    with pytest.raises(Conflict):
        change_consumer(tx, two.id, ConsumerChange(external_id="x"))
    assert change_consumer(tx, one.id, ConsumerChange(external_id="x")) == one
    assert tx.names.count("consumer_changed") == 0


def test_a_change_records_differences_without_metadata() -> None:
    """Metadata may hold personal data, which the audit log could never erase."""
    tx = MemoryTransaction()
    acme = create_consumer(tx, NewConsumer("Acme", metadata={"contact": "ada"}))
    change_consumer(tx, acme.id, ConsumerChange("Acme Inc.", "x", {"contact": "grace"}))
    event = tx.events.written[-1]
    assert event.detail == {
        "name": {"from": "Acme", "to": "Acme Inc."},
        "external_id": {"from": None, "to": "x"},
        "metadata": "changed",
    }
    assert "grace" not in str([event.detail for event in tx.events.written])


def test_a_consumer_with_keys_cannot_be_deleted() -> None:
    """Not even with revoked ones: their history would lose whose they were. Deleted ones don't count."""
    tx = MemoryTransaction()
    acme = create_consumer(tx, NewConsumer("Acme"))
    key = create(tx, NewKey("n", consumer=acme.id)).key
    for step in (None, revoke):
        if step:
            step(tx, key.id)
        with pytest.raises(Conflict) as raised:
            delete_consumer(tx, acme.id)
        assert raised.value.code == "consumer_has_keys"
    delete(tx, key.id)
    delete_consumer(tx, acme.id)
    assert tx.names[-1] == "consumer_deleted"


MINUTE = {"name": "default", "limit": 5, "window": "1m"}


def test_limits_that_keys_share_are_set_reset_and_topped_up() -> None:
    """Each is an event; what is wrong changes nothing."""
    tx = MemoryTransaction()
    acme = create_consumer(tx, NewConsumer("Acme", "acme", None, [MINUTE], {"amount": 10}))
    assert tx.events.written[-1].detail["limits"] == [MINUTE]
    key = create(tx, NewKey("n", consumer="acme")).key
    assert [owner.id for owner in key.rule_owners] == [acme.id]
    change_consumer(tx, "acme", ConsumerChange(limits=[MINUTE | {"limit": 3}]))
    assert (tx.names[-1], tx.events.written[-1].detail["to"][0]["limit"]) == ("consumer_limits_changed", 3)
    reset_consumer_limits(tx, "acme", ["default"])
    granted = add_consumer_credits(tx, "acme", 7).policy.limits.credits
    assert granted is not None
    assert granted.granted == 17
    assert tx.names[-2:] == ["consumer_limits_reset", "consumer_credits_added"]
    before = get_consumer(tx, "acme")
    for wrong in (ConsumerChange(limits=[MINUTE, MINUTE]), ConsumerChange(credits={"amount": -1})):
        with pytest.raises(Invalid):
            change_consumer(tx, "acme", wrong)
    assert get_consumer(tx, "acme") == before
    change_consumer(tx, "acme", ConsumerChange(name="New", limits=[], credits=None))
    assert tx.names[-3:] == ["consumer_changed", "consumer_limits_changed", "consumer_credits_changed"]
    with pytest.raises(Conflict):
        add_consumer_credits(tx, "acme", 1)


def test_rule_11_no_key_loosens_the_limits_it_shares() -> None:
    """Nor do the keys that a key of the consumer made, also once they belong to nobody."""
    tx = MemoryTransaction()
    acme = create_consumer(tx, NewConsumer("Acme"))
    maker = create(tx, NewKey("maker", scopes=("*",), consumer=acme.id)).key
    made = create(tx.by(maker), NewKey("made", scopes=("*",))).key
    change_consumer(tx, acme.id, ConsumerChange(limits=[MINUTE], credits={"amount": 1}))
    limited = replace(maker, consumer=get_consumer(tx, acme.id))
    tx.keys.save(limited)
    made = change(tx, made.id, KeyChange(consumer=None))
    for caller in (limited, made):
        attempts: list[Callable[[MemoryTransaction], object]] = [
            lambda tx: change_consumer(tx, acme.id, ConsumerChange(limits=[])),
            lambda tx: change_consumer(tx, acme.id, ConsumerChange(credits=None)),
            lambda tx: reset_consumer_limits(tx, acme.id),
            lambda tx: add_consumer_credits(tx, acme.id, 5),
        ]
        for attempt in attempts:
            with pytest.raises(Forbidden):
                attempt(tx.by(caller))
