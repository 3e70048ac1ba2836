"""Declared scopes on both databases: the contract of ``ScopeStore``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.caller import SYSTEM
from ari.base.errors import Conflict, NotFound
from ari.deps import Deps
from ari.keys.custom_scopes import CustomScope
from tests.support.commands import change_key, create_key, events_of, revoke_key
from tests.support.instances import opened


@pytest.fixture
def deps(data_dir: Path, database_url: str | None) -> Iterator[Deps]:
    with opened(data_dir, database_url) as instance:
        found = Deps(instance)
        for name in ("orders:read", "order_s:read", "orders:write"):
            found.do_sync(keys.declare_scope, name, f"Allows {name}.")
        yield found


def test_a_scope_comes_back_whole(deps: Deps) -> None:
    """With who declared it and when; the list is in the order of code points on every database."""
    now_ms = deps.instance.now_ms()
    assert deps.read_sync(keys.get_scope, "orders:read") == CustomScope(
        "orders:read", "Allows orders:read.", now_ms, SYSTEM.actor
    )
    assert deps.read_sync(lambda tx: [scope.name for scope in tx.scopes.all()]) == [
        "order_s:read",
        "orders:read",
        "orders:write",
    ]
    deps.do_sync(keys.describe_scope, "orders:read", "Now other words.")
    assert deps.read_sync(keys.get_scope, "orders:read").description == "Now other words."


def test_a_name_that_no_scope_can_have_is_not_found(deps: Deps) -> None:
    """PostgreSQL refuses NUL and surrogates; a caller that sends them must get no error of the server."""
    for name in ("orders:read\0", "\ud800", ""):
        with pytest.raises(NotFound):
            deps.read_sync(keys.get_scope, name)


def test_holders_list_exactly_this_text(deps: Deps) -> None:
    """``_`` is no wildcard of the database, and no scope is the part of another one."""
    exact = create_key(deps.instance, scopes=("orders:read", "api:read")).key
    create_key(deps.instance, scopes=("order_s:read",))
    create_key(deps.instance, scopes=("orders:write",))
    wide = create_key(deps.instance, scopes=("orders:*",)).key
    everything = create_key(deps.instance, scopes=("*",)).key
    revoke_key(deps.instance, create_key(deps.instance, scopes=("orders:read",)).key)

    def holders(*listed: str) -> list[str]:
        return [key.id for key in deps.read_sync(lambda tx: tx.scopes.list_holders(listed, tx.now_ms))]

    assert holders("orders:read") == [exact.id]
    assert holders("orders:*", "*", "orders:read") == [everything.id, wide.id, exact.id]
    assert [key.id for key in deps.read_sync(keys.list_keys_with_scope, "orders:read", wide.id, 5)] == [exact.id]
    counts = deps.read_sync(lambda tx: tx.scopes.count_by_list(tx.now_ms))
    assert counts[("api:read", "orders:read")] == 1
    assert ("orders:read",) not in counts


def test_removing_takes_the_scope_from_keys_in_one_transaction(deps: Deps) -> None:
    """A refusal changes nothing."""
    key = create_key(deps.instance, scopes=("orders:read", "api:read")).key
    with pytest.raises(Conflict):
        deps.do_sync(keys.remove_scope, "orders:read")
    assert deps.read_sync(keys.get, key.id).scopes == ("api:read", "orders:read")
    deps.do_sync(keys.remove_scope, "orders:read", force=True)
    assert deps.read_sync(keys.get, key.id).scopes == ("api:read",)
    assert events_of(deps.instance, key)[0] == "key_scopes_changed"
    assert "orders:read" not in deps.read_sync(lambda tx: tx.scopes.names())


def test_a_key_without_scopes_can_be_given_some_again(deps: Deps) -> None:
    """Its only scope was removed: it stays a key."""
    key = create_key(deps.instance, scopes=("orders:write",)).key
    deps.do_sync(keys.remove_scope, "orders:write", force=True)
    assert deps.read_sync(keys.get, key.id).scopes == ()
    assert change_key(deps.instance, key, scopes=("orders:read",)).scopes == ("orders:read",)
