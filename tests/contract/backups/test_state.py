"""The state of scheduled backups, on both databases: one process at a time, and every result is seen."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from ari.backups.state import KILLED, LEASE_MS, BackupState, claim, fail, finish, read_state, release, renew
from ari.base.backup_plan import BackupSchedule
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.storage.transaction import Transaction
from tests.support.clock import FrozenClock
from tests.support.instances import opened

DAILY = BackupSchedule(DAY_MS)


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as instance:
        yield instance


def _advance(instance: Instance, ms: int) -> None:
    clock = instance.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(ms / 1000)


def _claim(instance: Instance, holder: str, *, force: bool = False) -> bool:
    return Deps(instance).do_sync(claim, DAILY, UTC, holder, force=force)


def _count(tx: Transaction, name: str) -> int:
    return sum(event.name == name for event in tx.events.page(None, None, 100))


def _result(instance: Instance) -> BackupState:
    now_ms = instance.now_ms()
    return BackupState(began_ms=now_ms, name="x", size_bytes=5, verified_ms=now_ms, tried_ms=now_ms)


def test_one_process_has_the_lease_and_the_next_backup_is_due_a_day_later(instance: Instance) -> None:
    """The first is due at once; nobody else writes one while the lease is renewed, and then for a day."""
    deps = Deps(instance)
    assert _claim(instance, "a")
    assert not _claim(instance, "b")
    assert not _claim(instance, "b", force=True)
    _advance(instance, LEASE_MS - 1)
    assert deps.do_sync(renew, "a")
    _advance(instance, LEASE_MS - 1)
    assert not _claim(instance, "b")
    assert not deps.do_sync(finish, "b", _result(instance), {})
    assert deps.do_sync(finish, "a", _result(instance), {"file": "x"})
    assert _count_of(instance, "backup_written") == 1
    _advance(instance, DAY_MS - 1)
    assert not _claim(instance, "b")
    assert _claim(instance, "b", force=True)
    assert deps.do_sync(release, "b")
    _advance(instance, 1)
    assert _claim(instance, "b")


def _count_of(instance: Instance, name: str) -> int:
    return Deps(instance).read_sync(_count, name)


def test_a_killed_process_loses_the_lease_and_counts_as_a_failure(instance: Instance) -> None:
    """After the lease, and a pause; the dead one, should it live after all, stores nothing."""
    assert _claim(instance, "a")
    _advance(instance, LEASE_MS)
    assert _claim(instance, "b")
    state = Deps(instance).read_sync(read_state)
    assert (state.holder, state.failures, state.error) == ("b", 1, KILLED)
    assert not Deps(instance).do_sync(renew, "a")
    assert not Deps(instance).do_sync(finish, "a", _result(instance), {})
    assert not Deps(instance).do_sync(fail, "a", "late")


def test_processes_that_are_killed_again_and_again_are_reported(instance: Instance) -> None:
    """Memory that runs out kills each attempt: the owner gets an event after the second, then one a day."""
    for number in range(20):
        assert _claim(instance, f"job {number}")
        _advance(instance, HOUR_MS)
    assert _count_of(instance, "backup_failed") == 1
    for number in range(20, 30):
        assert _claim(instance, f"job {number}")
        _advance(instance, HOUR_MS)
    assert _count_of(instance, "backup_failed") == 2


def test_failures_are_repeated_with_pauses_and_reported_from_the_second_on(instance: Instance) -> None:
    """5, 10, 20, 40 and then 60 minutes; a success ends it."""
    deps, waited = Deps(instance), []
    for number in range(6):
        minutes = 0
        while not _claim(instance, "a"):
            _advance(instance, MINUTE_MS)
            minutes += 1
        waited.append(minutes)
        assert deps.do_sync(fail, "a", "The disk is full.")
        assert _count_of(instance, "backup_failed") == (number > 0)
    assert waited == [0, 5, 10, 20, 40, 60]
    state = deps.read_sync(read_state)
    assert (state.failures, state.error) == (6, "The disk is full.")
    assert _claim(instance, "a", force=True)
    assert deps.do_sync(finish, "a", _result(instance), {})
    assert deps.read_sync(read_state) == BackupState(
        began_ms=instance.now_ms(),
        name="x",
        size_bytes=5,
        verified_ms=instance.now_ms(),
        tried_ms=instance.now_ms(),
    )


@pytest.mark.parametrize("step_days", [-400, 400])
def test_a_clock_that_is_set_does_not_stop_the_schedule(instance: Instance, step_days: int) -> None:
    """In either direction, while idle, while one is written, and after a failure."""
    deps = Deps(instance)
    assert _claim(instance, "a")
    assert deps.do_sync(finish, "a", _result(instance), {})
    clock = instance.clock
    assert isinstance(clock, FrozenClock)
    clock.step(step_days * 86_400)
    assert _claim(instance, "b")
    clock.step(step_days * 86_400)
    assert _claim(instance, "c")
    assert deps.do_sync(fail, "c", "no")
    clock.step(step_days * 86_400)
    assert _claim(instance, "d")


def test_a_state_of_another_version_is_read() -> None:
    """Unknown fields are ignored, missing ones have their default."""
    assert BackupState.parse('{"failures": 3, "later": 1}') == BackupState(failures=3)
    assert BackupState.parse(None) == BackupState()
