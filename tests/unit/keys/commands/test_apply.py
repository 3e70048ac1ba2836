"""Applying a configuration: idempotent, within the caller's rights, and pruning only on request."""

from dataclasses import replace

import pytest

from ari.base.errors import Conflict, Forbidden, Invalid
from ari.keys import NewKey, create, declare_scope, get_kind, get_preset, save_preset
from ari.keys.commands.apply import AppliedChange, ChangedField, apply
from ari.keys.configuration import Configuration, DeclaredKind
from ari.keys.instance_policy import InstancePolicy
from ari.keys.kinds import KindDefaults
from ari.keys.presets import PRESETS, Preset
from tests.unit.keys.memory import MemoryTransaction, make_key

SHOP = Preset("shop", "Shop", "What the shop needs.", ("orders:read",))
WANTED = Configuration({"orders:read": "List.", "orders:write": "Change."}, {"shop": SHOP}, "shop")


def test_what_is_missing_is_added_and_a_second_time_changes_nothing() -> None:
    """Presets may use scopes of the same file."""
    tx = MemoryTransaction()
    assert apply(tx, WANTED) == [
        AppliedChange("add", "scope", "orders:read"),
        AppliedChange("add", "scope", "orders:write"),
        AppliedChange("add", "preset", "shop"),
        AppliedChange("change", "default preset", "shop", fields=(ChangedField("name", "standard", "shop"),)),
    ]
    events = len(tx.names)
    assert apply(tx, WANTED, prune=True) == []
    assert len(tx.names) == events


def test_descriptions_and_presets_change() -> None:
    """One change each, and nothing else."""
    tx = MemoryTransaction()
    apply(tx, WANTED)
    changed = Configuration({"orders:read": "List orders."}, {"shop": Preset("shop", "Web shop", "d", ("orders:*",))})
    assert apply(tx, changed) == [
        AppliedChange("change", "scope", "orders:read", fields=(ChangedField("description", "List.", "List orders."),)),
        AppliedChange(
            "change",
            "preset",
            "shop",
            fields=(
                ChangedField("label", "Shop", "Web shop"),
                ChangedField("description", "What the shop needs.", "d"),
                ChangedField("scopes", '["orders:read"]', '["orders:*"]'),
            ),
        ),
    ]
    assert tx.scopes.names() == {"orders:read", "orders:write"}


def test_only_pruning_removes_and_only_from_sections_of_the_file() -> None:
    """One of ARI's presets is reset; the file without a section says nothing about it."""
    tx = MemoryTransaction()
    apply(tx, WANTED)
    save_preset(tx, Preset("read-only", "Changed", "d", ("keys:read",)))
    assert apply(tx, Configuration(), prune=True) == []
    kept = Configuration({"orders:read": "List."}, {"shop": SHOP})
    assert apply(tx, kept) == []
    [reset, removed] = apply(tx, kept, prune=True)
    assert (reset.action, reset.name, reset.fields[0].old) == ("change", "read-only", "Changed")
    assert removed == AppliedChange("remove", "scope", "orders:write")
    assert get_preset(tx, "read-only") is PRESETS["read-only"]


def test_a_scope_that_keys_hold_is_pruned_only_by_force() -> None:
    """The refusal names it; the plan says how many keys lose it."""
    tx = MemoryTransaction()
    apply(tx, WANTED)
    key = make_key(tx, "orders:write", "orders:read")
    kept = Configuration({"orders:read": "List."})
    with pytest.raises(Conflict, match=r"^orders:write: 1 active key"):
        apply(tx, kept, prune=True)
    assert apply(tx, kept, prune=True, force=True) == [AppliedChange("remove", "scope", "orders:write", 1, True)]
    assert tx.keys.rows[key.id].scopes == ("orders:read",)


def test_presets_that_lose_scopes_and_a_new_default_are_changes() -> None:
    """Also where the file has no section for them: a preset without a scope goes, and is no default anymore."""
    tx = MemoryTransaction()
    apply(tx, WANTED)
    save_preset(tx, Preset("both", "Both", "d", ("orders:read", "orders:write", "api:read")))
    kept = Configuration({"orders:write": "Change."})
    with pytest.raises(Conflict, match="2 presets list this scope"):
        apply(tx, kept, prune=True)
    assert apply(tx, kept, prune=True, force=True) == [
        AppliedChange("remove", "preset", "shop"),
        AppliedChange(
            "change",
            "preset",
            "both",
            fields=(
                ChangedField("scopes", '["api:read", "orders:read", "orders:write"]', '["api:read", "orders:write"]'),
            ),
        ),
        AppliedChange("change", "default preset", "standard", fields=(ChangedField("name", "shop", "standard"),)),
        AppliedChange("remove", "scope", "orders:read", 0, True),
    ]
    assert apply(tx, kept, prune=True, force=True) == []


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        (
            Configuration({"orders:read": "List."}, {"shop": replace(SHOP, scopes=("orders:write",))}),
            "presets.shop.scopes",
        ),
        (Configuration({"pets:read": "x"}, {"shop": replace(SHOP, scopes=("orders:*",))}), "presets.shop.scopes"),
        (Configuration({}, default_preset="shop"), "default_preset"),
        (Configuration(presets={}, default_preset="shop"), "default_preset"),
    ],
)
def test_a_file_that_prunes_what_it_names_is_refused(wanted: Configuration, location: str) -> None:
    """Before any change: applying it again would fail."""
    tx = MemoryTransaction()
    apply(tx, WANTED)
    before = len(tx.names)
    with pytest.raises(Invalid) as raised:
        apply(tx, wanted, prune=True, force=True)
    assert [one.location for one in raised.value.problems] == [location]
    assert len(tx.names) == before


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        (Configuration({"keys:mine": "x"}), "scopes.keys:mine.name"),
        (Configuration({"orders:read": " "}), "scopes.orders:read.description"),
        (Configuration(presets={"shop": SHOP}), "presets.shop.scopes"),
        (Configuration(default_preset="nobody"), "default_preset"),
    ],
)
def test_a_mistake_is_named_by_its_path(wanted: Configuration, location: str) -> None:
    """As in the file."""
    with pytest.raises(Invalid) as raised:
        apply(MemoryTransaction(), wanted)
    assert [one.location for one in raised.value.problems] == [location]


LIMITS = [{"limit": 5, "window": "1m"}]
ACME = DeclaredKind("acme_", {"expires": "7d", "scopes": ("orders:read",), "limits": LIMITS, "credits": {"amount": 5}})
KINDS = Configuration({"orders:read": "List."}, kinds={"acme": ACME})


def test_kinds_are_added_changed_and_pruned() -> None:
    """A kind is declared as a whole: it loses the defaults that its entry lacks. A second time nothing changes."""
    tx = MemoryTransaction()
    assert apply(tx, KINDS)[1:] == [AppliedChange("add", "kind", "acme")]
    events = len(tx.names)
    assert apply(tx, KINDS, prune=True) == []
    assert len(tx.names) == events
    bare = Configuration(kinds={"acme": DeclaredKind("acme_", {})})
    [changed] = apply(tx, bare)
    assert (changed.action, changed.kind, changed.name) == ("change", "kind", "acme")
    assert [one.field for one in changed.fields] == ["expires", "scopes", "limits", "credits"]
    assert changed.fields[0] == ChangedField("expires", "7d", None)
    assert get_kind(tx, "acme").defaults == KindDefaults()
    assert apply(tx, Configuration(kinds={}), prune=False) == []
    assert apply(tx, Configuration({}, kinds={}), prune=True) == [
        AppliedChange("remove", "kind", "acme"),
        AppliedChange("remove", "scope", "orders:read"),
    ]


def test_a_kind_keeps_its_prefix_its_keys_and_its_scopes() -> None:
    """Each problem is named by its path; nothing is changed."""
    tx = MemoryTransaction()
    apply(tx, KINDS)
    create(tx, NewKey("n", kind="acme"))
    for wanted, location in (
        (Configuration(kinds={"acme": DeclaredKind("other_", {})}), "kinds.acme.prefix"),
        (Configuration(kinds={"acme": DeclaredKind("acme_", {"expires": "soon"})}), "kinds.acme.expires"),
        (Configuration({}, kinds={"acme": ACME}), "kinds.acme.scopes"),
    ):
        with pytest.raises(Invalid) as raised:
            apply(tx, wanted, prune=True)
        assert [one.location for one in raised.value.problems] == [location]
    with pytest.raises(Conflict, match=r"^acme: 1 key has this kind"):
        apply(tx, Configuration(kinds={}), prune=True)
    with pytest.raises(Forbidden):
        apply(tx.by(make_key(tx, "scopes:write", "orders:read")), Configuration(kinds={"acme": ACME}))


def test_rules_for_all_keys_are_applied() -> None:
    """Those that aren't named stay; ``None`` removes one; no key may change them."""
    tx = MemoryTransaction()
    wanted = Configuration(instance_policy={"max_lifetime_days": 90, "disable_unused_days": 30})
    assert apply(tx, wanted) == [
        AppliedChange("add", "rule", "max_lifetime_days"),
        AppliedChange("add", "rule", "disable_unused_days"),
    ]
    assert apply(tx, wanted, prune=True) == []
    changed = Configuration(instance_policy={"max_lifetime_days": 60})
    assert apply(tx, changed, prune=True) == [
        AppliedChange("change", "rule", "max_lifetime_days", fields=(ChangedField("value", "90", "60"),))
    ]
    gone = Configuration(instance_policy={"disable_unused_days": None})
    assert apply(tx, gone) == [AppliedChange("remove", "rule", "disable_unused_days")]
    assert tx.instance_policy.get() == InstancePolicy(60)
    with pytest.raises(Invalid) as raised:
        apply(tx, Configuration(instance_policy={"max_lifetime_days": 0}))
    assert [one.location for one in raised.value.problems] == ["instance_policy.max_lifetime_days"]
    with pytest.raises(Forbidden):
        apply(tx.by(make_key(tx, "*")), changed)


def test_a_key_applies_only_what_it_could_do_step_by_step() -> None:
    """A file gives no rights (security.md 11)."""
    tx = MemoryTransaction()
    declare_scope(tx, "orders:read", "List.")
    make_key(tx, "orders:read")
    mine = tx.by(make_key(tx, "scopes:write"))
    for wanted in (Configuration(presets={"shop": SHOP}), Configuration(default_preset="administrator")):
        with pytest.raises(Forbidden):
            apply(mine, wanted)
    with pytest.raises(Forbidden):
        apply(mine, Configuration({}), prune=True, force=True)
    assert apply(mine, Configuration({"pets:read": "Pet them."})) == [AppliedChange("add", "scope", "pets:read")]
