"""Kinds of keys on both databases: the contract of ``KindStore``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.errors import Invalid, NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import KindChange, NewKey
from ari.keys.commands.apply import apply
from ari.keys.configuration import Configuration, DeclaredKind
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_a_kind_reads_back_whole(instance: Instance) -> None:
    """In order of the names; a change keeps its prefix and creator."""
    deps = Deps(instance)
    limits, refill = [{"name": "daily", "limit": 5000, "window": "1d"}], {"amount": 10, "every": "day"}
    granted = {"amount": 100, "refill": refill}
    wanted = KindChange("Customers", "30d", 90, ("keys:read",), "test", "revoke", limits, granted)
    added = [deps.do_sync(keys.add_kind, name, f"{name}_", wanted) for name in ("b", "a")]
    assert deps.read_sync(keys.list_kinds) == added[::-1]
    changed = deps.do_sync(keys.change_kind, "a", KindChange(scopes=None))
    assert deps.read_sync(keys.get_kind, "a") == changed
    assert (changed.prefix, changed.defaults.scopes, changed.defaults.expires) == ("a_", None, "30d")
    rules = deps.do_sync(keys.create, NewKey("n", kind="b")).key.policy.limits
    assert rules.credits is not None
    assert (rules.names, rules.credits.granted) == (("daily", "credits"), 100)


def test_keys_of_a_kind_are_counted_until_they_are_deleted(instance: Instance) -> None:
    """Only then it can be removed."""
    deps = Deps(instance)
    deps.do_sync(keys.add_kind, "a", "a_", KindChange())
    made = deps.do_sync(keys.create, NewKey("n", kind="a"))
    assert deps.read_sync(keys.get, made.key.id).kind == "a"
    deps.do_sync(keys.create, NewKey("of no kind"))
    assert deps.read_sync(lambda tx: (tx.kinds.count_keys("a"), tx.kinds.count_by_kind())) == (1, {"a": 1})
    deps.do_sync(keys.revoke, made.key.id)
    deps.do_sync(keys.delete, made.key.id)
    assert deps.read_sync(lambda tx: (tx.kinds.count_keys("a"), tx.kinds.count_by_kind())) == (0, {})
    deps.do_sync(keys.remove_kind, "a")
    assert deps.read_sync(keys.list_kinds) == []


def test_a_name_that_no_kind_can_have_is_not_found(instance: Instance) -> None:
    """PostgreSQL refuses NUL and surrogates; a caller that sends them must get no error of the server."""
    deps = Deps(instance)
    for name in ("a\0", "\ud800", ""):
        with pytest.raises(NotFound):
            deps.read_sync(keys.get_kind, name)
        with pytest.raises(Invalid) as raised:
            deps.do_sync(keys.create, NewKey("n", kind=name))
        assert [one.location for one in raised.value.problems] == ["kind"]
        with pytest.raises(Invalid):
            deps.rehearse_sync(apply, Configuration({name: "x"}, kinds={name: DeclaredKind("a_", {})}))
