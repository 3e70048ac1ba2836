"""Judges a recorded history: could these verifications and these changes of one key have happened one after the other?

A change takes effect at one instant between its start and its end; a verification sees the key at one instant between
its own. A history is right if such instants exist for all of them (linearizability of a register, key by key). So no
verification that starts after a change to dead has returned may be accepted until a change back starts; none that ends
before it may be refused; those that overlap it may go either way, but not first the new way and then the old again.

Pure: all instants are integers of one clock, taken by who sends and receives. Equal instants count as overlapping.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import NamedTuple

OK, UNKNOWN, REVOKED, EXPIRED, DISABLED = "ok", "unknown", "revoked", "expired", "disabled"
UNDECIDED = "undecided"
"""A 5xx or a lost connection: always allowed, and counted."""


class Read(NamedTuple):
    """A verification and its response: ``ok``, a reason's code, or ``UNDECIDED``."""

    start: int
    end: int
    answer: str


@dataclass(frozen=True, slots=True)
class Change:
    """From an instant within it the key's verdict is one of ``answers``; ``during`` are others while it runs."""

    start: int
    end: int
    answers: frozenset[str]
    during: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Happening:
    """A key's change: ``created`` ``disabled`` ``enabled`` ``revoked`` ``expired``; ``maybe`` if no response came."""

    start: int
    end: int
    what: str
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """A verification that no order explains, with the changes around it and what contradicts it."""

    kind: str
    read: Read
    changes: tuple[Change, ...]
    against: tuple[Read, ...] = ()


class _Facts(NamedTuple):
    created: bool = False
    disabled: bool = False
    expired: bool = False
    revoked: bool = False

    def after(self, what: str) -> "_Facts":
        if what == "enabled":
            return self._replace(disabled=False)
        return self._replace(**{what: True})

    def answer(self) -> str:
        if not self.created:
            return UNKNOWN
        if self.revoked:
            return REVOKED
        if self.expired:
            return EXPIRED
        return DISABLED if self.disabled else OK


def timeline(happenings: Iterable[Happening]) -> list[Change]:
    """The changes of one key in order. What overlaps becomes one change, any part of which may have happened."""
    possible = {_Facts()}
    found: list[Change] = []
    for group in _group_overlapping(sorted(happenings, key=lambda one: (one.start, one.end))):
        during: set[_Facts] = set()
        after: set[_Facts] = set()
        for facts in possible:
            for done in product((False, True), repeat=len(group)):
                then = facts
                for one, happened in zip(group, done, strict=True):
                    then = then.after(one.what) if happened else then
                during.add(then)
                if all(happened or one.maybe for one, happened in zip(group, done, strict=True)):
                    after.add(then)
        possible = after
        answers, passing = (frozenset(facts.answer() for facts in some) for some in (after, during))
        end = max(one.end for one in group)
        found.append(Change(group[0].start, end, answers, passing if len(group) > 1 else frozenset()))
    return found


def _group_overlapping(happenings: Sequence[Happening]) -> list[list[Happening]]:
    groups: list[list[Happening]] = []
    reach = -1
    for one in happenings:
        if groups and one.start < reach:
            groups[-1].append(one)
        else:
            groups.append([one])
        reach = max(reach, one.end)
    return groups


@dataclass(slots=True)
class _Bounds:
    """What reads demand of the instant of a change: not before ``low``, not after ``high``."""

    low: int
    high: int
    low_read: Read | None = None
    high_read: Read | None = None
    either: list[tuple[int, Read]] = field(default_factory=list)
    """Reads that are content if the change with this number came after their start, or this one before their end."""

    def not_before(self, read: Read) -> None:
        if read.start > self.low:
            self.low, self.low_read = read.start, read

    def not_after(self, read: Read) -> None:
        if read.end < self.high:
            self.high, self.high_read = read.end, read


def violations(changes: Sequence[Change], reads: Iterable[Read]) -> list[Violation]:
    """What no order explains; empty if the history is right. ``changes`` of one key, in order, not overlapping.

    Before the first change the token is unknown. State k lasts from change k-1 to change k.
    """
    for before, after in pairwise(changes):
        if before.end > after.start:
            raise ValueError("changes of one key overlap; timeline() joins such")
    bounds = [_Bounds(change.start, change.end) for change in changes]
    found: list[Violation] = []
    first = 0
    for read in sorted(reads):
        while first < len(changes) and changes[first].end < read.start:
            first += 1
        violation = None if read.answer == UNDECIDED else _place(changes, bounds, first, read)
        if violation is not None:
            found.append(violation)
    return found + _disorder(changes, bounds)


def _place(changes: Sequence[Change], bounds: list[_Bounds], low: int, read: Read) -> Violation | None:
    """Note what this read demands. States ``low`` … ``high`` are those it may have seen, both ends only perhaps."""
    high = low
    while high < len(changes) and changes[high].start <= read.end:
        high += 1
    if any(read.answer in changes[number].during for number in range(low, high)):
        return None
    seen = [number for number in range(low, high + 1) if read.answer in _verdicts_at(changes, number)]
    if not seen:
        return Violation(_kind(changes, low, high, read), read, tuple(changes[max(0, low - 1) : high + 1]))
    sure_low = low == len(changes) or changes[low].start >= read.start
    sure_high = high == 0 or changes[high - 1].end <= read.end
    if any(low < number < high for number in seen):
        return None
    if (low in seen and sure_low) or (high in seen and sure_high):
        return None
    if low in seen and high in seen:
        if high - 1 > low:
            bounds[high - 1].either.append((low, read))
    elif low in seen:
        bounds[low].not_before(read)
    else:
        bounds[high - 1].not_after(read)
    return None


def _verdicts_at(changes: Sequence[Change], state: int) -> frozenset[str]:
    return changes[state - 1].answers if state else frozenset((UNKNOWN,))


def _kind(changes: Sequence[Change], low: int, high: int, read: Read) -> str:
    expected = frozenset[str]().union(*(_verdicts_at(changes, number) for number in range(low, high + 1)))
    if read.answer == OK:
        return "accepted while dead"
    return "refused while alive" if expected == {OK} else "wrong answer"


def _disorder(changes: Sequence[Change], bounds: Sequence[_Bounds]) -> list[Violation]:
    """Choose each instant as late as its reads allow: nothing that comes after is harmed by a late one."""
    chosen: list[int] = []
    found: list[Violation] = []
    for number, bound in enumerate(bounds):
        for before, read in bound.either:
            if chosen[before] < read.start:
                bound.not_after(read)
        chosen.append(bound.high)
        if bound.high < bound.low:
            culprits = [read for read in (bound.low_read, bound.high_read) if read is not None]
            around = tuple(changes[max(0, number - 1) : number + 2])
            found.append(Violation("changed back and forth", culprits[0], around, tuple(culprits[1:])))
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """The clock under test was set between ``start`` and ``end``; then it runs by ``offset`` more than the real one."""

    start: int
    end: int
    offset: int


def stroke(expires_at: int, steps: Sequence[Step], born: int = 0) -> tuple[int, int] | None:
    """Within which window the clock reached ``expires_at`` after ``born``; one instant unless a step lies there.

    All in the units of the recording clock; before the first step the clock under test runs with offset 0.
    """
    earlier = [step for step in steps if step.end <= born]
    offset, since = (earlier[-1].offset if earlier else 0), (born, born)
    for step in [*steps[len(earlier) :], None]:
        instant = expires_at - offset
        if instant <= since[1]:
            return since
        if step is None or instant <= step.start:
            return instant, instant
        if instant <= step.end:
            return instant, stroke_after(expires_at, steps, step)
        offset, since = step.offset, (step.start, step.end)
    return None


def stroke_after(expires_at: int, steps: Sequence[Step], passed: Step) -> int:
    """The latest instant at which the key is expired if nobody saw it so before the clock was set by ``passed``."""
    instant = max(passed.end, expires_at - passed.offset)
    for step in steps:
        if step.start > passed.start and instant > step.start:
            instant = max(step.end, expires_at - step.offset)
    return instant
