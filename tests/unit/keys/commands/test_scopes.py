"""Declaring grants nothing; removing a scope takes it from keys only on request, and only by those who may."""

import pytest

from ari.base.errors import Conflict, Forbidden, Invalid, NotFound
from ari.keys import (
    KeyChange,
    NewKey,
    change,
    create,
    declare_scope,
    describe_scope,
    list_keys_losing,
    remove_scope,
    revoke,
)
from ari.keys.custom_scopes import MAX_CUSTOM_SCOPES
from ari.keys.kinds import Kind, KindDefaults
from tests.unit.keys.memory import MemoryTransaction, make_key


@pytest.fixture
def tx() -> MemoryTransaction:
    found = MemoryTransaction()
    for name in ("orders:read", "orders:write", "pets:read"):
        declare_scope(found, name, "What it allows.")
    return found


def test_declared_scopes_can_be_granted_like_built_in_ones(tx: MemoryTransaction) -> None:
    """By name or as a wildcard of their resource."""
    key = make_key(tx, "orders:read", "api:read")
    assert key.scopes == ("api:read", "orders:read")
    assert change(tx, key.id, KeyChange(scopes=("orders:*",))).scopes == ("orders:*",)


@pytest.mark.parametrize("scope", ["orders:delete", "cats:*", "cats:read", "order:*", "orders:rea"])
def test_what_is_not_declared_cannot_be_granted(tx: MemoryTransaction, scope: str) -> None:
    """The refusal says what to do."""
    with pytest.raises(Invalid, match="ari scopes add"):
        create(tx, NewKey("n", scopes=(scope,)))


def test_a_key_grants_only_what_it_holds(tx: MemoryTransaction) -> None:
    """Declaring a scope doesn't give it to the key that declares it (security.md 11)."""
    declarer = make_key(tx, "scopes:write", "keys:write")
    mine = tx.by(declarer)
    declare_scope(mine, "orders:refund", "Refund orders.")
    for scope in ("orders:refund", "orders:*", "*"):
        with pytest.raises(Forbidden):
            create(mine, NewKey("n", scopes=(scope,)))
    for held in ("orders:refund", "orders:*", "*"):
        holder = make_key(tx, "keys:write", held)
        assert make_key(tx.by(holder), "orders:refund").scopes == ("orders:refund",)


def test_a_scope_is_declared_once(tx: MemoryTransaction) -> None:
    """The second declaration changes nothing, not even the description."""
    with pytest.raises(Conflict) as caught:
        declare_scope(tx, "orders:read", "Something else.")
    assert caught.value.code == "scope_exists"
    assert tx.scopes.rows["orders:read"].description == "What it allows."


def test_their_number_is_bounded(tx: MemoryTransaction) -> None:
    """Lists of scopes stay short enough for a page."""
    for number in range(MAX_CUSTOM_SCOPES - len(tx.scopes.rows)):
        declare_scope(tx, f"many:a{number}", "One of many.")
    with pytest.raises(Invalid, match="At most 500"):
        declare_scope(tx, "many:more", "One too many.")


def test_a_description_changes_with_one_event(tx: MemoryTransaction) -> None:
    """The same again changes nothing."""
    before = len(tx.names)
    for _ in range(2):
        assert describe_scope(tx, "orders:read", "List orders.").description == "List orders."
    assert tx.names[before:] == ["scope_changed"]
    assert tx.events.written[-1].detail == {"from": "What it allows.", "to": "List orders."}


@pytest.mark.parametrize("name", ["keys:read", "ai:openai"])
def test_built_in_scopes_stay(tx: MemoryTransaction, name: str) -> None:
    """Neither changed nor removed nor declared."""
    with pytest.raises(Conflict):
        describe_scope(tx, name, "Mine now.")
    with pytest.raises(Conflict):
        remove_scope(tx, name, force=True)
    with pytest.raises(Invalid):
        declare_scope(tx, name, "Mine now.")


def test_a_scope_that_nobody_declared_cannot_be_removed(tx: MemoryTransaction) -> None:
    """Nothing happens."""
    with pytest.raises(NotFound):
        remove_scope(tx, "orders:delete")


def test_a_scope_in_use_is_removed_only_by_force(tx: MemoryTransaction) -> None:
    """The keys that list it lose it in the same transaction, each with an event; others keep what they have."""
    holder, other = make_key(tx, "orders:read", "api:read"), make_key(tx, "orders:write")
    wide, dead = make_key(tx, "orders:*"), make_key(tx, "orders:read")
    revoke(tx, dead.id)
    assert [key.id for key in list_keys_losing(tx, "orders:read")] == [holder.id]
    with pytest.raises(Conflict) as caught:
        remove_scope(tx, "orders:read")
    assert (caught.value.code, "1 active key lists" in str(caught.value)) == ("scope_in_use", True)
    before = len(tx.names)
    assert [key.id for key in remove_scope(tx, "orders:read", force=True)] == [holder.id]
    assert tx.names[before:] == ["key_scopes_changed", "scope_removed"]
    assert tx.keys.rows[holder.id].scopes == ("api:read",)
    assert tx.keys.rows[other.id].scopes == ("orders:write",)
    assert tx.keys.rows[wide.id].scopes == ("orders:*",)
    assert "orders:read" not in tx.scopes.rows


def test_the_last_scope_of_a_resource_takes_its_wildcard_along(tx: MemoryTransaction) -> None:
    """A wildcard over nothing would come alive when somebody declares the resource again."""
    wide, narrow = make_key(tx, "pets:*"), make_key(tx, "pets:read")
    assert {key.id for key in list_keys_losing(tx, "pets:read")} == {wide.id, narrow.id}
    remove_scope(tx, "pets:read", force=True)
    assert tx.keys.rows[wide.id].scopes == tx.keys.rows[narrow.id].scopes == ()
    declare_scope(tx, "pets:read", "Again.")
    assert tx.keys.rows[wide.id].scopes == ()


def test_a_key_takes_scopes_only_from_keys_that_it_may_change(tx: MemoryTransaction) -> None:
    """Without ``keys:write``, or next to a wider key, forcing fails as a whole (security.md 11)."""
    first, second = make_key(tx, "orders:read"), make_key(tx, "orders:read", "usage:read")
    for scopes in (("scopes:write", "orders:read", "usage:read"), ("scopes:write", "keys:write", "orders:read")):
        with pytest.raises(Forbidden):
            remove_scope(tx.by(make_key(tx, *scopes)), "orders:read", force=True)
    assert "orders:read" in tx.scopes.rows
    helper = make_key(tx, "scopes:write", "keys:write", "orders:*", "usage:read")
    changed = remove_scope(tx.by(helper), "orders:read", force=True)
    assert {first.id, second.id} <= {key.id for key in changed}


def test_the_default_of_a_kind_is_in_use(tx: MemoryTransaction) -> None:
    """Even by force: the kind could create no keys any more."""
    tx.kinds.save(Kind("shop", "shop_", "d", KindDefaults(scopes=("orders:read",)), 1, "usr_1"))
    with pytest.raises(Conflict, match="kind shop"):
        remove_scope(tx, "orders:read", force=True)
    assert "orders:read" in tx.scopes.rows


def test_a_key_that_expired_keeps_its_list(tx: MemoryTransaction) -> None:
    """It is stamped, so a clock set back revives no key with a scope that is gone."""
    key = make_key(tx, "orders:read", expires_at_ms=tx.now_ms + 1)
    later = MemoryTransaction(now_ms=tx.now_ms + 2, keys=tx.keys, events=tx.events, scopes=tx.scopes)
    assert remove_scope(later, "orders:read") == []
    assert tx.keys.rows[key.id].is_expired(tx.now_ms)
