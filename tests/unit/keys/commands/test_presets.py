"""Presets are changed only within the caller's scopes; keys never change with them (security.md 11 and 13)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ari.base.caller import Caller
from ari.base.errors import Conflict, Forbidden, Invalid, NotFound, ReauthRequired
from ari.base.events import Origin
from ari.keys import (
    NewKey,
    choose_default_preset,
    create,
    declare_scope,
    get_default_preset,
    get_preset,
    list_presets,
    remove_preset,
    remove_scope,
    save_preset,
)
from ari.keys.presets import MAX_PRESETS, PRESETS, Preset
from tests.unit.keys.memory import MemoryTransaction, make_key

SHOP = Preset("shop", "Shop", "What the shop needs.", ("api:read", "orders:read"))


@pytest.fixture
def tx() -> MemoryTransaction:
    found = MemoryTransaction()
    declare_scope(found, "orders:read", "List orders.")
    return found


def test_a_preset_is_created_changed_and_removed(tx: MemoryTransaction) -> None:
    """One event each; the same again changes nothing, and keys keep what they got."""
    before = len(tx.names)
    for _ in range(2):
        assert save_preset(tx, SHOP) == SHOP
    save_preset(tx, replace(SHOP, scopes=("orders:read",)))
    remove_preset(tx, "shop")
    assert tx.names[before:] == ["preset_saved", "preset_saved", "preset_removed"]
    with pytest.raises(NotFound):
        get_preset(tx, "shop")


def test_the_default_decides_what_new_keys_get(tx: MemoryTransaction) -> None:
    """From its choice on; a later change of the preset changes no key."""
    assert get_default_preset(tx) is PRESETS["standard"]
    assert create(tx, NewKey("n")).key.scopes == ("api:read",)
    save_preset(tx, SHOP)
    choose_default_preset(tx, "shop")
    key = create(tx, NewKey("n")).key
    assert key.scopes == SHOP.scopes
    save_preset(tx, replace(SHOP, scopes=("api:read",)))
    assert tx.keys.rows[key.id].scopes == SHOP.scopes
    with pytest.raises(Conflict):
        remove_preset(tx, "shop")
    with pytest.raises(Conflict, match="full access"):
        choose_default_preset(tx, "administrator")
    with pytest.raises(Conflict, match="full access"):
        save_preset(tx, replace(SHOP, scopes=("*",)))
    assert get_default_preset(tx).scopes == ("api:read",)


def test_presets_of_ari_are_replaced_and_reset(tx: MemoryTransaction) -> None:
    """Their place in the list stays; what was never changed can't be removed."""
    changed = replace(PRESETS["read-only"], scopes=("keys:read",), label="Keys only")
    save_preset(tx, changed)
    assert list(list_presets(tx)) == list(PRESETS)
    assert get_preset(tx, "read-only").label == "Keys only"
    remove_preset(tx, "read-only")
    assert get_preset(tx, "read-only") is PRESETS["read-only"]
    for name in ("read-only", "standard"):
        with pytest.raises(Conflict):
            remove_preset(tx, name)


def test_a_key_changes_presets_only_within_its_scopes(tx: MemoryTransaction) -> None:
    """Otherwise it could make the owner create wide keys, or keys that are too narrow to work."""
    save_preset(tx, SHOP)
    mine = tx.by(make_key(tx, "scopes:write", "api:read"))
    for forbidden in (
        lambda: save_preset(mine, replace(PRESETS["standard"], scopes=("*",))),
        lambda: save_preset(mine, replace(SHOP, scopes=("api:read",))),
        lambda: save_preset(mine, replace(PRESETS["administrator"], scopes=("api:read",))),
        lambda: save_preset(mine, replace(PRESETS["administrator"], label="Harmless")),
        lambda: choose_default_preset(mine, "administrator"),
        lambda: remove_preset(mine, "shop"),
    ):
        with pytest.raises(Forbidden):
            forbidden()
    docs = save_preset(mine, Preset("docs", "Docs", "Only docs.", ("api:read",)))
    assert choose_default_preset(mine, "docs") == docs


def test_a_session_confirms_before_a_preset_gains_scopes(tx: MemoryTransaction) -> None:
    """Someone who finds an open browser can't prepare a wide default (security.md 29)."""
    session = Caller("usr_1", Origin("web"), session_digest=b"s", confirmed_at_ms=0)
    stale = MemoryTransaction(session, tx.now_ms, tx.keys, tx.events, tx.scopes, tx.presets)
    changes: list[Callable[[], object]] = [
        lambda: save_preset(stale, SHOP),
        lambda: choose_default_preset(stale, "administrator"),
        lambda: save_preset(stale, replace(PRESETS["standard"], scopes=("api:read", "keys:write"))),
    ]
    for sensitive in changes:
        with pytest.raises(ReauthRequired):
            sensitive()
    save_preset(stale, replace(PRESETS["read-only"], scopes=("api:read",)))


@pytest.mark.parametrize(
    "bad",
    [
        replace(SHOP, name="own"),
        replace(SHOP, label=" "),
        replace(SHOP, description=""),
        replace(SHOP, scopes=()),
        replace(SHOP, scopes=("orders:delete",)),
    ],
)
def test_a_bad_preset_is_refused(tx: MemoryTransaction, bad: Preset) -> None:
    """Before anything is stored."""
    with pytest.raises(Invalid):
        save_preset(tx, bad)
    assert tx.presets.rows == {}


def test_their_number_is_bounded(tx: MemoryTransaction) -> None:
    """The form shows all of them."""
    for number in range(MAX_PRESETS - len(PRESETS)):
        save_preset(tx, replace(SHOP, name=f"p{number}"))
    with pytest.raises(Invalid, match="At most 50"):
        save_preset(tx, SHOP)


def test_removing_a_scope_removes_it_from_presets_too(tx: MemoryTransaction) -> None:
    """Only by force; a preset that has no scope left goes, and the default falls back to ARI's own."""
    save_preset(tx, SHOP)
    save_preset(tx, Preset("orders", "Orders", "Only orders.", ("orders:*",)))
    choose_default_preset(tx, "orders")
    with pytest.raises(Conflict, match="2 presets list this scope"):
        remove_scope(tx, "orders:read")
    mine = tx.by(make_key(tx, "scopes:write", "keys:write"))
    with pytest.raises(Forbidden):
        remove_scope(mine, "orders:read", force=True)
    remove_scope(tx, "orders:read", force=True)
    assert get_preset(tx, "shop").scopes == ("api:read",)
    assert "orders" not in list_presets(tx)
    assert get_default_preset(tx) is PRESETS["standard"]


def test_all_problems_are_named_at_once(tx: MemoryTransaction) -> None:
    """Nothing is saved."""
    before = len(tx.names)
    with pytest.raises(Invalid) as raised:
        save_preset(tx, Preset("No Name", " ", " ", ("no:scope",)))
    assert [one.location for one in raised.value.problems] == ["name", "label", "description", "scopes"]
    assert len(tx.names) == before
