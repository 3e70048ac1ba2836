"""Rules for all keys bind every door and every key, and no key can change them (security.md 11)."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Forbidden, Invalid
from ari.keys import InstancePolicyChange, KeyChange, NewKey, change, change_instance_policy, create
from ari.keys.commands.instance_policy import disable_unused
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_a_change_is_one_event_and_binds_later_keys() -> None:
    """Existing keys keep their expiry; changing it obeys the rule."""
    tx = MemoryTransaction()
    old = make_key(tx)
    wanted = InstancePolicyChange(max_lifetime_days=30)
    for _ in range(2):
        assert change_instance_policy(tx, wanted).max_lifetime_days == 30
    assert tx.names.count("instance_policy_changed") == 1
    assert tx.keys.rows[old.id].expires_at_ms is None
    assert change(tx, old.id, KeyChange(name="renamed")).expires_at_ms is None
    assert create(tx, NewKey("n")).key.expires_at_ms == NOW_MS + 30 * DAY_MS
    for new in (NewKey("n", "never"), NewKey("n", "1y"), NewKey("n", expires_at_ms=NOW_MS + 31 * DAY_MS)):
        with pytest.raises(Invalid):
            create(tx, new)
    with pytest.raises(Invalid):
        change(tx, old.id, KeyChange(expires_at_ms=NOW_MS + 31 * DAY_MS))
    assert change_instance_policy(tx, InstancePolicyChange(max_lifetime_days=None)).max_lifetime_days is None
    assert create(tx, NewKey("n", "never")).key.expires_at_ms is None


def test_no_key_changes_the_rules() -> None:
    """Not even with full access: it could first lengthen its own life."""
    tx = MemoryTransaction()
    root = make_key(tx, "*")
    with pytest.raises(Forbidden):
        change_instance_policy(tx.by(root), InstancePolicyChange(max_lifetime_days=None))
    assert "instance_policy_changed" not in tx.names


def test_only_keys_that_are_due_are_disabled() -> None:
    """Young keys, keys enabled since, and inactive keys are left alone; without the rule, all are."""
    tx = MemoryTransaction()
    due, enabled, off = make_key(tx), make_key(tx), make_key(tx)
    change(tx, off.id, KeyChange(disabled=True))
    tx.now_ms += 40 * DAY_MS
    young = make_key(tx)
    for disabled in (True, False):
        change(tx, enabled.id, KeyChange(disabled=disabled))
    ids = [due.id, enabled.id, off.id, young.id]
    cutoff_ms = tx.now_ms - 30 * DAY_MS
    assert disable_unused(tx, ids, cutoff_ms) == []
    change_instance_policy(tx, InstancePolicyChange(disable_unused_days=30))
    assert [key.id for key in disable_unused(tx, ids, cutoff_ms)] == [due.id]
    assert (tx.events.written[-1].name, tx.events.written[-1].detail["unused_days"]) == ("key_disabled", 30)
    assert disable_unused(tx, ids, cutoff_ms) == []
