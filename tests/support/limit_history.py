"""Checks a history of decisions against the rule of a limit. It knows nothing of slots or counters.

Times are those at which the decisions were made, in the order in which they were made.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

SLOTS = 60


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
