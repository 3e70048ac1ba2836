"""Keys and their commands on both databases: the contract of ``KeyStore`` and the rules of ``manage``."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import DAY_MS, FrozenClock
from ari.base.errors import CallerDead, Conflict, Forbidden, Invalid, NotFound
from ari.base.events import Origin
from ari.instance import Instance
from ari.keys import manage, token
from ari.keys.manage import Created, KeyChange, NewKey
from ari.keys.model import ApiKey
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _create(instance: Instance, name: str = "n", caller: Caller = SYSTEM, **more: object) -> Created:
    new = NewKey(name, **more)  # type: ignore[arg-type]  # the tests' own fields
    return instance.command(caller, lambda unit, by: manage.create(unit, by, instance.now_ms(), new))


def _change(instance: Instance, key: ApiKey, caller: Caller = SYSTEM, **more: object) -> ApiKey:
    change = KeyChange(**more)  # type: ignore[arg-type]
    return instance.command(caller, lambda unit, by: manage.change(unit, by, instance.now_ms(), key.id, change))


def _revoke(instance: Instance, key: ApiKey, caller: Caller = SYSTEM, **more: object) -> ApiKey:
    return instance.command(
        caller,
        lambda unit, by: manage.revoke(unit, by, instance.now_ms(), key.id, **more),  # type: ignore[arg-type]
    )


def _delete(instance: Instance, key: ApiKey, caller: Caller = SYSTEM) -> None:
    instance.command(caller, lambda unit, by: manage.delete(unit, by, instance.now_ms(), key.id))


def _as(key: ApiKey) -> Caller:
    return Caller(key.id, Origin("api"), key.scopes, key.expires_at_ms)


def _clock(instance: Instance) -> FrozenClock:
    assert isinstance(instance.clock, FrozenClock)
    return instance.clock


def _events(instance: Instance, key: ApiKey) -> list[str]:
    return [event.name for event in instance.read(lambda unit: unit.events.page(key.id, None, 50))]


def test_a_created_key_is_found_by_its_digest_and_id(instance: Instance) -> None:
    """What was shown once is stored as a hash and reads back whole."""
    created = _create(instance, "  Büro 🚀 ", expires="90d", scopes=("usage:read", "api:read"))
    key = created.key
    assert (key.name, key.scopes) == ("Büro 🚀", ("api:read", "usage:read"))
    assert key.expires_at_ms == instance.now_ms() + 90 * DAY_MS
    digest = token.digest(created.secret.encode())
    assert instance.read(lambda unit: unit.keys.find(digest)) == key
    assert instance.read(lambda unit: manage.get(unit, key.id)) == key


def test_same_names_are_counted_not_refused(instance: Instance) -> None:
    """Names need not be unique; the page warns."""
    assert [_create(instance, name).same_name for name in ("CI", "ｃｉ", "ci", "other")] == [0, 1, 2, 0]


def test_every_command_writes_its_event(instance: Instance) -> None:
    """Who did what, in the transaction of the change."""
    key = _create(instance).key
    _change(instance, key, name="m", scopes=("keys:read",), expires_at_ms=instance.now_ms() + 1, disabled=True)
    _change(instance, key, name="m")
    _change(instance, key, disabled=False)
    _revoke(instance, key, reason="leaked")
    _revoke(instance, key)
    _delete(instance, key)
    assert _events(instance, key)[::-1] == [
        "key_created",
        "key_renamed",
        "key_scopes_changed",
        "key_expiry_changed",
        "key_disabled",
        "key_enabled",
        "key_revoked",
        "key_deleted",
    ]


def test_a_failed_command_leaves_nothing(instance: Instance) -> None:
    """One transaction: the key and its event, or neither."""

    def work(unit: object, by: Caller) -> None:
        manage.create(unit, by, instance.now_ms(), NewKey("n"))  # type: ignore[arg-type]
        raise RuntimeError("later")

    with pytest.raises(RuntimeError):
        instance.command(SYSTEM, work)
    assert instance.read(lambda unit: (unit.keys.count(0, "all"), unit.events.page(None, None, 9))) == (0, [])


def test_revoking_is_final_and_repeatable(instance: Instance) -> None:
    """The second time changes nothing and answers the same."""
    key = _create(instance).key
    first = _revoke(instance, key, reason="one")
    _clock(instance).advance(60)
    assert _revoke(instance, key, reason="two") == first
    for change in ({"disabled": False}, {"name": "x"}, {"expires_at_ms": None}):
        with pytest.raises(Conflict, match="revived"):
            _change(instance, key, **change)


def test_an_expired_key_is_not_revived(instance: Instance) -> None:
    """Not by another expiry, and not by a clock set back once it was stamped."""
    key = _create(instance, expires="1h").key
    _clock(instance).advance(3600)
    with pytest.raises(Conflict):
        _change(instance, key, expires_at_ms=None)
    with instance.database.writing() as unit:
        assert unit.keys.any_unstamped(instance.now_ms())
        assert unit.keys.stamp_expired(instance.now_ms()) == 1
        assert unit.keys.stamp_expired(instance.now_ms()) == 0
    _clock(instance).step(-7200)
    assert instance.read(lambda unit: manage.get(unit, key.id)).status(instance.now_ms()) == "expired"


def test_only_the_inactive_can_be_deleted_and_a_tombstone_stays(instance: Instance) -> None:
    """Later calls with a deleted key are still recognised as its own, and refused."""
    created = _create(instance, expires="1h")
    with pytest.raises(Conflict) as caught:
        _delete(instance, created.key)
    assert caught.value.code == "key_active"
    _clock(instance).advance(3600)
    _delete(instance, created.key)
    with pytest.raises(NotFound):
        instance.read(lambda unit: manage.get(unit, created.key.id))
    with pytest.raises(NotFound):
        _delete(instance, created.key)
    _clock(instance).step(-7200)
    tombstone = instance.read(lambda unit: unit.keys.find(token.digest(created.secret.encode())))
    assert tombstone is not None
    assert (tombstone.name, tombstone.status(instance.now_ms())) == ("n", "expired")


def test_pages_are_newest_first_and_filtered(instance: Instance) -> None:
    """Cursor paging over ids, which sort by time."""
    keys = []
    for number in range(5):
        _clock(instance).advance(1)
        keys.append(_create(instance, f"k{number}", expires="1h" if number == 1 else None).key)
    _revoke(instance, keys[2])
    _clock(instance).advance(3600)
    now_ms = instance.now_ms()

    def page(activity: str, before: str | None = None, limit: int = 10) -> list[str]:
        return [key.name for key in instance.read(lambda unit: unit.keys.page(now_ms, activity, before, limit))]  # type: ignore[arg-type]

    assert page("all") == ["k4", "k3", "k2", "k1", "k0"]
    assert page("active") == ["k4", "k3", "k0"]
    assert page("inactive") == ["k2", "k1"]
    assert page("all", keys[3].id, 2) == ["k2", "k1"]
    assert instance.read(lambda unit: unit.keys.count(now_ms, "inactive")) == 2


@pytest.mark.parametrize("key_id", ["", "key_1", "x" * 1000, "key_\x00", "' OR 1=1 --"])
def test_unknown_ids_are_not_found(instance: Instance, key_id: str) -> None:
    """Whatever the text."""
    with pytest.raises(NotFound):
        instance.read(lambda unit: manage.get(unit, key_id))


def test_bad_input_is_refused_before_anything_is_written(instance: Instance) -> None:
    """And names the field."""
    for bad in ({"name": ""}, {"expires": "2w"}, {"scopes": ("nope:read",)}, {"scopes": ()}, {"expires_at_ms": 1}):
        with pytest.raises(Invalid) as caught:
            _create(instance, **({"name": "n"} | bad))  # type: ignore[arg-type]
        assert caught.value.problems[0].location.startswith(next(iter(bad)).removesuffix("_ms"))
    assert instance.read(lambda unit: unit.keys.count(0, "all")) == 0


def test_rule_11_a_key_grants_only_what_it_holds_and_no_longer_than_it_lives(instance: Instance) -> None:
    """security.md 11."""
    maker = _create(instance, expires="7d", scopes=("keys:write", "api:read")).key
    caller = _as(maker)
    with pytest.raises(Forbidden) as caught:
        _create(instance, caller=caller, scopes=("usage:read",), expires="1h")
    assert caught.value.scope == "usage:read"
    for expires in ("30d", "never", None):
        with pytest.raises(Forbidden, match="longer"):
            _create(instance, caller=caller, scopes=("api:read",), expires=expires)
    assert _create(instance, caller=caller, scopes=("api:read",), expires="7d").key.created_by == maker.id


def test_rule_11_a_key_touches_no_wider_key_and_never_widens_itself(instance: Instance) -> None:
    """security.md 11."""
    maker = _create(instance, expires="7d", scopes=("keys:write", "api:read")).key
    wider = _create(instance, scopes=("*",)).key
    for attempt in (
        lambda: _change(instance, wider, _as(maker), name="x"),
        lambda: _revoke(instance, wider, _as(maker)),
        lambda: _delete(instance, wider, _as(maker)),
        lambda: _change(instance, maker, _as(maker), scopes=("*",)),
        lambda: _change(instance, maker, _as(maker), expires_at_ms=None),
        lambda: _change(instance, maker, _as(maker), expires_at_ms=maker.expires_at_ms + 1),  # type: ignore[operator]
    ):
        with pytest.raises(Forbidden):
            attempt()
    narrower = _change(instance, maker, _as(maker), scopes=("keys:write",), expires_at_ms=instance.now_ms() + 5)
    assert narrower.scopes == ("keys:write",)


def test_rule_11_revoking_can_take_along_what_the_key_made(instance: Instance) -> None:
    """A leaked key's children, and theirs, die in the same transaction."""
    root = _create(instance, "root", scopes=("*",)).key
    child = _create(instance, "child", _as(root), scopes=("keys:write",)).key
    grandchild = _create(instance, "grandchild", _as(child), scopes=("keys:write",)).key
    other = _create(instance, "other").key
    living = instance.read(lambda unit: manage.living_made_by(unit, instance.now_ms(), root.id))
    assert {key.name for key in living} == {"child", "grandchild"}
    _revoke(instance, root, with_made=True)
    statuses = {
        key.name: instance.read(lambda unit, key=key: manage.get(unit, key.id)).status(0)
        for key in (root, child, grandchild, other)
    }
    assert statuses == {"root": "revoked", "child": "revoked", "grandchild": "revoked", "other": "active"}


def test_rule_12_a_dead_caller_writes_nothing(instance: Instance) -> None:
    """Headers before the revoke, body after: no key."""
    maker = _create(instance, scopes=("*",)).key
    caller = _as(maker)
    _revoke(instance, maker)
    with pytest.raises(CallerDead) as caught:
        _create(instance, "late", caller)
    assert caught.value.code == "revoked"
    narrowed = _create(instance, scopes=("keys:write", "api:read")).key
    stale = replace(_as(narrowed), scopes=("*",))
    with pytest.raises(Forbidden):
        _create(instance, "wide", stale, scopes=("*",))
    assert instance.read(lambda unit: unit.keys.count(0, "all")) == 2
