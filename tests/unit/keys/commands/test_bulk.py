"""Commands on many keys: those that no longer fit are skipped, a forbidden one stops all."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Forbidden, Invalid
from ari.keys import (
    MAX_KEYS_AT_ONCE,
    change_expiry_of_many,
    delete_many,
    revoke,
    revoke_many,
    select_deletable,
    select_revocable,
)
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_keys_that_no_longer_fit_are_skipped() -> None:
    """The list that they were chosen from may be a minute old."""
    tx = MemoryTransaction()
    one, two, dead = make_key(tx), make_key(tx), make_key(tx)
    revoke(tx, dead.id)
    chosen = [dead.id, two.id, one.id, one.id, "key_01JD7W0000000000000000000"]
    assert {key.id for key in revoke_many(tx, chosen, "cleanup")} == {one.id, two.id}
    assert revoke_many(tx, chosen) == []
    assert tx.names.count("key_revoked") == 3


def test_a_selection_shows_both_sides() -> None:
    """So a page can say which keys will be left alone."""
    tx = MemoryTransaction()
    active, dead = make_key(tx), make_key(tx)
    dead = revoke(tx, dead.id)
    ids = [active.id, dead.id]
    assert (select_revocable(tx, ids).fitting, select_revocable(tx, ids).others) == ([active], [dead])
    assert (select_deletable(tx, ids).fitting, select_deletable(tx, ids).others) == ([dead], [active])


def test_only_inactive_keys_are_deleted() -> None:
    """Active ones among the chosen stay."""
    tx = MemoryTransaction()
    active, dead = make_key(tx), make_key(tx)
    revoke(tx, dead.id)
    assert [key.id for key in delete_many(tx, [active.id, dead.id])] == [dead.id]
    assert tx.keys.get(active.id) is not None


def test_one_expiry_for_many() -> None:
    """Refused as a whole if it is in the past."""
    tx = MemoryTransaction()
    keys = [make_key(tx), make_key(tx)]
    ids = [key.id for key in keys]
    changed = change_expiry_of_many(tx, ids, NOW_MS + DAY_MS)
    assert [key.expires_at_ms for key in changed] == [NOW_MS + DAY_MS] * 2
    with pytest.raises(Invalid):
        change_expiry_of_many(tx, ids, NOW_MS - DAY_MS)


def test_a_forbidden_key_stops_the_command() -> None:
    """The transaction is rolled back by its caller."""
    tx = MemoryTransaction()
    weak, strong = make_key(tx, "keys:write"), make_key(tx, "*")
    with pytest.raises(Forbidden):
        revoke_many(tx.by(weak), [strong.id])


def test_the_number_is_limited() -> None:
    """One command must not hold the write lock for long."""
    with pytest.raises(Invalid):
        delete_many(MemoryTransaction(), [f"key_{n}" for n in range(MAX_KEYS_AT_ONCE + 1)])
