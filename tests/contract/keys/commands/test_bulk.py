"""One change to many keys on both databases: one transaction, one event for each key."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.caller import SYSTEM, Caller
from ari.base.clock import DAY_MS
from ari.base.errors import Forbidden, Invalid
from ari.deps import Deps
from ari.instance import Instance
from tests.support.commands import as_caller, clock_of, create_key, events_of, revoke_key
from tests.support.instances import START_MS, opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _do(instance: Instance, work: Any, *args: object, caller: Caller = SYSTEM) -> list[str]:
    done = Deps(instance, caller).do_sync(work, *args)
    return sorted(key.name for key in done)


def test_many_are_revoked_with_one_event_each(instance: Instance) -> None:
    """Dead, deleted and unknown keys are left alone."""
    a, b, dead, other = (create_key(instance, name).key for name in ("a", "b", "dead", "other"))
    revoke_key(instance, dead, reason="before")
    ids = [b.id, a.id, dead.id, a.id, "key_00000000000000000000000000", "nonsense"]
    assert _do(instance, keys.revoke_many, ids, "tidied up") == ["a", "b"]
    assert events_of(instance, a) == events_of(instance, dead) == ["key_revoked", "key_created"]
    assert events_of(instance, other) == ["key_created"]
    for key in (a, b):
        found = Deps(instance).read_sync(keys.get, key.id)
        assert (found.status(START_MS), found.revoke_reason) == ("revoked", "tidied up")
    assert _do(instance, keys.revoke_many, ids) == []


def test_many_are_deleted_if_they_are_inactive(instance: Instance) -> None:
    """A key that works is left alone."""
    working, revoked, hour = (
        create_key(instance, n, expires=e).key for n, e in (("w", None), ("r", None), ("h", "1h"))
    )
    revoke_key(instance, revoked)
    clock_of(instance).advance(3600)
    sorted_ = Deps(instance).read_sync(keys.select_deletable, [working.id, revoked.id, hour.id])
    assert [{key.name for key in part} for part in (sorted_.fitting, sorted_.others)] == [{"r", "h"}, {"w"}]
    assert _do(instance, keys.delete_many, [working.id, revoked.id, hour.id]) == ["h", "r"]
    assert [
        key.name for key in Deps(instance).read_sync(lambda unit: unit.keys.page(instance.now_ms(), "all", None, 9))
    ] == ["w"]


def test_many_get_the_same_end(instance: Instance) -> None:
    """No dead key is revived by it, and a past end is refused before anything is written."""
    a, b, dead = (create_key(instance, name).key for name in ("a", "b", "dead"))
    revoke_key(instance, dead)
    end = START_MS + DAY_MS
    assert _do(instance, keys.change_expiry_of_many, [a.id, b.id, dead.id], end) == ["a", "b"]
    assert Deps(instance).read_sync(keys.get, a.id).expires_at_ms == end
    assert Deps(instance).read_sync(keys.get, dead.id).expires_at_ms is None
    with pytest.raises(Invalid):
        _do(instance, keys.change_expiry_of_many, [a.id], START_MS)


def test_one_key_that_the_caller_may_not_touch_refuses_the_whole(instance: Instance) -> None:
    """Nothing is written then (security.md 11)."""
    narrow = create_key(instance, "narrow", scopes=("keys:write", "api:read")).key
    small, admin = create_key(instance, "small").key, create_key(instance, "admin", scopes=("*",)).key
    with pytest.raises(Forbidden):
        _do(instance, keys.revoke_many, [small.id, admin.id], caller=as_caller(narrow))
    assert Deps(instance).read_sync(keys.get, small.id).status(START_MS) == "active"
    assert _do(instance, keys.revoke_many, [small.id], caller=as_caller(narrow)) == ["small"]


def test_too_many_at_once_and_bad_reasons_are_refused(instance: Instance) -> None:
    """Before anything is written."""
    key = create_key(instance).key
    with pytest.raises(Invalid):
        _do(instance, keys.revoke_many, [key.id] * (keys.MAX_KEYS_AT_ONCE + 1))
    with pytest.raises(Invalid):
        _do(instance, keys.revoke_many, [key.id], "x\u202e")
    assert events_of(instance, key) == ["key_created"]
