"""The process that folds never lets callers or the backlog wait, whatever priority it has."""

import itertools
import sys
import threading
from collections.abc import Callable

import pytest

from ari.base.errors import Unavailable
from ari.usage import fold_loop
from ari.usage.fold_loop import HURRY_ROWS
from tests.support.fold_store import FoldStore, read_priority, run_loop
from tests.support.processes import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_loop, "CHECK_SECONDS", 0.001)


def _slow_clock() -> Callable[[], float]:
    """Ten seconds pass between any two looks, so that no thread ever seems prompt."""
    return itertools.count(0.0, 10.0).__next__


def _prompt_clock() -> Callable[[], float]:
    """Five seconds pass with every fifth look, so that threads are nearly always prompt."""
    looks = itertools.count()
    return lambda: next(looks) // 5 * 5.0


@pytest.mark.parametrize("staged", [3, 5_001, HURRY_ROWS + 30_001])
def test_everything_is_folded_and_deleted(staged: int) -> None:
    """However much is staged, and whether the machine is busy or not; the lead is free afterwards."""
    for clock in (_slow_clock(), _prompt_clock()):
        store = FoldStore(staged)
        with run_loop(store, clock):
            assert store.done.wait(30)
        assert (store.staged, store.undeleted, store.released) == (0, 0, True)
        assert store.checkpoints == 0 if staged < 4_000 else store.checkpoints > 0


def test_rows_are_moved_without_a_pause_while_some_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 2: a log that moves to another engine is complete soon, though nothing is staged."""
    monkeypatch.setattr(fold_loop, "CHECK_SECONDS", 3_600)
    store = FoldStore(0)
    store.unmoved = 50
    with run_loop(store, _slow_clock()):
        assert eventually(lambda: store.unmoved == 0)


def test_partitions_that_cannot_be_created_stop_no_fold() -> None:
    """The loop tries again ten minutes later; rows are stored without them."""
    store = FoldStore(3)
    store.refuses_partitions = True
    with run_loop(store, _slow_clock()):
        assert store.done.wait(30)
        asked = store.partitions_asked
        assert eventually(lambda: store.partitions_asked > asked)
    assert store.partitions_asked < store.asked / 20


def test_a_medium_backlog_is_folded_in_idle_time() -> None:
    """At the lowest niceness, but what callers wait for is deleted at normal priority."""
    store = FoldStore(5_001)
    usual = read_priority()
    with run_loop(store, _prompt_clock()):
        assert store.done.wait(30)
    assert (store.moved_at[0], store.sizes[0]) == ((usual[0], 19), 1_000)
    assert set(store.deleted_at) == {usual}


@pytest.mark.parametrize("staged", [1, HURRY_ROWS, HURRY_ROWS + 20_001])
def test_a_small_or_large_backlog_does_not_wait_for_idle_time(staged: int) -> None:
    """It is folded at a slightly lowered priority, which no busy machine starves."""
    store = FoldStore(staged)
    policy, niceness = read_priority()
    with run_loop(store, _slow_clock()):
        assert store.done.wait(30)
    assert store.moved_at[0] == (policy, min(niceness + 5, 19))


def test_a_very_large_backlog_is_folded_like_workers_work() -> None:
    """At normal priority, before callers are slowed down for long; the rest of it at a lowered one."""
    store = FoldStore(2 * HURRY_ROWS)
    usual = policy, niceness = read_priority()
    with run_loop(store, _slow_clock()):
        assert store.done.wait(30)
    assert (store.moved_at[0], store.moved_at[-1]) == (usual, (policy, min(niceness + 5, 19)))


def test_a_server_folds_all_at_once() -> None:
    """Its priority isn't ours, and small folds cost it more: a medium backlog waits only to be folded with others."""
    store = FoldStore(30_000)
    with run_loop(store, _prompt_clock(), uses_idle_time=False):
        assert store.done.wait(30)
    assert store.sizes[0] == 30_000


def test_counts_of_clients_are_added_now_and_then() -> None:
    """For every hundred thousand entries, and where there are few, once a minute, also if a fold left some before."""
    store = FoldStore(6 * HURRY_ROWS)
    with run_loop(store, itertools.count(0.0, 0.25).__next__):
        assert store.done.wait(30)
    assert store.added_clients == 3
    idle = FoldStore(0)
    with run_loop(idle, _slow_clock()):
        assert idle.clients_added.wait(30)


def test_a_medium_backlog_waits_ten_seconds_for_idle_time() -> None:
    """Reports fold nothing above 20,000 entries, so on a busy machine they would be old for longer."""
    store = FoldStore(30_000)
    with run_loop(store, itertools.count(0.0, 0.5).__next__):
        assert store.done.wait(30)
    assert (store.sizes[0], store.asked < 15) == (30_000, True)


def test_folds_go_on_between_steps_of_clients() -> None:
    """Many counts of clients, or ones that can't be added, never keep requests from being folded."""
    store = FoldStore(10 * HURRY_ROWS)
    store.client_steps = 8
    with run_loop(store, itertools.count(0.0, 0.25).__next__):
        assert store.done.wait(30)
    first = store.sizes.index(0)
    assert store.sizes[first : first + 9] == [0, 50_000] * 4 + [0]
    refusing = FoldStore(10 * HURRY_ROWS)
    refusing.client_faults = 2
    with run_loop(refusing, itertools.count(0.0, 0.25).__next__):
        assert refusing.done.wait(30)
    assert (refusing.client_faults, refusing.added_clients > 0) == (0, True)
    assert sum(refusing.sizes) == 10 * HURRY_ROWS


def test_the_wal_is_checkpointed_while_a_fold_runs() -> None:
    """A long fold would let it grow by all that callers commit during it."""
    store = FoldStore(30_000)
    checkpointed, move = threading.Event(), store.move

    def move_slowly(most: int) -> int:
        before = store.checkpoints
        store.staged += 10_000  # callers go on
        while store.checkpoints == before:
            assert checkpointed.wait(30)
        return move(most)

    def checkpoint() -> None:
        store.checkpoints += 1
        checkpointed.set()

    store.move, store.checkpoint = move_slowly, checkpoint  # type: ignore[method-assign]  # a test double
    with run_loop(store, _slow_clock()):
        assert checkpointed.wait(30)


def test_a_process_without_the_lead_folds_nothing_until_it_has_it() -> None:
    """It asks again and again, so that it takes over within seconds."""
    store = FoldStore(3)
    store.leads = False
    asked = threading.Event()

    def ask() -> bool:
        if store.asked > 3:
            asked.set()
        store.asked += 1
        return store.leads

    store.acquire_lead = ask  # type: ignore[method-assign]  # a test double
    with run_loop(store, _slow_clock()):
        assert asked.wait(30)
        assert store.staged == 3
        store.leads = True
        assert store.done.wait(30)


def test_a_failed_fold_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """The log has one line when folds begin to fail, and one when they work again."""
    store = FoldStore(3)
    store.faults = 3
    with run_loop(store, _slow_clock()):
        assert store.done.wait(30)
    logged = [record.getMessage() for record in caplog.records]
    assert logged[0] == "Logged requests can't be folded now; they stay staged. The disk is full."
    assert logged[1:] in ([], ["Logged requests are folded again."])


def test_a_fold_that_fails_is_halved_and_grows_again() -> None:
    """Promise 2: a fold that takes longer than the database allows would fail at the same size for ever."""
    store = FoldStore(20 * HURRY_ROWS)
    move, asked = store.move, []

    def refuse_many(most: int) -> int:
        asked.append(most)
        if most > 12_500 and len(asked) < 9:
            raise Unavailable("The database canceled a statement.")
        return move(most)

    store.move = refuse_many  # type: ignore[method-assign]  # a test double
    with run_loop(store, itertools.count(0.0, 0.25).__next__):
        assert store.done.wait(30)
    assert asked[:9] == [50_000, 25_000, 12_500, 25_000, 12_500, 25_000, 12_500, 25_000, 12_500]
    assert asked[9:13] == [25_000, 50_000, 50_000, 50_000]


def test_a_fold_that_takes_long_is_halved() -> None:
    """Other folds and retention wait for it for a few seconds only; there is a smallest size."""
    store = FoldStore(10 * HURRY_ROWS)
    with run_loop(store, itertools.count(0.0, 4.0).__next__):
        assert store.done.wait(30)
    sizes = [size for size in store.sizes if size]
    assert sizes[:8] == [50_000, 25_000, 12_500, 6_250, 3_125, 1_562, 781, 500]


def test_an_embedding_app_folds_little_at_once() -> None:
    """A fork of it waits for the fold that runs."""
    store = FoldStore(HURRY_ROWS + 1)
    with run_loop(store, _prompt_clock(), rows_at_once=4_000):
        assert store.done.wait(30)
    assert len(store.moved_at) > HURRY_ROWS / 4_000
    assert max(store.sizes) <= 4_000
