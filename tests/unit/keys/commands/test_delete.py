"""Deleting a key leaves a tombstone, and only a dead key can be deleted."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Forbidden
from ari.keys import delete, revoke
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_a_revoked_key_leaves_the_list_but_stays_known() -> None:
    """Its token is still refused as revoked, and its usage keeps its name."""
    tx = MemoryTransaction()
    key = make_key(tx, name="old")
    revoke(tx, key.id)
    delete(tx, key.id)
    assert tx.keys.get(key.id) is None
    gone = tx.keys.tombstone(key.id)
    assert gone is not None
    assert gone.status(NOW_MS) == "revoked"
    assert tx.events.written[-1].detail["name"] == "old"


def test_an_active_key_is_refused() -> None:
    """A disabled key too: it could be enabled again."""
    tx = MemoryTransaction()
    key = make_key(tx)
    with pytest.raises(Conflict) as refused:
        delete(tx, key.id)
    assert refused.value.code == "key_active"


def test_a_deleted_expired_key_stays_expired() -> None:
    """Whatever the clock says later."""
    tx = MemoryTransaction()
    key = make_key(tx, expires_at_ms=NOW_MS + DAY_MS)
    tx.now_ms += DAY_MS
    delete(tx, key.id)
    assert tx.keys.rows[key.id].is_expired(NOW_MS)


def test_a_key_cannot_delete_a_stronger_one() -> None:
    """Security rule 11."""
    tx = MemoryTransaction()
    strong, weak = make_key(tx, "*"), make_key(tx, "keys:write")
    revoke(tx, strong.id)
    with pytest.raises(Forbidden):
        delete(tx.by(weak), strong.id)
