"""Limits and credits of a key: set, changed, reset and topped up; no key gets around its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ari.base.errors import Conflict, Forbidden, Invalid, NotFound
from ari.keys import (
    KeyChange,
    NewKey,
    add_credits,
    change,
    create,
    increase_budget,
    reset_budgets,
    reset_limits,
    revoke,
)
from ari.keys.limits.rules import Credits, Limit, LimitRules
from ari.keys.model import ApiKey, Consumer
from ari.keys.policy import Policy
from tests.unit.keys.memory import MemoryTransaction, make_key

Command = Callable[[], object]
MINUTE = {"name": "default", "limit": 5, "window": "1m"}
LIMITED = KeyChange(limits=[MINUTE], credits={"amount": 10})


def limit_key(tx: MemoryTransaction, key: ApiKey) -> ApiKey:
    return change(tx, key.id, LIMITED)


def test_a_new_key_has_its_limits_from_the_start() -> None:
    """They are in its event, too."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("n", limits=[MINUTE], credits={"amount": 10})).key
    assert made.policy.limits == LimitRules(2, (Limit("default", 5, 60_000, 1),), Credits(10, None, 2))
    detail = tx.events.written[-1].detail
    assert (detail["limits"], detail["credits"]) == ([MINUTE], {"granted": 10, "refill": None})
    assert create(tx, NewKey("m")).key.rule_owners == ()
    assert "limits" not in tx.events.written[-1].detail


def test_a_bad_limit_makes_no_key() -> None:
    """Nothing is half-done."""
    tx = MemoryTransaction()
    for bad in (NewKey("n", limits=[MINUTE, MINUTE]), NewKey("n", credits={"amount": -1})):
        with pytest.raises(Invalid):
            create(tx, bad)
    assert (tx.keys.rows, tx.names) == ({}, [])


def test_each_change_of_limits_is_an_event() -> None:
    """With what was and what is; the same values again are none."""
    tx = MemoryTransaction()
    key = make_key(tx)
    limit_key(tx, key)
    assert tx.names[1:] == ["key_limits_changed", "key_credits_changed"]
    assert tx.events.written[-2].detail["to"] == [MINUTE]
    change(tx, key.id, KeyChange(limits=[MINUTE], credits={}))
    assert len(tx.names) == 3
    change(tx, key.id, KeyChange(limits=[], credits=None))
    assert tx.names[3:] == ["key_limits_changed", "key_credits_changed"]
    assert tx.keys.rows[key.id].rule_owners == ()


def test_reset_and_top_up() -> None:
    """Both are events, and both need something to act on."""
    tx = MemoryTransaction()
    key = make_key(tx)
    commands: list[Command] = [lambda: reset_limits(tx, key.id), lambda: add_credits(tx, key.id, 1)]
    for command in commands:
        with pytest.raises(Conflict):
            command()
    limit_key(tx, key)
    assert reset_limits(tx, key.id).policy.limits.limits[0].epoch == 3
    topped = add_credits(tx, key.id, 7).policy.limits.credits
    assert topped is not None
    assert topped.granted == 17
    assert tx.names[-2:] == ["key_limits_reset", "key_credits_added"]
    assert [one.detail for one in tx.events.written[-2:]] == [
        {"hint": key.hint, "limits": ["default"]},
        {"hint": key.hint, "amount": 7},
    ]
    with pytest.raises(NotFound):
        reset_limits(tx, "key_x")
    revoke(tx, key.id)
    for command in commands:
        with pytest.raises(Conflict) as conflict:
            command()
        assert conflict.value.code == "key_inactive"


def test_rule_11_a_limited_key_gives_nothing() -> None:
    """Neither a new key, nor more for another: it could go on with that one without its limits."""
    tx = MemoryTransaction()
    key, other = make_key(tx, "*"), make_key(tx, "api:read")
    limit_key(tx, other)
    limited = limit_key(tx, key)
    attempts: list[Command] = [
        lambda: create(tx.by(limited), NewKey("n", scopes=("api:read",))),
        lambda: change(tx.by(limited), other.id, KeyChange(scopes=("api:read", "keys:read"))),
        lambda: change(tx.by(limited), other.id, KeyChange(limits=[])),
        lambda: reset_limits(tx.by(limited), other.id),
        lambda: add_credits(tx.by(limited), other.id, 1),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    change(tx.by(limited), other.id, KeyChange(name="renamed", limits=[MINUTE | {"limit": 1}]))


def test_rule_11_amounts_that_are_added_once_may_outlive_the_key() -> None:
    """An expiring key increases and resets budgets of a key without an expiry, but doesn't change its amounts."""
    tx = MemoryTransaction()
    calling = make_key(tx, "*", expires_at_ms=tx.now_ms + 60_000)
    budget = {"name": "monthly", "amount_usd": "20.00", "period": "month"}
    other = change(tx, make_key(tx).id, KeyChange(budgets=[budget], limits=[MINUTE], credits={"amount": 10}))
    increase_budget(tx.by(calling), other.id, "monthly", {"amount_usd": "5.00"})
    reset_budgets(tx.by(calling), other.id)
    reset_limits(tx.by(calling), other.id)
    add_credits(tx.by(calling), other.id, 1)
    assert tx.names[-4:] == ["key_budget_increased", "key_budgets_reset", "key_limits_reset", "key_credits_added"]
    for looser in (KeyChange(budgets=[budget | {"amount_usd": "25.00"}]), KeyChange(limits=[])):
        with pytest.raises(Forbidden, match="use a key that expires later"):
            change(tx.by(calling), other.id, looser)


def test_rule_11_a_key_of_a_limited_consumer_gives_nothing() -> None:
    """The limits that it shares are limits, too."""
    tx = MemoryTransaction()
    key = make_key(tx, "*")
    consumer = Consumer("con_1", "c", policy=Policy(limits=LimitRules(1, (Limit("default", 1, 1_000),))))
    tx.keys.save(replace(key, consumer=consumer))
    with pytest.raises(Forbidden):
        create(tx.by(key), NewKey("n", scopes=("api:read",)))


def test_rule_11_offspring_cannot_loosen_its_makers_limits() -> None:
    """The owner limited the maker later; the key it had made is not a way around."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    made = create(tx.by(maker), NewKey("made", scopes=("*",))).key
    limited = limit_key(tx, maker)
    attempts: list[Command] = [
        lambda: change(tx.by(made), limited.id, KeyChange(limits=[])),
        lambda: change(tx.by(made), limited.id, KeyChange(credits=None)),
        lambda: reset_limits(tx.by(made), limited.id),
        lambda: add_credits(tx.by(made), limited.id, 1),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    change(tx.by(made), limited.id, KeyChange(limits=[MINUTE | {"limit": 1}]))
