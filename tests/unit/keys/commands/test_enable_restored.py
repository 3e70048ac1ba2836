"""Enabling what a restore disabled: not the keys that a person or a leak report has decided about since."""

from collections.abc import Callable

import pytest

from ari.keys import KeyChange, LeakReport, NewKey, change, create, report_leak, revoke
from ari.keys.commands.enable_restored import enable_restored
from ari.keys.model import ApiKey
from ari.keys.restored_keys import remember_restored
from tests.unit.keys.memory import MemoryTransaction

Decide = Callable[[MemoryTransaction, ApiKey, str], object]


def _disable(tx: MemoryTransaction, key: ApiKey, _token: str) -> None:
    change(tx, key.id, KeyChange(disabled=True))
    assert tx.names[-1] == "key_disabled"
    change(tx, key.id, KeyChange(disabled=True))
    assert tx.names[-2:] != ["key_disabled"] * 2


def _enable_and_disable(tx: MemoryTransaction, key: ApiKey, _token: str) -> None:
    tx.now_ms -= 60_000  # the clock was set back
    change(tx, key.id, KeyChange(disabled=False))
    change(tx, key.id, KeyChange(disabled=True))


def _report(tx: MemoryTransaction, _key: ApiKey, token: str) -> None:
    report_leak(tx, LeakReport(token), "notify")


def _report_and_disable(tx: MemoryTransaction, _key: ApiKey, token: str) -> None:
    report_leak(tx, LeakReport(token), "disable")


def _revoke(tx: MemoryTransaction, key: ApiKey, _token: str) -> None:
    revoke(tx, key.id)


@pytest.mark.parametrize("decide", [_disable, _enable_and_disable, _report, _report_and_disable, _revoke])
def test_a_decided_key_stays_disabled(decide: Decide) -> None:
    """The others are enabled."""
    tx = MemoryTransaction()
    made = [create(tx, NewKey(name, scopes=("api:read",))) for name in ("decided", "other")]
    for one in made:
        change(tx, one.key.id, KeyChange(disabled=True))
    tx.events.written.clear()
    remember_restored(tx.key_value, [one.key.id for one in made], "2027-01-15T03:00:00.000Z")
    decide(tx, made[0].key, made[0].secret)
    done = enable_restored(tx)
    assert [key.name for key in done.enabled] == ["other"]
    assert (done.left_out, done.is_more) == (0, False)
    assert tx.keys.rows[made[0].key.id].disabled
    assert tx.key_value == {}


def test_another_change_keeps_a_key_on_the_list() -> None:
    """A new name decides nothing."""
    tx = MemoryTransaction()
    key = create(tx, NewKey("a", scopes=("api:read",))).key
    change(tx, key.id, KeyChange(disabled=True))
    remember_restored(tx.key_value, [key.id], "2027-01-15T03:00:00.000Z")
    change(tx, key.id, KeyChange(name="b"))
    assert [one.name for one in enable_restored(tx).enabled] == ["b"]
