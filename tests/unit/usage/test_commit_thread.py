"""The thread of the usage log keeps what it could not commit, and ends only when nothing is left or its time is up."""

import threading
from collections.abc import Iterator

import pytest

from ari.base.errors import Unavailable
from ari.usage import commit_thread
from ari.usage.back_pressure import BackPressure
from ari.usage.commit_thread import CommitThread
from ari.usage.model import Completion
from ari.usage.ports import Batch
from tests.support.usage import make_row
from tests.unit.usage.fakes import FakeStore


def make_completion(name: str) -> Completion:
    return Completion(name, 201, 1.0, None)


class Commits(CommitThread):
    """On a fake store; ``faults`` has why each batch failed."""

    def __init__(self, store: FakeStore) -> None:
        self.faults: list[str | None] = []
        self.faults_of_threads: list[str | None] = []
        self.reported = threading.Semaphore(0)
        pressure = BackPressure(store.count_staged, 1_000, lambda: 0.0)
        super().__init__(store.commit, pressure, 100, lambda: True, self._take, self.faults_of_threads.append)

    def _take(self, batch: Batch, fault: str | None) -> None:
        self.faults.append(fault)
        self.reported.release()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def commits(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commits]:
    monkeypatch.setattr(commit_thread, "RETRY_SECONDS", 0.01)
    found = Commits(store)
    yield found
    store.faults.clear()
    store.release()
    found.end(Batch(), 0)
    found.join(20)


def list_completed(store: FakeStore) -> list[str]:
    return [done.id for batch in store.batches for done in batch.completions]


def test_what_failed_is_in_the_next_commit(commits: Commits, store: FakeStore) -> None:
    """Before what came since, whichever commit that is."""
    store.faults += [Unavailable("The disk is full."), RuntimeError("private words")]
    commits.put(Batch(completions=[make_completion("c0")]))
    commits.put(Batch(completions=[make_completion("c1")]))
    commits.put(Batch([make_row()], [make_completion("c2")]))
    for _ in range(3):
        assert commits.reported.acquire(timeout=20)
    assert commits.faults == ["The disk is full.", "The usage log can't be written right now.", None]
    assert list_completed(store) == ["c0", "c1", "c2"]


def test_the_end_tries_again_while_it_may(commits: Commits, store: FakeStore) -> None:
    """Nobody else would."""
    store.faults += [Unavailable("The disk is full.")] * 4
    commits.end(Batch(completions=[make_completion("c0")]), 20)
    assert commits.join(20)
    assert list_completed(store) == ["c0"]


def test_the_end_gives_up_in_time_and_says_so(commits: Commits, store: FakeStore) -> None:
    """A process that stops ends in a bounded time."""
    store.faults += [Unavailable("The disk is full.")] * 1_000
    commits.end(Batch(completions=[make_completion("c0")]), 0.05)
    assert not commits.join(20)
    assert not list_completed(store)


def test_a_completion_after_the_end_is_committed_at_once(
    commits: Commits, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    """With those that failed before it; what can't be committed is an error in the log of the process."""
    commits.end(Batch(), 0)
    assert commits.join(20)
    store.faults.append(Unavailable("The disk is full."))
    commits.complete(make_completion("c0"))
    assert "isn't in the usage log" in caplog.text
    commits.complete(make_completion("c1"))
    assert list_completed(store) == ["c0", "c1"]


def test_a_completion_after_the_end_waits_for_no_hanging_disk(commits: Commits, store: FakeStore) -> None:
    """It is left to the thread that hangs."""
    store.hold()
    commits.end(Batch(completions=[make_completion("c0")]), 0)
    assert not commits.join(0.01)
    commits.complete(make_completion("c1"))
    store.release()
    assert commits.join(20)
    assert sorted(list_completed(store)) == ["c0", "c1"]
