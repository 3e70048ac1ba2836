"""A revoked or expired key that is still being used."""

from ari.base.clock import DAY_MS, HOUR_MS
from ari.usage.watch.dead_calls import find_dead_calls
from tests.unit.usage.watch.samples import LIMITS, NOW_MS, make_dead_calls


def test_calls_are_reported_after_the_first_hour() -> None:
    """With how many, since when and from where; the five latest addresses are enough."""
    [finding] = find_dead_calls([make_dead_calls()], LIMITS, set())
    assert (finding.name, finding.subject) == ("dead_key_called", "key_a")
    assert finding.detail["count"] == 4
    assert len(finding.detail["addresses"]) == 5
    assert find_dead_calls([make_dead_calls(last_at_ms=NOW_MS - 2 * DAY_MS + HOUR_MS)], LIMITS, set()) == []
    assert find_dead_calls([make_dead_calls(calls_before=1)], LIMITS, set()) == []
    assert find_dead_calls([make_dead_calls()], LIMITS, set(finding.marks)) == []


def find_days(called: range) -> list[int]:
    """The days on which calls on those days are reported, by marks that lapse as those of the store do."""
    until_ms: dict[str, int] = {}
    told = []
    for day in called:
        now_ms = NOW_MS + day * DAY_MS
        quiet = {mark for mark, end_ms in until_ms.items() if end_ms > now_ms}
        for finding in find_dead_calls([make_dead_calls(last_at_ms=now_ms)], LIMITS, quiet):
            told.append(day)
            until_ms.update({mark: now_ms + length_ms for mark, length_ms in finding.marks.items()})
    return told


def test_continuing_calls_are_reported_less_and_less_often() -> None:
    """After one week, two, then every four: nobody needs 52 emails about one forgotten machine."""
    assert find_days(range(130)) == [0, 7, 21, 49, 77, 105]
    assert find_days(range(0, 400, 30)) == list(range(0, 400, 30))


def test_calls_after_a_pause_start_over() -> None:
    """A call again after months is news again, and reported after a week."""
    [first] = find_dead_calls([make_dead_calls()], LIMITS, set())
    memory = max(first.marks.values())
    assert min(first.marks.values()) == 7 * DAY_MS
    assert memory == 35 * DAY_MS
    [second] = find_dead_calls([make_dead_calls()], LIMITS, set(first.marks) - {"dead:key_a"})
    assert second.marks["dead:key_a"] == 14 * DAY_MS
    [third] = find_dead_calls([make_dead_calls()], LIMITS, (set(first.marks) | set(second.marks)) - {"dead:key_a"})
    assert sorted(third.marks.values()) == [28 * DAY_MS, 56 * DAY_MS]
