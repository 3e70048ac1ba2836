"""One change to the keys with a tag, on both databases: one event for each key, none for keys that it doesn't fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Invalid
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import UNSET, BulkAction, BulkChange, Confirmed, KeyChange, NewConsumer, NewKey
from ari.keys.listing import Show
from ari.storage.transaction import Transaction
from tests.support.commands import events_of
from tests.support.instances import START_MS, opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _change(instance: Instance, wanted: BulkChange, **fields: str) -> list[str]:
    found = Deps(instance).do_sync(lambda tx: keys.change_matching(tx, keys.make_filter(tx, **fields), wanted))  # type: ignore[arg-type]  # texts
    assert found.remaining == 0
    return sorted(key.name for key in found.keys)


def test_only_keys_that_change_are_changed(instance: Instance) -> None:
    """A repeat changes nothing and records nothing."""
    deps = Deps(instance)
    deps.do_sync(keys.create_consumer, NewConsumer("Acme", "x"))
    made = [deps.do_sync(keys.create, NewKey(name, consumer="x", tags=("t",))).key for name in ("a", "b")]
    deps.do_sync(keys.create, NewKey("other"))
    for wanted, event in (
        (BulkChange("disable"), "key_disabled"),
        (BulkChange("enable"), "key_enabled"),
        (BulkChange("expire", expires_at_ms=START_MS + DAY_MS), "key_expiry_changed"),
        (BulkChange("expire"), "key_expiry_changed"),
        (BulkChange("revoke", "over"), "key_revoked"),
    ):
        assert _change(instance, wanted, consumer="x", tag="t") == ["a", "b"]
        assert _change(instance, wanted, tag="t") == []
        assert [events_of(instance, key)[0] for key in made] == [event, event]


def test_a_confirmed_change_is_exactly_what_was_listed(instance: Instance) -> None:
    """A key more, a key less, or another key: nothing is changed. An expiry that a key has already is no difference."""
    deps = Deps(instance)
    made = [deps.do_sync(keys.create, NewKey(name, tags=("t",))).key for name in ("a", "b")]
    listed = frozenset(key.id for key in made)
    preview = BulkChange("expire", expires_at_ms=UNSET)

    def change(wanted: BulkChange, key_ids: frozenset[str], listed_for: BulkChange) -> list[str]:
        def run(tx: Transaction) -> keys.AffectedKeys:
            return keys.change_matching(tx, keys.make_filter(tx, tag="t"), wanted, Confirmed(key_ids, listed_for))

        return sorted(key.name for key in deps.do_sync(run).keys)

    for wrong in (frozenset({made[0].id}), frozenset({*listed, "key_01JD7W00000000000000000000"}), frozenset[str]()):
        with pytest.raises(Conflict) as refused:
            change(BulkChange("revoke"), wrong, BulkChange("revoke"))
        assert refused.value.code == "keys_changed"
    end = BulkChange("expire", expires_at_ms=START_MS + DAY_MS)
    assert change(end, listed, preview) == change(end, listed, preview) == ["a", "b"]
    deps.do_sync(keys.change, made[0].id, KeyChange(disabled=True))
    with pytest.raises(Conflict):
        change(BulkChange("disable"), listed, BulkChange("disable"))
    assert change(BulkChange("revoke"), listed, BulkChange("revoke")) == ["a", "b"]


@pytest.mark.parametrize("show", ["soon", "revoked", "disabled"])
def test_a_change_never_widens_the_filter(instance: Instance, show: Show) -> None:
    """Whatever state the table shows, only keys in that state are changed."""
    deps = Deps(instance)
    for name in ("plain", "off", "dead"):
        deps.do_sync(keys.create, NewKey(name, tags=("t",)))
    soon = deps.do_sync(keys.create, NewKey("soon", "1h", tags=("t",))).key
    found = {key.name: key for key in deps.read_sync(lambda tx: tx.keys.page(START_MS, "all", None, 9))}
    deps.do_sync(keys.change, found["off"].id, KeyChange(disabled=True))
    deps.do_sync(keys.revoke, found["dead"].id)
    actions: tuple[BulkAction, ...] = ("revoke", "disable", "enable")
    affected = {
        action: [key.name for key in deps.read_sync(_list, show, BulkChange(action)).keys] for action in actions
    }
    assert (
        affected
        == {
            "soon": {"revoke": [soon.name], "disable": [soon.name], "enable": []},
            "revoked": {"revoke": [], "disable": [], "enable": []},
            "disabled": {"revoke": ["off"], "disable": [], "enable": ["off"]},
        }[show]
    )


def _list(tx: Transaction, show: Show, wanted: BulkChange) -> keys.AffectedKeys:
    return keys.list_affected(tx, keys.make_filter(tx, tag="t", show=show), wanted)


def test_tags_are_suggested_by_name(instance: Instance) -> None:
    """Each once, however many keys have it."""
    deps = Deps(instance)
    assert deps.read_sync(lambda tx: tx.listing.list_tags(3)) == []
    for number in range(4):
        deps.do_sync(keys.create, NewKey("n", tags=("all", f"n{number}")))
    assert deps.read_sync(lambda tx: tx.listing.list_tags(3)) == ["all", "n0", "n1"]


def test_keys_whose_kind_does_not_allow_the_expiry_are_left_out(instance: Instance) -> None:
    """Named with the reason, counted apart, and the same in a rehearsal; the others change."""
    deps, ten_days = Deps(instance), 10 * DAY_MS
    deps.do_sync(keys.add_kind, "short", "short_", keys.KindChange(max_lifetime_days=10))
    for name, kind in (("plain", None), ("first", "short"), ("second", "short")):
        deps.do_sync(keys.create, NewKey(name, kind=kind, expires="1h", tags=("t",)))
    for expires_at_ms in (None, START_MS + ten_days + 1):
        wanted = BulkChange("expire", expires_at_ms=expires_at_ms)

        def run(tx: Transaction, wanted: BulkChange = wanted) -> keys.AffectedKeys:
            return keys.change_matching(tx, keys.make_filter(tx, tag="t"), wanted)

        rehearsed = deps.rehearse_sync(run)
        for found in (rehearsed, deps.do_sync(run)):
            assert ([key.name for key in found.keys], found.remaining) == (["plain"], 0)
            assert [(one.key.name, one.reason) for one in found.left_out] == [
                ("second", "A key of the kind short lives at most 10 days."),
                ("first", "A key of the kind short lives at most 10 days."),
            ]
            assert found.left_out_count == 2
    every = frozenset(key.id for key in deps.read_sync(lambda tx: tx.keys.page(START_MS, "all", None, 9)))
    wanted = BulkChange("expire", expires_at_ms=START_MS + ten_days + 1)
    for preview in (wanted, BulkChange("expire", expires_at_ms=UNSET)):  # as the API, and as a page, confirms them
        with pytest.raises(Invalid, match=r"“(first|second)” \(key_.*at most 10 days"):
            deps.do_sync(_change_confirmed, wanted, Confirmed(every, preview))
    assert _change(instance, BulkChange("expire", expires_at_ms=START_MS + ten_days), tag="t") == [
        "first",
        "plain",
        "second",
    ]


def _change_confirmed(tx: Transaction, wanted: BulkChange, confirmed: Confirmed) -> keys.AffectedKeys:
    return keys.change_matching(tx, keys.make_filter(tx, tag="t"), wanted, confirmed)
