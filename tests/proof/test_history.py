"""The history checker finds what is planted, passes what is right, and agrees with trying out every order."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.history import (
    DISABLED,
    EXPIRED,
    OK,
    REVOKED,
    UNDECIDED,
    UNKNOWN,
    Change,
    Happening,
    Read,
    Step,
    stroke,
    timeline,
    violations,
)

LIFE = timeline(
    [
        Happening(10, 20, "created"),
        Happening(100, 120, "disabled"),
        Happening(200, 220, "enabled"),
        Happening(300, 320, "revoked"),
    ]
)
RIGHT = [
    Read(5, 8, UNKNOWN),
    Read(21, 30, OK),
    Read(90, 110, OK),
    Read(95, 105, DISABLED),
    Read(121, 130, DISABLED),
    Read(121, 205, OK),
    Read(206, 210, OK),
    Read(230, 240, OK),
    Read(290, 310, REVOKED),
    Read(299, 330, OK),
    Read(321, 400, REVOKED),
    Read(321, 400, UNDECIDED),
]


def _kinds(reads: list[Read], changes: list[Change] = LIFE) -> list[str]:
    return [violation.kind for violation in violations(changes, reads)]


def test_a_right_history_passes() -> None:
    """Overlapping verifications may go either way, and a 5xx says nothing."""
    assert _kinds(RIGHT) == []


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        (Read(321, 330, OK), "accepted while dead"),  # a stale accept after a revoke
        (Read(121, 130, OK), "accepted while dead"),  # after a disable
        (Read(122, 199, OK), "accepted while dead"),  # … to the last instant before the enable starts
        (Read(30, 99, DISABLED), "refused while alive"),  # an early refusal
        (Read(221, 299, REVOKED), "refused while alive"),
        (Read(230, 240, DISABLED), "refused while alive"),  # a late one, after the enable
        (Read(321, 330, DISABLED), "wrong answer"),  # dead, but for another reason
        (Read(321, 330, UNKNOWN), "wrong answer"),
        (Read(130, 140, EXPIRED), "wrong answer"),
        (Read(5, 8, OK), "accepted while dead"),  # before it was made
    ],
)
def test_what_is_planted_is_found(planted: Read, kind: str) -> None:
    """One wrong response among right ones is found, named, and shown with the changes around it."""
    [found] = violations(LIFE, [*RIGHT, planted])
    assert (found.kind, found.read) == (kind, planted)
    assert found.changes


def test_a_change_happens_once() -> None:
    """While a revoke is in flight some may see it and some not, but nobody the old state after somebody the new one."""
    seen_then_not = [Read(301, 305, REVOKED), Read(306, 310, OK)]
    assert _kinds(seen_then_not) == ["changed back and forth"]
    assert _kinds([Read(301, 305, OK), Read(306, 310, REVOKED)]) == []
    assert _kinds([Read(301, 306, REVOKED), Read(306, 310, OK)]) == []


def test_a_long_verification_is_placed_once_others_are() -> None:
    """It may have seen the key before the disable or after the enable; others can leave it neither."""
    long = Read(110, 210, OK)
    assert _kinds([long]) == []
    assert _kinds([long, Read(101, 109, DISABLED)]) == []
    assert _kinds([long, Read(211, 212, DISABLED)]) == []
    assert _kinds([long, Read(101, 109, DISABLED), Read(211, 212, DISABLED)]) == ["changed back and forth"]


def test_accepted_after_delete() -> None:
    """A deleted key is still known as the revoked one; an accept or an 'unknown' is found."""
    assert _kinds([Read(500, 510, REVOKED)]) == []
    assert _kinds([Read(500, 510, OK)]) == ["accepted while dead"]
    assert _kinds([Read(500, 510, UNKNOWN)]) == ["wrong answer"]


def test_keys_are_judged_apart() -> None:
    """The same responses are right for one key and wrong for the other."""
    other = timeline([Happening(10, 20, "created")])
    answers = [Read(330, 340, OK)]
    assert _kinds(answers, other) == []
    assert _kinds(answers, LIFE) == ["accepted while dead"]


def test_dead_at_that_instant() -> None:
    """Expiry has no window: the instant before is alive, the instant after is dead."""
    changes = timeline([Happening(0, 1, "created"), Happening(50, 50, "expired")])
    assert _kinds([Read(48, 49, OK), Read(51, 52, EXPIRED), Read(49, 51, OK), Read(49, 51, EXPIRED)], changes) == []
    assert _kinds([Read(48, 49, EXPIRED)], changes) == ["refused while alive"]
    assert _kinds([Read(51, 52, OK)], changes) == ["accepted while dead"]


def test_changes_that_overlap_are_one() -> None:
    """Both have happened at the end; in between any part of them may be seen. Revoked says more than expired."""
    changes = timeline([Happening(0, 1, "created"), Happening(40, 60, "revoked"), Happening(50, 50, "expired")])
    assert (
        _kinds([Read(45, 46, OK), Read(52, 53, EXPIRED), Read(54, 55, REVOKED), Read(61, 62, REVOKED)], changes) == []
    )
    assert _kinds([Read(61, 62, EXPIRED)], changes) == ["wrong answer"]


def test_a_change_without_a_response_may_have_happened() -> None:
    """After a 5xx to a disable both states are possible, until a later change is certain."""
    changes = timeline(
        [Happening(0, 1, "created"), Happening(10, 20, "disabled", maybe=True), Happening(30, 40, "enabled")]
    )
    assert _kinds([Read(22, 23, OK), Read(24, 25, DISABLED), Read(26, 27, OK)], changes) == []
    assert _kinds([Read(41, 42, DISABLED)], changes) == ["refused while alive"]


def test_the_stroke_by_a_clock_that_is_set() -> None:
    """One instant on a clock that runs, the window of the step where a step jumps over it."""
    assert stroke(500, []) == (500, 500)
    assert stroke(500, [Step(100, 110, 1_000)]) == (100, 110)
    assert stroke(1_500, [Step(100, 110, 1_000)]) == (500, 500)
    back_and_forth = [Step(100, 110, -1_000), Step(200, 210, 0)]
    assert stroke(150, back_and_forth) == (200, 210)
    assert stroke(50, back_and_forth) == (50, 50)
    assert stroke(105, back_and_forth) == (105, 210)
    assert stroke(50, back_and_forth, born=120) == (200, 210)


_windows = st.lists(st.integers(0, 12), min_size=2, max_size=6).map(sorted)
_answers = st.sampled_from([OK, DISABLED, UNKNOWN])


@st.composite
def _histories(draw: st.DrawFn) -> tuple[list[Change], list[Read]]:
    ends = draw(_windows)
    changes = []
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        answers = draw(st.frozensets(_answers, min_size=1, max_size=2))
        during = draw(st.sampled_from([frozenset[str](), frozenset[str](), frozenset((OK,))]))
        changes.append(Change(start, draw(st.integers(start, end)), answers, during))
    starts = st.tuples(st.integers(0, 13), st.integers(0, 5), _answers)
    reads = draw(st.lists(starts, max_size=6))
    return changes, [Read(start, start + length, answer) for start, length, answer in reads]


def _has_explaining_order(changes: list[Change], reads: list[Read]) -> bool:
    """Try every instant of every change, halves among them, and for every read every state it met."""
    instants = [[half / 2 for half in range(2 * change.start, 2 * change.end + 1)] for change in changes]
    for chosen in product(*instants):
        edges = [-1.0, *chosen, 99.0]
        states = [frozenset((UNKNOWN,)), *(change.answers for change in changes)]

        def explains_reads(read: Read, edges: list[float] = edges, states: list[frozenset[str]] = states) -> bool:
            passing = any(
                one.start <= read.end and one.end >= read.start and read.answer in one.during for one in changes
            )
            met = zip(edges, edges[1:], states, strict=False)
            return passing or any(a <= read.end and b >= read.start and read.answer in state for a, b, state in met)

        if all(explains_reads(read) for read in reads):
            return True
    return False


@settings(max_examples=600, deadline=None)
@given(_histories())
def test_the_checker_agrees_with_trying_everything(history: tuple[list[Change], list[Read]]) -> None:
    """For small histories: violations are found exactly when no choice of instants explains all responses."""
    changes, reads = history
    assert (violations(changes, reads) == []) == _has_explaining_order(changes, reads)
