"""security.md 11: nothing that a key gives to another key outlives the giver, whatever the change and its order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.caller import Caller
from ari.base.errors import Forbidden, ReauthRequired
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.model import ApiKey
from tests.support.commands import as_caller, change_key, create_key, delete_key, revoke_key
from tests.support.instances import opened

RIGHTS = ("api:read", "keys:write", "usage:read")
HOUR_MS = 3_600_000


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _key(
    instance: Instance, expires: str = "never", scopes: tuple[str, ...] = RIGHTS, by: ApiKey | None = None
) -> ApiKey:
    if by is None:
        return create_key(instance, expires=expires, scopes=scopes).key
    return create_key(instance, caller=as_caller(by), expires=expires, scopes=scopes).key


def _now(instance: Instance, key: ApiKey) -> ApiKey:
    return Deps(instance).read_sync(keys.get, key.id)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": RIGHTS},
        {"scopes": ("api:read", "usage:read")},
        {"scopes": ("usage:read",)},
        {"scopes": RIGHTS, "disabled": True},
        {"scopes": RIGHTS, "name": "renamed"},
        {"expires_at_ms": 1_800_000_000_000 + 2 * HOUR_MS},
        {"scopes": RIGHTS, "expires_at_ms": 1_800_000_000_000 + HOUR_MS + 1},
        {"disabled": False},
        {"disabled": False, "scopes": ("api:read",)},
    ],
)
@pytest.mark.parametrize("expires", ["never", "1y", "7d"])
def test_a_caller_with_an_hour_to_live_gives_nothing_to_a_key_that_lives_longer(
    instance: Instance, expires: str, change: dict[str, object]
) -> None:
    """Scopes, time and being enabled alike; nothing is written."""
    caller = _key(instance, "1h")
    target = _key(instance, expires, ("api:read",))
    if change.get("disabled") is False:
        target = change_key(instance, target, disabled=True)
    with pytest.raises(Forbidden, match="beyond its own expiry"):
        change_key(instance, target, as_caller(caller), **change)
    assert _now(instance, target) == target


def test_no_order_of_steps_gives_more_than_one_step_would(instance: Instance) -> None:
    """Shorten, widen, and extend again; or widen while disabled, and enable later."""
    caller = _key(instance, "1h")
    weak = _key(instance, "never", ("api:read",))
    limit = caller.expires_at_ms
    assert limit is not None
    assert change_key(instance, weak, as_caller(caller), expires_at_ms=limit).expires_at_ms == limit
    widened = change_key(instance, weak, as_caller(caller), scopes=RIGHTS)
    for by in (caller, widened):
        for expires_at_ms in (None, limit + 1):
            with pytest.raises(Forbidden):
                change_key(instance, weak, as_caller(by), expires_at_ms=expires_at_ms)
    with pytest.raises(Forbidden, match="beyond its own expiry"):
        create_key(instance, caller=as_caller(widened), scopes=("api:read",))
    with pytest.raises(Forbidden):
        change_key(instance, caller, as_caller(widened), expires_at_ms=None)


def test_what_takes_away_is_not_limited_by_the_callers_life(instance: Instance) -> None:
    """A short-lived key may narrow, disable, rename and revoke a key that lives longer."""
    caller, target = as_caller(_key(instance, "1h")), _key(instance)
    assert change_key(instance, target, caller, scopes=("api:read",)).scopes == ("api:read",)
    assert change_key(instance, target, caller, disabled=True, name="off").disabled
    assert revoke_key(instance, target, caller).revoked_at_ms is not None


def test_a_key_that_lives_as_long_may_give_what_it_holds(instance: Instance) -> None:
    """The limits are the caller's, not lower."""
    caller, target = as_caller(_key(instance, "7d")), _key(instance, "1h", ("api:read",))
    changed = change_key(instance, target, caller, scopes=RIGHTS, expires_at_ms=caller.expires_at_ms)
    assert (changed.scopes, changed.expires_at_ms) == (RIGHTS, caller.expires_at_ms)
    with pytest.raises(Forbidden):
        change_key(instance, target, caller, scopes=(*RIGHTS, "keys:read"))


def test_many_at_once_have_the_same_limits(instance: Instance) -> None:
    """One key among several that may not get the new expiry refuses them all."""
    caller = as_caller(_key(instance, "1h"))
    made = [_key(instance, "1h", ("api:read",)) for _ in range(3)]
    assert caller.expires_at_ms is not None
    for expires_at_ms in (None, caller.expires_at_ms + 1):
        with pytest.raises(Forbidden):
            Deps(instance, caller).do_sync(keys.change_expiry_of_many, [key.id for key in made], expires_at_ms)
    assert [_now(instance, key) for key in made] == made


def test_a_key_gives_nothing_to_the_key_it_has_its_rights_from(instance: Instance) -> None:
    """Whatever the owner took from a key, neither what it created nor what it let do more can give back."""
    root = _key(instance)
    child = _key(instance, by=root)
    grandchild = _key(instance, by=child)
    other = _key(instance, scopes=("api:read",))
    empowered = change_key(instance, other, as_caller(root), scopes=RIGHTS)
    revoke_key(instance, child)
    delete_key(instance, child)  # a deleted key in between hides nothing
    change_key(instance, root, scopes=("api:read",), expires_at_ms=instance.now_ms() + HOUR_MS)
    for by in (grandchild, empowered):
        for change in ({"scopes": RIGHTS}, {"expires_at_ms": None}, {"expires_at_ms": instance.now_ms() + HOUR_MS + 1}):
            with pytest.raises(Forbidden, match="created it or gave it access"):
                change_key(instance, root, as_caller(by), **change)
    stranger = _key(instance)
    assert change_key(instance, root, as_caller(stranger), expires_at_ms=None).expires_at_ms is None


def test_revoking_takes_along_what_the_key_let_do_more(instance: Instance) -> None:
    """Not only what it created: its rights live on in neither. What it only narrowed or renamed stays."""
    root = _key(instance)
    widened, extended, enabled, narrowed = (_key(instance, "7d", ("api:read",)) for _ in range(4))
    change_key(instance, widened, as_caller(root), scopes=RIGHTS)
    change_key(instance, extended, as_caller(root), expires_at_ms=None)
    change_key(instance, enabled, disabled=True)
    change_key(instance, enabled, as_caller(root), disabled=False)
    change_key(instance, narrowed, as_caller(root), name="renamed", disabled=True)
    grandchild = create_key(instance, caller=as_caller(_now(instance, widened)), expires="1h").key
    listed = Deps(instance).read_sync(keys.get_active_made_by, root.id)
    assert {key.id for key in listed} == {key.id for key in (widened, extended, enabled, grandchild)}
    revoke_key(instance, root, with_made=True)
    dead = {key.id for key in (root, *listed) if _now(instance, key).revoked_at_ms is not None}
    assert dead == {key.id for key in (root, *listed)}
    assert _now(instance, narrowed).revoked_at_ms is None


def test_keys_that_let_each_other_do_more_are_each_found_once(instance: Instance) -> None:
    """A ring of grants ends."""
    one, two = (_key(instance, "7d", (*RIGHTS, "keys:read")) for _ in range(2))
    change_key(instance, one, scopes=RIGHTS)
    change_key(instance, one, as_caller(two), scopes=(*RIGHTS, "keys:read"))
    third = create_key(instance, caller=as_caller(one), expires="1h").key
    change_key(instance, two, scopes=RIGHTS)
    with pytest.raises(Forbidden):
        change_key(instance, two, as_caller(one), scopes=(*RIGHTS, "keys:read"))
    listed = Deps(instance).read_sync(keys.get_active_made_by, two.id)
    assert {key.id for key in listed} == {one.id, third.id}


def test_an_unconfirmed_session_gives_nothing(instance: Instance) -> None:
    """Widening, extending and enabling ask for the password again; taking away does not (security.md 29)."""
    target = _key(instance, "7d", ("api:read",))
    off = change_key(instance, _key(instance), disabled=True)
    session = Caller("usr_1", Origin("web"), session_digest=b"x" * 32, confirmed_at_ms=0)

    def attempt(key: ApiKey, **change: Any) -> None:
        with instance.database.writing(session) as tx:
            keys.change(tx, key.id, keys.KeyChange(**change))

    for key, change in ((target, {"scopes": RIGHTS}), (target, {"expires_at_ms": None}), (off, {"disabled": False})):
        with pytest.raises(ReauthRequired):
            attempt(key, **change)
    attempt(target, disabled=True)
    assert _now(instance, target).disabled
