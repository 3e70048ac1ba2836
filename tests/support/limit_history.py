"""Checks a history of decisions against the rule of a limit. It knows nothing of slots or counters.

Times are those at which the decisions were made, in the order in which they were made.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

SLOTS = 60
SLACK_MS = 5


@dataclass(frozen=True, slots=True)
class Decided:
    """A request for ``units``; ``first_ms`` and ``last_ms`` are the earliest and latest time of its decision."""

    first_ms: int
    last_ms: int
    units: int
    allowed: bool

    @classmethod
    def at(cls, at_ms: int, units: int, *, allowed: bool) -> "Decided":
        """A request whose time of decision is known."""
        return cls(at_ms, at_ms, units, allowed)


def find_excess(history: Iterable[Decided], limit: int, window_ms: int) -> Iterator[str]:
    """Each window that certainly holds more than the limit: all of it within less than ``window_ms``."""
    window, used = deque[Decided](), 0
    for one in history:
        if not one.allowed or not one.units:
            continue
        window.append(one)
        used += one.units
        while one.last_ms - window[0].first_ms >= window_ms:
            used -= window.popleft().units
        if used > limit:
            yield f"{used} of {limit} units between {window[0].first_ms} and {one.last_ms}"


def find_wrong_refusals(history: Iterable[Decided], limit: int, window_ms: int) -> Iterator[str]:
    """Each refusal although the window plus one slot certainly had room."""
    span_ms = window_ms + -(-window_ms // SLOTS)
    window, used = deque[Decided](), 0
    for one in history:
        while window and one.first_ms - window[0].last_ms > span_ms:
            used -= window.popleft().units
        if one.allowed:
            window.append(one)
            used += one.units
        elif used + one.units <= limit:
            yield f"refused {one.units} at {one.first_ms} with {used} of {limit} units used"


def find_disorder(history: Iterable[Decided]) -> Iterator[str]:
    """Each decision that certainly was made earlier than the one before it: then the other checks prove nothing."""
    for before, after in pairwise(history):
        if after.last_ms < before.first_ms:
            yield f"{after.last_ms} after {before.first_ms}"


class IntervalHistory:
    """Consumed units, in any order; of each decision, only the interval in which it was made is known.

    Clocks that are compared may drift apart by ``SLACK_MS`` within a window.
    """

    def __init__(self, consumed: Iterable[Decided], limit: int, window_ms: int) -> None:
        used = [one for one in consumed if one.units]
        self._limit = limit
        self._window_ms = window_ms
        self._by_first = _Sums((one.first_ms, one.units) for one in used)
        self._by_last = _Sums((one.last_ms, one.units) for one in used)
        self._slow = [one for one in used if one.last_ms - one.first_ms >= window_ms - SLACK_MS]

    def find_excess(self) -> Iterator[str]:
        """Each window that certainly holds more than the limit."""
        for first_ms in self._by_first.times:
            end_ms = first_ms + self._window_ms - SLACK_MS
            began_before = self._by_first.sum_before(first_ms)
            outlasting = sum(one.units for one in self._slow if one.first_ms < first_ms and one.last_ms >= end_ms)
            used = self._by_last.sum_before(end_ms) - began_before + outlasting
            if used > self._limit:
                yield f"{used} of {self._limit} units between {first_ms} and {end_ms}"

    def has_room(self, refused: Decided) -> bool:
        """Whether the window plus one slot before a refusal certainly had room for it."""
        span_ms = self._window_ms + -(-self._window_ms // SLOTS) + SLACK_MS
        ended_before = self._by_last.sum_before(refused.first_ms - span_ms)
        return self._by_first.sum_before(refused.last_ms + 1) - ended_before + refused.units <= self._limit


class _Sums:
    """Units by time, and their sums from the beginning."""

    def __init__(self, units: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(units)
        self.times = [at_ms for at_ms, _ in ordered]
        self._sums = [0, *accumulate(some for _, some in ordered)]

    def sum_before(self, at_ms: int) -> int:
        return self._sums[bisect_left(self.times, at_ms)]
