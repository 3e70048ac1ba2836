"""security.md 11: a caller grants only what it holds, touches no wider key, and can be revoked with what it made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.base.errors import Forbidden
from ari.instance import Instance
from ari.keys import manage
from tests.support.commands import as_caller, change_key, create_key, delete_key, revoke_key
from tests.support.instances import opened


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
        with pytest.raises(Forbidden, match="longer"):
            create_key(instance, caller=caller, scopes=("api:read",), expires=expires)
    assert create_key(instance, caller=caller, scopes=("api:read",), expires="7d").key.created_by == maker.id


def test_a_key_touches_no_wider_key_and_never_widens_itself(instance: Instance) -> None:
    """Nor extends itself; narrowing itself is fine."""
    maker = create_key(instance, expires="7d", scopes=("keys:write", "api:read")).key
    wider = create_key(instance, scopes=("*",)).key
    for attempt in (
        lambda: change_key(instance, wider, as_caller(maker), name="x"),
        lambda: revoke_key(instance, wider, as_caller(maker)),
        lambda: delete_key(instance, wider, as_caller(maker)),
        lambda: change_key(instance, maker, as_caller(maker), scopes=("*",)),
        lambda: change_key(instance, maker, as_caller(maker), expires_at_ms=None),
        lambda: change_key(instance, maker, as_caller(maker), expires_at_ms=maker.expires_at_ms + 1),
    ):
        with pytest.raises(Forbidden):
            attempt()
    narrower = change_key(
        instance, maker, as_caller(maker), scopes=("keys:write",), expires_at_ms=instance.now_ms() + 5
    )
    assert narrower.scopes == ("keys:write",)


def test_revoking_can_take_along_what_the_key_made(instance: Instance) -> None:
    """A leaked key's children, and theirs, die in the same transaction."""
    root = create_key(instance, "root", scopes=("*",)).key
    child = create_key(instance, "child", as_caller(root), scopes=("keys:write",)).key
    grandchild = create_key(instance, "grandchild", as_caller(child), scopes=("keys:write",)).key
    other = create_key(instance, "other").key
    living = instance.read(lambda unit: manage.living_made_by(unit, instance.now_ms(), root.id))
    assert {key.name for key in living} == {"child", "grandchild"}
    revoke_key(instance, root, with_made=True)
    statuses = {
        key.name: instance.read(lambda unit, key=key: manage.get(unit, key.id)).status(0)
        for key in (root, child, grandchild, other)
    }
    assert statuses == {"root": "revoked", "child": "revoked", "grandchild": "revoked", "other": "active"}
