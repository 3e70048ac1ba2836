"""Which keys could do this: every active key that holds the scope, by name or by a wildcard."""

import pytest

from ari.base.errors import NotFound
from ari.keys import declare_scope, list_keys_with_scope, list_scopes, read_scope, revoke
from ari.keys.scopes import SCOPES
from tests.unit.keys.memory import MemoryTransaction, make_key


def test_keys_are_counted_and_listed_alike() -> None:
    """A wildcard counts, a revoked key doesn't; ARI's own scopes are listed after the declared ones."""
    tx = MemoryTransaction()
    for name in ("orders:write", "orders:read"):
        declare_scope(tx, name, "What it allows.")
    holding = [make_key(tx, *scopes).id for scopes in (("orders:read",), ("orders:*",), ("*",))]
    make_key(tx, "orders:write")
    revoke(tx, make_key(tx, "orders:read").id)
    found = list_scopes(tx)
    assert [scope.name for scope in found] == ["orders:read", "orders:write", *SCOPES]
    assert {scope.key_count for scope in found if not scope.is_built_in} == {3}
    assert read_scope(tx, "keys:read").key_count == 1
    listed = list_keys_with_scope(tx, "orders:read", None, 10)
    assert {key.id for key in listed} == set(holding)
    assert [key.id for key in list_keys_with_scope(tx, "orders:read", listed[0].id, 1)] == [listed[1].id]


@pytest.mark.parametrize("name", ["orders:delete", "orders:*", "*", "", "nonsense"])
def test_there_must_be_such_a_scope(name: str) -> None:
    """A misspelled scope isn't an empty list."""
    with pytest.raises(NotFound):
        list_keys_with_scope(MemoryTransaction(), name, None, 10)
    with pytest.raises(NotFound):
        read_scope(MemoryTransaction(), name)
