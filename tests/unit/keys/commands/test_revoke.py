"""Revoking a key, alone or with the keys that it made."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Forbidden, Invalid, NotFound
from ari.keys import KeyChange, change, delete, revoke
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_a_revoke_is_permanent_and_records_who_and_why() -> None:
    """A repeat changes nothing, so a client may retry."""
    tx = MemoryTransaction()
    key = make_key(tx)
    revoked = revoke(tx, key.id, "leaked")
    assert (revoked.revoked_at_ms, revoked.revoked_by, revoked.revoke_reason) == (NOW_MS, "usr_1", "leaked")
    tx.now_ms += 1
    assert revoke(tx, key.id, "again") == revoked
    assert tx.names == ["key_created", "key_revoked"]


def test_descendants_are_revoked_with_their_maker() -> None:
    """Grandchildren too, and keys that it only gave more scopes; others stay."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    child = make_key(tx.by(maker), "*")
    grandchild = make_key(tx.by(child), "api:read")
    helped, other = make_key(tx, "api:read"), make_key(tx, "api:read")
    change(tx.by(maker), helped.id, KeyChange(scopes=("api:read", "keys:read")))
    revoke(tx, maker.id, with_made=True)
    dead = {key.id for key in tx.keys.rows.values() if key.revoked_at_ms is not None}
    assert dead == {maker.id, child.id, grandchild.id, helped.id}
    assert other.id not in dead


def test_without_the_option_descendants_stay() -> None:
    """They may be in use elsewhere."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    child = make_key(tx.by(maker), "*")
    revoke(tx, maker.id)
    assert tx.keys.rows[child.id].revoked_at_ms is None


def test_the_descendants_of_a_deleted_key_can_be_revoked() -> None:
    """A leaked key may have covered its traces."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    child = make_key(tx.by(maker), "*")
    revoke(tx, maker.id)
    delete(tx, maker.id)
    with pytest.raises(NotFound):
        revoke(tx, maker.id)
    revoke(tx, maker.id, with_made=True)
    assert tx.keys.rows[child.id].revoked_at_ms is not None


def test_one_untouchable_descendant_stops_all() -> None:
    """Nothing is half-done."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    weak = make_key(tx.by(maker), "keys:write", "api:read")
    change(tx, maker.id, KeyChange(scopes=("keys:write",)))
    make_key(tx.by(weak), "api:read")
    caller = tx.by(make_key(tx, "keys:write"))
    with pytest.raises(Forbidden):
        revoke(caller, maker.id, with_made=True)
    assert all(key.revoked_at_ms is None for key in tx.keys.rows.values())


def test_an_expired_key_that_is_skipped_stays_expired() -> None:
    """A clock set back must not bring it to life after its maker was revoked."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    child = make_key(tx.by(maker), "api:read", expires_at_ms=NOW_MS + DAY_MS)
    tx.now_ms += DAY_MS
    revoke(tx, maker.id, with_made=True)
    assert tx.keys.rows[child.id].is_expired(NOW_MS)


def test_a_reason_has_limits() -> None:
    """It is shown on pages and in emails."""
    tx = MemoryTransaction()
    key = make_key(tx)
    with pytest.raises(Invalid):
        revoke(tx, key.id, "x" * 10_000)
