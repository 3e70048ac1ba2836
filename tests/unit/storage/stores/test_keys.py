"""API keys in SQL: an expired key stays expired, and look-alike names and grants are found."""

from dataclasses import replace

import pytest

from ari.instance import Instance
from ari.keys.model import ApiKey
from ari.keys.policy import Policy
from tests.support.instances import START_MS

KEY = ApiKey("key_1", "Backup", "ari_k_a…b", ("a", "b"), START_MS, "usr_1")


def _digest(key: ApiKey) -> bytes:
    return key.id.encode().ljust(32, b"\0")


def _add(instance: Instance, *keys: ApiKey) -> None:
    with instance.database.writing() as unit:
        for key in keys:
            unit.keys.add(key, _digest(key))


def test_every_field_comes_back(instance: Instance) -> None:
    """Whatever state the key is in; what was set when it was made stays as it was."""
    changed = replace(
        KEY,
        name="Other",
        hint="acme_live_a…b",
        environment="test",
        tags=("one", "two"),
        metadata="{}",
        policy=Policy(("203.0.113.0/24",)),
        enabled_at_ms=4,
        scopes=(),
        expires_at_ms=1,
        expired_seen_at_ms=2,
        disabled=True,
        revoked_at_ms=3,
        revoked_by="usr_2",
        revoke_reason="why",
    )
    _add(instance, KEY)
    with instance.database.writing() as unit:
        assert unit.keys.find(_digest(KEY)) == KEY
        unit.keys.save(replace(changed, kind="another", created_by="nobody"))
        assert unit.keys.get(KEY.id) == changed


def test_a_tombstone_is_found_only_as_that(instance: Instance) -> None:
    """A deleted key cannot be read or changed, and later calls with it are still recognized."""
    dead = replace(KEY, revoked_at_ms=1, deleted_at_ms=2)
    _add(instance, dead)
    with instance.database.reading() as unit:
        assert unit.keys.get(KEY.id) is None
        assert unit.keys.page(START_MS, "all", None, 9) == []
        assert unit.keys.tombstone(KEY.id) == unit.keys.find(_digest(KEY)) == dead


def test_an_expired_key_is_stamped_once(instance: Instance) -> None:
    """At its very millisecond. A clock set back revives nothing, so the first stamp stays."""
    ends = {"key_1": START_MS, "key_2": START_MS + 1, "key_3": None}
    _add(instance, *(replace(KEY, id=key_id, expires_at_ms=end) for key_id, end in ends.items()))
    with instance.database.writing() as unit:
        assert unit.keys.has_unstamped(START_MS)
        assert unit.keys.stamp_expired(START_MS) == 1
        assert not unit.keys.has_unstamped(START_MS)
        assert unit.keys.stamp_expired(START_MS + 1) == 1
        found = {key_id: unit.keys.get(key_id) for key_id in ends}
    assert [key.expired_seen_at_ms for key in found.values() if key] == [START_MS, START_MS + 1, None]
    with instance.database.reading() as unit:
        assert unit.keys.count(0, "active") == 1
        assert unit.keys.count(0, "inactive") == 2


@pytest.mark.parametrize(
    ("name", "same", "alike"), [("backup", 1, 0), ("Bаckup", 0, 1), ("Backup 2", 0, 0), ("BACKUP", 1, 0)]
)
def test_names_like_another_are_counted(instance: Instance, name: str, same: int, alike: int) -> None:
    """Also with a Cyrillic letter in the place of a Latin one; a revoked key's name is free again."""
    from ari.keys.names import fold_name

    _add(instance, KEY, replace(KEY, id="key_2", revoked_at_ms=1))
    with instance.database.reading() as unit:
        assert unit.keys.count_named(fold_name(name), START_MS) == same
        assert unit.keys.count_look_alikes(name, START_MS) == alike


def test_a_key_keeps_the_origin_of_its_rights(instance: Instance) -> None:
    """The key that made it and those that granted it more, each once; people are no source that can be revoked."""
    made = replace(KEY, id="key_2", created_by="key_1")
    _add(instance, KEY, made)
    with instance.database.writing() as unit:
        for grantor in ("key_1", "key_3", "key_3"):
            unit.keys.add_grant(grantor, made.id)
        assert sorted(unit.keys.sources_of(made.id)) == ["key_1", "key_3"]
        assert unit.keys.sources_of(KEY.id) == []
        assert unit.keys.list_made_by("key_3") == unit.keys.list_made_by("key_1") == [made]
        assert unit.keys.list_made_by("usr_1") == [KEY]
