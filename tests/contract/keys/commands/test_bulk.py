"""The same thing done to many keys: one transaction, one event each; advice and its dismissal, on both databases."""

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
from ari.usage import advice
from ari.usage.advice import Recommendation
from tests.support.commands import as_caller, change_key, clock_of, create_key, events_of, revoke_key
from tests.support.instances import START_MS, opened
from tests.support.past import Past


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def past(instance: Instance) -> Past:
    return Past(instance.database, START_MS)


def _do(instance: Instance, work: Any, *args: object, caller: Caller = SYSTEM) -> list[str]:
    done = Deps(instance, caller).do_sync(work, *args)
    return sorted(key.name for key in done)


def test_many_are_revoked_with_one_event_each(instance: Instance) -> None:
    """What is dead already, gone or unknown is left alone."""
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


def look(instance: Instance) -> dict[str, Recommendation]:
    usage = instance.database.usage
    found = Deps(instance).read_sync(
        lambda unit: advice.recommendations(unit.listing, unit.dismissals, usage, START_MS)
    )
    return {one.kind: one for one in found}


def test_advice_is_drawn_from_keys_and_log(instance: Instance, past: Past) -> None:
    """Each of the five kinds from what was really written."""
    past.key("idle", 60, 400)
    roaming, old, dead = past.key("roaming", 20, 90), past.key("old", 400, 900), past.key("dead", 90, 60)
    past.key("endless", 2)
    past.requests(roaming, 1, 12, address="198.51.100.{n}")
    past.requests(roaming, 40, 1, address="192.0.2.200")
    past.requests(old, 3)
    past.requests(dead, 40)
    past.requests(dead, 2, 3, code="expired", address="203.0.113.1")
    past.requests(dead, 1, 2, code="expired", address="203.0.113.9", agent="cron/1")
    past.requests(dead, 9, 2, code="expired")
    found = look(instance)
    assert {kind: [one.name for one in finding.about] for kind, finding in found.items()} == {
        "late-calls": ["dead"],
        "unused": ["idle"],
        "addresses": ["roaming"],
        "old": ["old"],
        "endless": ["endless"],
    }
    late = found["late-calls"].about[0]
    assert late.late is not None
    assert (late.number, late.late.client_address, late.late.user_agent) == (5, "203.0.113.9", "cron/1")
    assert found["addresses"].about[0].number == 12


def test_a_dismissal_is_kept_until_the_facts_change(instance: Instance, past: Past) -> None:
    """It is stored for its keys; another key brings the finding back; a revoked one takes it away."""
    one = past.key("one", 60)
    finding = look(instance)["unused"]
    with instance.database.writing() as unit:
        advice.dismiss(unit.dismissals, finding, START_MS)
    assert "unused" not in look(instance)
    two = past.key("two", 50)
    assert [about.name for about in look(instance)["unused"].about] == ["two"]
    both = look(instance)["unused"]
    with instance.database.writing() as unit:
        advice.dismiss(unit.dismissals, both, START_MS)
        assert len(unit.dismissals.all()) == 2
    revoke_key(instance, one)
    change_key(instance, two, name="renamed")
    assert "unused" not in look(instance)
