"""Folds that take long or fail become smaller, in the fold process and wherever everything is folded at once."""

import pytest

from ari.base.errors import Unavailable
from ari.usage.fold_size import MIN_ROWS, FoldSize


class Log:
    """Staged entries that take ``seconds_each``; more than ``limit_seconds`` for one fold fail when that is over."""

    def __init__(self, staged: int, seconds_each: float, limit_seconds: float = 30.0) -> None:
        self.staged, self.seconds_each, self.limit_seconds = staged, seconds_each, limit_seconds
        self.now = 0.0
        self.tried: list[int] = []

    def fold(self, most: int) -> int:
        self.tried.append(most)
        count = min(self.staged, most)
        seconds = count * self.seconds_each
        self.now += min(seconds, self.limit_seconds)
        if seconds > self.limit_seconds:
            raise Unavailable("The statement took too long.")
        self.staged -= count
        return count

    def monotonic(self) -> float:
        return self.now


def test_everything_is_folded_though_the_first_folds_are_too_large() -> None:
    """A large backlog of a slow database can still be backed up."""
    log = Log(40_000, seconds_each=0.004)
    FoldSize(20_000, log.monotonic).run_all(log.fold)
    assert log.staged == 0
    assert log.tried[:3] == [20_000, 10_000, 5_000]


def test_a_fold_that_fails_at_once_is_not_repeated() -> None:
    """There is no database, and smaller folds would fail as well."""
    log = Log(40_000, seconds_each=0.004, limit_seconds=0.01)
    with pytest.raises(Unavailable):
        FoldSize(20_000, log.monotonic).run_all(log.fold)
    assert log.tried == [20_000]


def test_the_smallest_fold_is_the_last_attempt() -> None:
    """Then the error is the caller's."""
    log = Log(40_000, seconds_each=1.0)
    with pytest.raises(Unavailable):
        FoldSize(20_000, log.monotonic).run_all(log.fold)
    assert log.tried[-1] == MIN_ROWS


@pytest.mark.parametrize(("crashes", "size"), [(1, MIN_ROWS), (2, MIN_ROWS // 2), (10, 1), (10**6, 1)])
def test_few_are_folded_after_crashes(crashes: int, size: int) -> None:
    """Those before an entry that ends the process each time are folded in the end."""
    log = Log(10**6, seconds_each=0.0)
    fold_size = FoldSize(8_000, log.monotonic)
    fold_size.shrink(crashes)
    for _ in range(2):
        fold_size.run(log.fold)
    assert log.tried == [size, 2 * size]


def test_a_defect_halves_down_to_one_entry() -> None:
    """It may be due to one of them."""
    tried = list[int]()

    def fail(most: int) -> int:
        tried.append(most)
        raise RuntimeError("a defect")

    size = FoldSize(MIN_ROWS)
    for _ in range(12):
        with pytest.raises(RuntimeError):
            size.run(fail)
    assert tried[:3] == [MIN_ROWS, MIN_ROWS // 2, MIN_ROWS // 4]
    assert tried[-1] == 1


def test_a_fast_fold_doubles_the_next_again() -> None:
    """Up to the size that it began with; many entries at once make each cheaper."""
    log = Log(10**6, seconds_each=0.0)
    size = FoldSize(8_000, log.monotonic)
    size.most = 1_000
    for _ in range(5):
        size.run(log.fold)
    assert log.tried == [1_000, 2_000, 4_000, 8_000, 8_000]
