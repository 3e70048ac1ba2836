"""Staged requests are folded in the background, and none is left behind by a stop."""

import os
import threading
from typing import Any

import pytest

from ari.base.errors import Unavailable
from ari.usage.fold_thread import FoldThread


class Store:
    """Has this many batches to fold, and may fail first."""

    def __init__(self, batches: int, failures: int = 0) -> None:
        self.batches, self.failures = batches, failures

    def fold(self) -> int:
        if self.failures:
            self.failures -= 1
            raise Unavailable("The disk is full.")
        if not self.batches:
            return 0
        self.batches -= 1
        return 1

    def checkpoint_if_needed(self) -> None:
        pass


@pytest.mark.parametrize("failures", [0, 1])
def test_a_stop_tries_to_fold_what_is_staged(failures: int) -> None:
    """Also what an earlier process left; where the disk fails, it stays staged and the stop still ends."""
    store: Any = Store(3, failures)
    thread = FoldThread(store)
    thread.start()
    thread.stop(30)
    assert store.batches == (3 if failures else 0)
    assert store.failures == 0


def test_a_stop_before_the_thread_ran_folds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the stop may come before the thread began."""
    store: Any = Store(3)
    thread = FoldThread(store)
    begins = threading.Event()
    monkeypatch.setattr(os, "setpriority", lambda *_: begins.wait(30))
    thread.start()
    join = threading.Thread.join

    def begin_and_join(one: threading.Thread, seconds: float) -> None:
        begins.set()
        join(one, seconds)

    monkeypatch.setattr(threading.Thread, "join", begin_and_join)
    thread.stop(30)
    assert store.batches == 0
