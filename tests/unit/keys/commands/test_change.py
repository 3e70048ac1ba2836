"""Changing a key: one event per field, and no key is revived or widened beyond its caller."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Forbidden, Invalid, NotFound
from ari.keys import KeyChange, NewKey, change, create, revoke
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_each_field_that_differs_is_one_event() -> None:
    """A field with the same value is none."""
    tx = MemoryTransaction()
    key = make_key(tx, "api:read")
    later = NOW_MS + DAY_MS
    changed = change(tx, key.id, KeyChange("new", ("api:read", "keys:read"), later, disabled=True))
    assert (changed.name, changed.scopes, changed.expires_at_ms, changed.disabled) == (
        "new",
        ("api:read", "keys:read"),
        later,
        True,
    )
    assert tx.names[1:] == ["key_renamed", "key_scopes_changed", "key_expiry_changed", "key_disabled"]
    change(tx, key.id, KeyChange("new", disabled=True))
    assert len(tx.names) == 5


def test_only_added_scopes_are_marked_as_widened() -> None:
    """The owner gets an email about those."""
    tx = MemoryTransaction()
    key = make_key(tx, "api:read", "keys:read")
    change(tx, key.id, KeyChange(scopes=("api:read",)))
    assert "widened" not in tx.events.written[-1].detail
    change(tx, key.id, KeyChange(scopes=("*",)))
    assert tx.events.written[-1].detail["widened"] is True


def test_revoked_and_expired_keys_stay_so() -> None:
    """Promise 1: nothing restores a dead key."""
    tx = MemoryTransaction()
    key, old = make_key(tx), make_key(tx, expires_at_ms=NOW_MS + 60_000)
    revoke(tx, key.id)
    tx.now_ms += 60_000
    for dead in (key, old):
        with pytest.raises(Conflict) as refused:
            change(tx, dead.id, KeyChange(expires_at_ms=None, disabled=False))
        assert refused.value.code == "key_inactive"


@pytest.mark.parametrize("wanted", [KeyChange(name=""), KeyChange(scopes=("x",)), KeyChange(expires_at_ms=NOW_MS - 1)])
def test_invalid_values_change_nothing(wanted: KeyChange) -> None:
    """No event either."""
    tx = MemoryTransaction()
    key = make_key(tx)
    with pytest.raises(Invalid):
        change(tx, key.id, wanted)
    assert (tx.keys.rows[key.id], len(tx.names)) == (key, 1)


def test_an_unknown_id_is_not_found() -> None:
    """As is text that is no id."""
    for key_id in ("key_01JD7W0000000000000000000", "nonsense"):
        with pytest.raises(NotFound):
            change(MemoryTransaction(), key_id, KeyChange(name="x"))


def test_a_key_cannot_touch_a_stronger_one_or_widen_itself() -> None:
    """Security rule 11."""
    tx = MemoryTransaction()
    strong, weak = make_key(tx, "*"), make_key(tx, "keys:write", "api:read")
    with pytest.raises(Forbidden):
        change(tx.by(weak), strong.id, KeyChange(name="mine"))
    disabled = change(tx, weak.id, KeyChange(disabled=True))
    with pytest.raises(Forbidden, match="enable itself"):
        change(tx.by(disabled), weak.id, KeyChange(disabled=False))


def test_ownership_and_addresses_are_an_event_each() -> None:
    """The audit log shows each change."""
    tx = MemoryTransaction()
    key = make_key(tx)
    wanted = KeyChange(environment="test", tags=("b", "a"), metadata={"plan": "pro"}, addresses=("203.0.113.7",))
    changed = change(tx, key.id, wanted)
    assert (changed.environment, changed.tags, changed.metadata) == ("test", ("a", "b"), '{"plan":"pro"}')
    assert changed.policy.addresses == ("203.0.113.7/32",)
    names = ["key_addresses_changed", "key_environment_changed", "key_tags_changed", "key_metadata_changed"]
    assert tx.names[1:] == names
    change(tx, key.id, wanted)
    assert tx.names[1:] == names


def test_a_key_bound_to_addresses_gives_access_from_these_only() -> None:
    """Neither to a new key nor to an existing one, nor to itself (security.md 11)."""
    tx = MemoryTransaction()
    bound = create(tx, NewKey("n", scopes=("*",), addresses=("10.0.0.0/8",))).key
    free = make_key(tx, "api:read")
    by = tx.by(bound)
    for addresses in ((), ("0.0.0.0/0",), ("10.0.0.0/8", "11.0.0.0/8")):
        with pytest.raises(Forbidden):
            create(by, NewKey("child", scopes=("api:read",), addresses=addresses))
    child = create(by, NewKey("child", scopes=("api:read",), addresses=("10.1.0.0/16",))).key
    for key in (child, free, bound):
        with pytest.raises(Forbidden):
            change(by, key.id, KeyChange(addresses=("192.0.2.0/24",)))
    with pytest.raises(Forbidden):
        change(by, free.id, KeyChange(scopes=("api:read", "keys:read")))
    assert change(by, free.id, KeyChange(addresses=("10.0.0.1",))).policy.addresses == ("10.0.0.1/32",)


def test_an_enabled_key_remembers_when() -> None:
    """So that a key that was disabled for not being used gets its time again."""
    tx = MemoryTransaction()
    key = make_key(tx)
    change(tx, key.id, KeyChange(disabled=True))
    tx.now_ms += 5
    assert change(tx, key.id, KeyChange(disabled=False)).enabled_at_ms == tx.now_ms
