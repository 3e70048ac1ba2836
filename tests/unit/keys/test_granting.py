"""Security rule 11: a key gives others only what it has itself, and never to those it has its rights from."""

from dataclasses import replace

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Forbidden
from ari.keys import KeyChange, NewKey, change, create
from ari.keys.granting import gives_more
from ari.keys.lineage import find_descendants
from ari.keys.model import Consumer
from ari.keys.model_rules import parse_model_rules
from ari.keys.policy import NO_POLICY, Policy
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_what_counts_as_more() -> None:
    """A scope, a later end, being enabled; not the reverse, and not another name."""
    tx = MemoryTransaction()
    key = make_key(tx, "api:read", "keys:read", expires_at_ms=NOW_MS + DAY_MS)
    more = (
        replace(key, scopes=("*",)),
        replace(key, expires_at_ms=None),
        replace(key, expires_at_ms=NOW_MS + DAY_MS + 1),
    )
    less = (replace(key, scopes=("api:read",)), replace(key, expires_at_ms=NOW_MS + 1), replace(key, disabled=True))
    assert all(gives_more(key, one) for one in more)
    assert not any(gives_more(key, one) for one in (*less, replace(key, name="x")))
    assert gives_more(replace(key, disabled=True), key)


def test_a_grantor_is_remembered() -> None:
    """Revoking it with what it made finds the key that it gave more."""
    tx = MemoryTransaction()
    grantor, other = make_key(tx, "*"), make_key(tx, "api:read")
    change(tx.by(grantor), other.id, KeyChange(scopes=("api:read", "keys:read")))
    assert find_descendants(tx, grantor.id) == [tx.keys.rows[other.id]]
    change(tx.by(grantor), other.id, KeyChange(name="renamed"))
    assert tx.keys.grants == [(grantor.id, other.id)]


def test_offspring_cannot_undo_what_the_owner_took_from_its_source() -> None:
    """Over any number of steps."""
    tx = MemoryTransaction()
    source = make_key(tx, "*")
    child = make_key(tx.by(source), "*")
    grandchild = make_key(tx.by(child), "*")
    change(tx, source.id, KeyChange(scopes=("api:read",)))
    for key in (child, grandchild):
        with pytest.raises(Forbidden, match="created it or gave it access"):
            change(tx.by(key), source.id, KeyChange(scopes=("*",)))


def test_the_owner_may_do_everything() -> None:
    """Without a limit in time."""
    tx = MemoryTransaction()
    key = make_key(tx, "api:read", expires_at_ms=NOW_MS + DAY_MS)
    assert change(tx, key.id, KeyChange(scopes=("*",), expires_at_ms=None)).scopes == ("*",)
    assert tx.keys.grants == []


def test_a_key_gives_no_models_that_it_may_not_use() -> None:
    """Neither to a new key, nor to another, nor to itself; and a consumer's models cannot be left behind."""
    tx = MemoryTransaction()
    rules = parse_model_rules({"allow": ["openai/*"], "deny": ["openai/gpt-5-pro"]})
    calling = make_key(tx, "*")
    calling = change(tx, calling.id, KeyChange(models={"allow": ["openai/*"], "deny": ["openai/gpt-5-pro"]}))
    assert calling.policy.models == rules
    within = {"allow": ["openai/gpt-4*"], "deny": ["openai/gpt-5-*"]}
    made = create(tx.by(calling), NewKey("within", scopes=("api:read",), models=within)).key
    for models in (None, {"allow": ["openai/*"]}, {"allow": ["*"], "deny": ["openai/gpt-5-pro"]}):
        with pytest.raises(Forbidden, match="its own models"):
            create(tx.by(calling), NewKey("beyond", scopes=("api:read",), models=models))
        with pytest.raises(Forbidden, match="its own models"):
            change(tx.by(calling), made.id, KeyChange(models=models))
    with pytest.raises(Forbidden):
        change(tx.by(calling), calling.id, KeyChange(models=None))
    assert gives_more(calling, replace(calling, policy=NO_POLICY))
    team = Consumer("con_1", "Team", policy=Policy(models=rules))
    assert gives_more(replace(made, consumer=team), made)
