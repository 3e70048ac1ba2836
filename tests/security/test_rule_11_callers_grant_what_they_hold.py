"""security.md 11: a caller grants only what it holds, touches no wider key, and can be revoked with what it made."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.errors import CallerRevoked, Conflict, Forbidden, NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import ConsumerChange, NewConsumer
from ari.keys.model import ApiKey
from tests.support.commands import as_caller, change_key, clock_of, create_key, delete_key, events_of, revoke_key
from tests.support.instances import opened

MINUTE: dict[str, object] = {"name": "default", "limit": 5, "window": "1m"}


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_a_key_grants_only_what_it_holds_and_no_longer_than_it_lives(instance: Instance) -> None:
    """And no more: neither scopes nor lifetime."""
    maker = create_key(instance, expires="7d", scopes=("keys:write", "api:read")).key
    caller = as_caller(maker)
    with pytest.raises(Forbidden) as caught:
        create_key(instance, caller=caller, scopes=("usage:read",), expires="1h")
    assert caught.value.scope == "usage:read"
    for expires in ("30d", "never", None):
        with pytest.raises(Forbidden, match="beyond its own expiry"):
            create_key(instance, caller=caller, scopes=("api:read",), expires=expires)
    assert create_key(instance, caller=caller, scopes=("api:read",), expires="7d").key.created_by == maker.id


def test_a_key_touches_no_wider_key_and_never_widens_itself(instance: Instance) -> None:
    """Nor extends itself; narrowing itself is fine."""
    maker = create_key(instance, expires="7d", scopes=("keys:write", "api:read")).key
    wider = create_key(instance, scopes=("*",)).key
    assert maker.expires_at_ms is not None
    later_ms = maker.expires_at_ms + 1
    for attempt in (
        lambda: change_key(instance, wider, as_caller(maker), name="x"),
        lambda: revoke_key(instance, wider, as_caller(maker)),
        lambda: delete_key(instance, wider, as_caller(maker)),
        lambda: change_key(instance, maker, as_caller(maker), scopes=("*",)),
        lambda: change_key(instance, maker, as_caller(maker), expires_at_ms=None),
        lambda: change_key(instance, maker, as_caller(maker), expires_at_ms=later_ms),
    ):
        with pytest.raises(Forbidden):
            attempt()
    narrower = change_key(
        instance, maker, as_caller(maker), scopes=("keys:write",), expires_at_ms=instance.now_ms() + 5
    )
    assert narrower.scopes == ("keys:write",)


def test_a_disabled_key_does_not_enable_itself(instance: Instance) -> None:
    """Nor its maker, which is narrower; who may do as much may."""
    key = create_key(instance, scopes=("*",)).key
    maker = create_key(instance, scopes=("keys:write",)).key
    change_key(instance, key, disabled=True)
    with pytest.raises(CallerRevoked):
        change_key(instance, key, as_caller(key), disabled=False)
    with pytest.raises(Forbidden):
        change_key(instance, key, as_caller(maker), disabled=False)
    other = create_key(instance, scopes=("*",)).key
    assert change_key(instance, key, as_caller(other), disabled=False).disabled is False


def test_a_dead_key_cannot_be_patched(instance: Instance) -> None:
    """Revoked or expired: 409 for every field, also for the owner; nothing is written."""
    revoked, expired = (create_key(instance, expires="1h").key for _ in range(2))
    revoke_key(instance, revoked)
    clock_of(instance).advance(3600)
    before = [events_of(instance, key) for key in (revoked, expired)]
    for key in (revoked, expired):
        for change in ({"name": "x"}, {"disabled": False}, {"expires_at_ms": None}, {"scopes": ("api:read",)}, {}):
            with pytest.raises(Conflict) as caught:
                change_key(instance, key, **change)
            assert caught.value.code == "key_inactive"
    assert [events_of(instance, key) for key in (revoked, expired)] == before


def test_a_caller_takes_along_no_key_that_is_wider(instance: Instance) -> None:
    """Revoking with what the key made is one transaction: it happens whole or not at all."""
    maker = create_key(instance, "maker", scopes=("keys:write", "api:read")).key
    made = [create_key(instance, f"made {n}", as_caller(maker), scopes=("api:read",)).key for n in range(2)]
    change_key(instance, made[1], scopes=("*",))
    caller = create_key(instance, scopes=("keys:write", "api:read")).key
    with pytest.raises(Forbidden):
        revoke_key(instance, maker, as_caller(caller), with_made=True)
    assert {status_of(instance, key) for key in (maker, *made)} == {"active"}


def status_of(instance: Instance, key: ApiKey) -> str:
    return Deps(instance).read_sync(keys.get, key.id).status(instance.now_ms())


def test_revoking_can_take_along_what_the_key_made(instance: Instance) -> None:
    """A leaked key's children, and theirs, die in the same transaction."""
    root = create_key(instance, "root", scopes=("*",)).key
    child = create_key(instance, "child", as_caller(root), scopes=("keys:write",)).key
    grandchild = create_key(instance, "grandchild", as_caller(child), scopes=("keys:write",)).key
    other = create_key(instance, "other").key
    living = Deps(instance).read_sync(keys.get_active_made_by, root.id)
    assert {key.name for key in living} == {"child", "grandchild"}
    revoke_key(instance, root, with_made=True)
    statuses = {
        key.name: Deps(instance).read_sync(keys.get, key.id).status(0) for key in (root, child, grandchild, other)
    }
    assert statuses == {"root": "revoked", "child": "revoked", "grandchild": "revoked", "other": "active"}


def test_a_key_does_not_enable_the_keys_that_it_was_made_by(instance: Instance) -> None:
    """Neither its maker nor one further up, also where a key between them was deleted; the owner does."""
    root = create_key(instance, "root", scopes=("keys:write",)).key
    child = create_key(instance, "child", as_caller(root), scopes=("keys:write",)).key
    grandchild = create_key(instance, "grandchild", as_caller(child), scopes=("keys:write",)).key
    change_key(instance, root, disabled=True)
    for caller in (child, grandchild):
        for more in ({}, {"name": "again"}):
            with pytest.raises(Forbidden, match="created it or gave it access"):
                change_key(instance, root, as_caller(caller), disabled=False, **more)
    revoke_key(instance, child)
    delete_key(instance, child)
    with pytest.raises(Forbidden, match="created it or gave it access"):
        change_key(instance, root, as_caller(grandchild), disabled=False)
    assert status_of(instance, root) == "disabled"
    assert change_key(instance, root, disabled=False).disabled is False


def test_a_key_enables_no_key_that_outlives_it(instance: Instance) -> None:
    """Enabling lets a key do more, so it has the bounds of widening; what ends sooner may be enabled."""
    caller = as_caller(create_key(instance, "caller", expires="7d", scopes=("keys:write",)).key)
    longer, sooner = (create_key(instance, scopes=("keys:write",), expires=end).key for end in ("never", "1h"))
    for key in (longer, sooner):
        change_key(instance, key, disabled=True)
    with pytest.raises(Forbidden, match="beyond its own expiry"):
        change_key(instance, longer, caller, disabled=False)
    assert change_key(instance, sooner, caller, disabled=False).disabled is False


def test_what_a_deleted_key_made_is_revoked_too(instance: Instance) -> None:
    """A key in between that is gone hides nothing."""
    root = create_key(instance, "root", scopes=("keys:write",)).key
    child = create_key(instance, "child", as_caller(root), scopes=("keys:write",)).key
    grandchild = create_key(instance, "grandchild", as_caller(child), scopes=("keys:write",)).key
    revoke_key(instance, child)
    delete_key(instance, child)
    revoke_key(instance, root, with_made=True)
    assert status_of(instance, grandchild) == "revoked"


@pytest.mark.parametrize("how", ["with_made", "bulk"])
def test_a_revoke_that_passes_over_an_expired_key_leaves_none_that_a_clock_revives(
    instance: Instance, how: str
) -> None:
    """It counts as dead, so it is not revoked; then the clock is set back to before its end."""
    maker = create_key(instance, scopes=("keys:write", "api:read")).key
    child = create_key(instance, caller=as_caller(maker), scopes=("api:read",), expires="1h").key
    clock_of(instance).step(3601)
    if how == "with_made":
        revoke_key(instance, maker, with_made=True)
    else:
        Deps(instance).do_sync(keys.revoke_many, [maker.id, child.id])
    clock_of(instance).step(-1800)
    assert Deps(instance).read_sync(keys.get, child.id).is_inactive(instance.now_ms())


def test_a_key_that_its_own_keys_deleted_is_still_revoked_with_what_it_made(instance: Instance) -> None:
    """Or a stolen key's child would revoke and delete its maker, and nobody could find the children by it."""
    maker = create_key(instance, scopes=("keys:write", "api:read")).key
    child = create_key(instance, caller=as_caller(maker), scopes=("keys:write", "api:read")).key
    grandchild = create_key(instance, caller=as_caller(child), scopes=("api:read",)).key
    revoke_key(instance, maker, as_caller(child))
    delete_key(instance, maker, as_caller(child))
    with pytest.raises(NotFound):
        revoke_key(instance, maker)
    assert revoke_key(instance, maker, with_made=True).deleted_at_ms is not None
    for key in (child, grandchild):
        assert Deps(instance).read_sync(keys.get, key.id).revoked_at_ms is not None
    assert events_of(instance, maker)[:2] == ["key_deleted", "key_revoked"]


def test_keys_speak_for_nobody_else(instance: Instance) -> None:
    """Consumer, tags and environment are part of what a key gives (decision 48), and shared limits are each key's."""
    for name in ("alpha", "beta"):
        Deps(instance).do_sync(keys.create_consumer, NewConsumer(name, name, None, [MINUTE]))
    clerk = create_key(instance, scopes=("keys:write", "consumers:write", "api:read"), expires="1h").key
    alpha = create_key(instance, scopes=("keys:write", "keys:read", "api:read"), consumer="alpha", tags=("a",)).key
    beta = create_key(instance, scopes=("api:read",), consumer="beta", expires="1h").key
    Deps(instance).do_sync(keys.change_consumer, "alpha", ConsumerChange(limits=[]))
    made = create_key(instance, caller=as_caller(alpha), scopes=("api:read",)).key
    assert (made.consumer_id, made.tags, made.environment) == (alpha.consumer_id, ("a",), "live")

    def limit(caller: ApiKey, consumer: str, limits: list[dict[str, object]]) -> object:
        return Deps(instance, as_caller(caller)).do_sync(keys.change_consumer, consumer, ConsumerChange(limits=limits))

    attempts: list[Callable[[], object]] = [
        lambda: change_key(instance, alpha, as_caller(alpha), consumer="beta"),
        lambda: change_key(instance, alpha, as_caller(alpha), tags=()),
        lambda: revoke_key(instance, beta, as_caller(alpha)),
        lambda: create_key(instance, caller=as_caller(clerk), scopes=("api:read",), consumer="beta", expires="1h"),
        lambda: limit(clerk, "alpha", [MINUTE]),
        lambda: limit(alpha, "alpha", [MINUTE]),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    limit(clerk, "beta", [])
    assert Deps(instance).read_sync(keys.get_active_made_by, clerk.id) == [Deps(instance).read_sync(keys.get, beta.id)]
