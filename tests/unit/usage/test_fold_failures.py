"""Attempts to fold that fail in a row are counted, and neither a defect nor a crash stops the folding of other rows."""

import itertools
import threading

import pytest

from ari.base.errors import Unavailable
from ari.usage import fold_loop
from ari.usage.fold_loop import FoldLoop
from tests.support.processes import eventually


class Store:
    """Has this many entries to fold; the first ``faults`` attempts fail."""

    def __init__(self, staged: int) -> None:
        self.staged = staged
        self.leads = True
        self.faults = 0
        self.sizes: list[int] = []
        self.done = threading.Event()

    def acquire_lead(self) -> bool:
        return self.leads

    def release_lead(self) -> None:
        pass

    def create_partitions(self) -> int:
        return 0

    def move_rows(self) -> bool:
        return False

    def count_staged(self) -> int:
        return self.staged

    def move(self, most: int) -> int:
        if self.faults:
            self.faults -= 1
            raise Unavailable("The disk is full.")
        moved = min(most, self.staged)
        self.staged -= moved
        self.sizes.append(moved)
        return moved

    def delete_folded(self) -> None:
        if not self.staged:
            self.done.set()

    def add_clients(self) -> bool:
        return False

    def checkpoint(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_loop, "CHECK_SECONDS", 0.001)


def test_failures_in_a_row_are_counted() -> None:
    """Until a fold works; waiting for more entries is no success."""
    store, noted = Store(3), list[int]()
    store.faults = 4
    loop = FoldLoop(store, itertools.count(0.0, 10.0).__next__, note_failures=noted.append)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert store.done.wait(30)
    assert eventually(lambda: noted[-1:] == [0])
    loop.stop()
    thread.join(30)
    assert noted == [1, 2, 3, 4, 0]


def test_a_process_that_does_not_lead_has_no_failures() -> None:
    """Another one folds."""
    store, noted = Store(3), list[int]()
    store.leads = False
    loop = FoldLoop(store, itertools.count(0.0, 10.0).__next__, note_failures=noted.append, failures=2)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert eventually(lambda: noted == [0])
    loop.stop()
    thread.join(30)


def test_a_defect_ends_no_folding() -> None:
    """Entries before the one that can't be folded are folded, and the loop goes on."""
    store, noted = Store(3_000), list[int]()
    move, poison = store.move, 700

    def refuse_poison(most: int) -> int:
        if store.staged - most < poison:
            raise RuntimeError("a defect")
        return move(most)

    store.move = refuse_poison  # type: ignore[method-assign]  # a test double
    loop = FoldLoop(store, itertools.count(0.0, 10.0).__next__, rows_at_once=2_000, note_failures=noted.append)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert eventually(lambda: store.staged == poison and noted and noted[-1] > 5)
    assert thread.is_alive()
    loop.stop()
    thread.join(30)


def test_a_loop_after_a_crash_begins_with_few() -> None:
    """And doubles with each fold that works."""
    store = Store(100_000)
    loop = FoldLoop(store, itertools.count(0.0, 0.1).__next__, failures=3)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert store.done.wait(30)
    loop.stop()
    thread.join(30)
    assert [size for size in store.sizes if size][:4] == [125, 250, 500, 1_000]
