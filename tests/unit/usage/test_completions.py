"""Completions wait for a commit: a failed one loses no settlement, and keeps the order."""

from ari.keys.limits.charge import Settlement
from ari.keys.limits.spending import NOTHING
from ari.usage.ai import AiUse
from ari.usage.completions import Completions
from ari.usage.model import Completion
from tests.support.usage import make_ai_use

SETTLEMENT = Settlement((), NOTHING)


def make_completion(name: str) -> Completion:
    return Completion(name, 200, 1.0, None)


def test_settlements_are_never_dropped() -> None:
    """Of the others, the oldest make room for the newest."""
    waiting = Completions(2)
    for number in range(4):
        waiting.add(make_completion(f"c{number}"))
        waiting.add(make_ai_use(f"s{number}", settlement=SETTLEMENT))
    assert [one.id for one in waiting.take()] == ["s0", "s1", "s2", "s3", "c2", "c3"]
    assert not waiting


def test_a_failed_commit_is_put_back_in_order() -> None:
    """Before what came since; its settlements may be stored all the same."""
    waiting = Completions(10)
    waiting.add(make_completion("c0"))
    waiting.add(make_ai_use("s0", settlement=SETTLEMENT))
    waiting.add(make_ai_use("plain"))
    taken = waiting.take()
    waiting.add(make_completion("c1"))
    waiting.add(make_ai_use("s1", settlement=SETTLEMENT))
    waiting.put_back(taken)
    found = waiting.take()
    assert [one.id for one in found] == ["s0", "s1", "c0", "plain", "c1"]
    retried = [one.settlement.is_retry for one in found if isinstance(one, AiUse) and one.settlement is not None]
    assert retried == [True, False]


def test_a_failed_commit_makes_no_room_for_the_oldest() -> None:
    """The log can still learn how the newest requests ended."""
    waiting = Completions(3)
    waiting.add(make_completion("old1"))
    waiting.add(make_completion("old2"))
    taken = waiting.take()
    for number in range(2):
        waiting.add(make_completion(f"new{number}"))
    waiting.put_back(taken)
    assert [one.id for one in waiting.take()] == ["old2", "new0", "new1"]
