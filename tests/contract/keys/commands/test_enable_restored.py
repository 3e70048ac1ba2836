"""Enabling what a restore disabled, on both databases: not the keys that any command has decided about since."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import BulkAction, BulkChange, Confirmed, Created, KeyChange, LeakReport, NewConsumer, NewKey
from ari.keys.commands.enable_restored import enable_restored
from ari.keys.kinds import LeakAction
from ari.keys.model import ApiKey
from ari.keys.restored_keys import KEYS_PER_NOTE, read_restored, remember_restored
from ari.storage.transaction import Transaction
from tests.support.commands import events_of
from tests.support.instances import opened

Decide = Callable[[Transaction, Created], object]

_GROUPS: Mapping[str, str] = {"consumer": "x", "tag": "t", "kind": "short", "environment": "test", "text": "decided"}
_ENDING = tuple(action for action in get_args(BulkAction) if action not in ("enable", "expire"))


def _change_group(action: BulkAction, field: str) -> Decide:
    def run(tx: Transaction, _made: Created) -> object:
        where = keys.make_filter(tx, **{field: _GROUPS[field]})  # type: ignore[arg-type]  # texts
        listed = keys.list_affected(tx, where, BulkChange(action)).keys
        assert [key.name for key in listed] == ["decided"]
        found = keys.change_matching(tx, where, BulkChange(action))
        assert ([key.name for key in found.keys], found.remaining) == (["decided"], 0)
        assert keys.list_affected(tx, where, BulkChange(action)).keys == []
        return found

    return run


def _change_listed(action: BulkAction) -> Decide:
    def run(tx: Transaction, made: Created) -> object:
        listed, wanted = frozenset({made.key.id}), BulkChange(action)
        where = replace(keys.make_filter(tx), key_ids=listed)
        return keys.change_matching(tx, where, wanted, Confirmed(listed, wanted))

    return run


def _report(action: LeakAction) -> Decide:
    return lambda tx, made: keys.report_leak(tx, LeakReport(made.secret), action)


_DECISIONS: Mapping[str, Decide] = {
    "disable": lambda tx, made: keys.change(tx, made.key.id, KeyChange(disabled=True)),
    "revoke": lambda tx, made: keys.revoke(tx, made.key.id),
    "revoke with made": lambda tx, made: keys.revoke(tx, made.key.id, with_made=True),
    "revoke many": lambda tx, made: keys.revoke_many(tx, [made.key.id]),
    **{f"{action} by {field}": _change_group(action, field) for action in _ENDING for field in _GROUPS},
    **{f"{action} by id": _change_listed(action) for action in _ENDING},
    **{f"leak, {action}": _report(action) for action in get_args(LeakAction)},
}


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_every_decision_takes_a_key_off_the_list(instance: Instance) -> None:
    """With an event of its own, and whatever else is listed; the other key is enabled."""
    deps = Deps(instance)
    deps.do_sync(keys.create_consumer, NewConsumer("Acme", "x"))
    deps.do_sync(keys.add_kind, "short", "short_", keys.KindChange())
    for name, decide in _DECISIONS.items():
        made, enabled = deps.do_sync(_decide_about_one, decide)
        assert enabled == ["other"], name
        disabled, *others = [event for event in events_of(instance, made) if event != "key_revoked"][::-1][1:]
        assert disabled == "key_disabled", name
        assert others or made.revoked_at_ms is not None, name


def _decide_about_one(tx: Transaction, decide: Decide) -> tuple[ApiKey, list[str]]:
    """A key after a decision about it, and the names of those that are enabled then; others fill several notes."""
    new = NewKey("decided", consumer="x", tags=("t",), kind="short", environment="test")
    decided, other = keys.create(tx, new), keys.create(tx, NewKey("other"))
    both = [decided.key.id, other.key.id]
    for key_id in both:
        keys.change(tx, key_id, KeyChange(disabled=True))
    gone = [f"key_{number}" for number in range(3 * KEYS_PER_NOTE)]
    remember_restored(tx.key_value, both + gone, "2027-01-15T03:00:00.000Z")
    decide(tx, decided)
    found = keys.get(tx, decided.key.id)
    enabled = []
    while read_restored(tx.key_value) is not None:
        enabled += [key.name for key in enable_restored(tx).enabled]
    keys.revoke_many(tx, both)
    return found, enabled
