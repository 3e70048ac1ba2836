"""Attempts to fold that fail in a row are counted, and neither a defect nor a crash stops the folding of other rows."""

import itertools

import pytest

from ari.base.errors import Unavailable
from ari.usage import fold_loop
from tests.support.fold_store import FoldStore, run_loop
from tests.support.processes import eventually


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_loop, "CHECK_SECONDS", 0.001)


def test_failures_in_a_row_are_counted() -> None:
    """Until a fold works; waiting for more entries is no success."""
    store, noted = FoldStore(3), list[int]()
    store.faults = 4
    with run_loop(store, itertools.count(0.0, 10.0).__next__, note_failures=noted.append):
        assert store.done.wait(30)
        assert eventually(lambda: noted[-1:] == [0])
    assert noted == [1, 2, 3, 4, 0]


def test_a_process_that_does_not_lead_has_no_failures() -> None:
    """Another one folds."""
    store, noted = FoldStore(3), list[int]()
    store.leads = False
    with run_loop(store, itertools.count(0.0, 10.0).__next__, note_failures=noted.append, failures=2):
        assert eventually(lambda: noted == [0])


def test_a_defect_ends_no_folding() -> None:
    """Entries before the one that can't be folded are folded, and the loop goes on."""
    store, noted = FoldStore(3_000), list[int]()
    move, poison = store.move, 700

    def refuse_poison(most: int) -> int:
        if store.staged - most < poison:
            raise RuntimeError("a defect")
        return move(most)

    store.move = refuse_poison  # type: ignore[method-assign]  # a test double
    with run_loop(store, itertools.count(0.0, 10.0).__next__, rows_at_once=2_000, note_failures=noted.append) as thread:
        assert eventually(lambda: store.staged == poison and noted and noted[-1] > 5)
        assert thread.is_alive()


@pytest.mark.parametrize("error", [None, ValueError("a defect"), Unavailable("Away.")])
def test_what_was_set_aside_is_tried_again_once(error: Exception | None) -> None:
    """By the process that leads. Whatever goes wrong with it, the others are folded."""
    store, asked = FoldStore(3), list[None]()

    def restage() -> int:
        asked.append(None)
        if error is not None and len(asked) == 1:
            raise error
        return 1

    store.restage = restage  # type: ignore[method-assign]  # a test double
    with run_loop(store, itertools.count(0.0, 10.0).__next__):
        assert store.done.wait(30)
    assert len(asked) == (2 if isinstance(error, Unavailable) else 1)


def test_a_loop_after_a_crash_begins_with_few() -> None:
    """And doubles with each fold that works."""
    store = FoldStore(100_000)
    with run_loop(store, itertools.count(0.0, 0.1).__next__, failures=3):
        assert store.done.wait(30)
    assert [size for size in store.sizes if size][:4] == [125, 250, 500, 1_000]
