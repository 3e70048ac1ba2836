"""Advice follows from the facts, one finding of a kind; what was dismissed comes back only when something differs."""

from dataclasses import replace

import pytest

from ari.base.clock import DAY_MS
from ari.keys.listing import LivingKey
from ari.usage.advice import AdviceFacts, LateCall, Recommendation, recommend

NOW_MS = 1_800_000_000_000


def living(name: str, days: float, expires: bool = True) -> LivingKey:
    """A key made so many days ago."""
    return LivingKey(f"key_{name}", name, "ari_k_…", NOW_MS - int(days * DAY_MS), NOW_MS + DAY_MS if expires else None)


def used(**days: float) -> dict[str, int]:
    """When keys were used last, in days ago."""
    return {f"key_{name}": NOW_MS - int(ago * DAY_MS) for name, ago in days.items()}


def said(facts: AdviceFacts) -> dict[str, list[str]]:
    """The names of each finding, by its kind."""
    return {one.kind: [about.name for about in one.about] for one in recommend(facts, NOW_MS)}


def only(facts: AdviceFacts) -> Recommendation:
    [finding] = recommend(facts, NOW_MS)
    return finding


def test_nothing_is_said_of_keys_that_are_well_kept() -> None:
    """Young, used, with an end: no advice."""
    assert said(AdviceFacts([living("fine", 5)], used(fine=1))) == {}
    assert said(AdviceFacts()) == {}


@pytest.mark.parametrize(
    ("made", "last", "unused"),
    [(29.9, None, False), (30, None, True), (90, 30, True), (90, 29.9, False), (90, None, True)],
)
def test_unused_for_thirty_days(made: float, last: float | None, unused: bool) -> None:
    """Counted from the last accepted request, or from the making of a key that had none."""
    facts = AdviceFacts([living("idle", made)], {} if last is None else used(idle=last))
    assert (said(facts) == {"unused": ["idle"]}) is unused


def test_the_longest_unused_is_named_first() -> None:
    """Those who read one name read the right one."""
    facts = AdviceFacts([living("b", 80), living("a", 100), living("c", 200)], used(a=40, b=70))
    assert said(facts)["unused"] == ["c", "b", "a"]


def test_a_rotated_key_is_as_old_as_its_secret() -> None:
    """Rotating it follows the advice."""
    old = living("old", 500)
    rotated = old._replace(id="key_rotated", rotated_at_ms=NOW_MS - DAY_MS)
    facts = AdviceFacts([old, rotated], {key.id: NOW_MS for key in (old, rotated)})
    assert said(facts) == {"old": ["old"]}


def test_a_key_is_named_once_for_its_age() -> None:
    """Unused beats old, old beats endless."""
    keys = [living("idle", 500, expires=False), living("old", 400, expires=False), living("endless", 3, expires=False)]
    facts = AdviceFacts(keys, used(old=1, endless=1))
    assert said(facts) == {"unused": ["idle"], "old": ["old"], "endless": ["endless"]}


@pytest.mark.parametrize(("count", "many"), [(9, False), (10, True), (100, True)])
def test_many_addresses(count: int, many: bool) -> None:
    """Ten within thirty days are many."""
    facts = AdviceFacts([living("roaming", 5)], used(roaming=1), {"key_roaming": count})
    assert (said(facts) == {"addresses": ["roaming"]}) is many


def test_calls_after_the_end_are_the_gravest() -> None:
    """With how many, and from where and by what the last one came."""
    call = LateCall("key_dead", 12, NOW_MS - 5, "203.0.113.9", "cron")
    facts = AdviceFacts([living("idle", 90)], late=[(living("dead", 90), call)])
    first, second = recommend(facts, NOW_MS)
    assert (first.kind, first.about[0].number, first.about[0].late) == ("late-calls", 12, call)
    assert second.kind == "unused"


def test_at_most_five_findings() -> None:
    """However many keys there are."""
    keys = [living(f"k{number}", number, expires=number % 3 > 0) for number in range(1, 700)]
    recent = {key.id: NOW_MS for key in keys if int(key.name[1:]) % 2}
    late = [(living(f"d{number}", 9), LateCall(f"key_d{number}", 1, NOW_MS, None, None)) for number in range(50)]
    facts = AdviceFacts(keys, recent, {key.id: 20 for key in keys}, late)
    assert [one.kind for one in recommend(facts, NOW_MS)] == ["late-calls", "unused", "addresses", "old", "endless"]


def test_a_dismissed_finding_stays_away_for_its_keys() -> None:
    """Another key brings it back, about that key alone."""
    facts = AdviceFacts([living("one", 60)])
    dismissed = {("unused", key_id): fact for key_id, fact in only(facts).facts.items()}
    assert said(replace(facts, dismissed=dismissed)) == {}
    two = AdviceFacts([living("one", 60), living("two", 50)], dismissed=dismissed)
    assert said(two) == {"unused": ["two"]}
    assert only(two).facts.keys() == {"key_one", "key_two"}


def test_a_dismissed_finding_comes_back_with_another_fact() -> None:
    """Used in the meantime and unused again; twice the addresses; another caller."""
    before = AdviceFacts([living("k", 200)], used(k=100))
    dismissed = {("unused", key_id): fact for key_id, fact in only(before).facts.items()}
    assert said(replace(before, dismissed=dismissed)) == {}
    assert said(AdviceFacts([living("k", 200)], used(k=40), dismissed=dismissed)) == {"unused": ["k"]}

    def roaming(count: int) -> AdviceFacts:
        return AdviceFacts([living("k", 5)], used(k=1), {"key_k": count})

    dismissed = {("addresses", "key_k"): only(roaming(10)).facts["key_k"]}
    assert said(replace(roaming(14), dismissed=dismissed)) == {}
    assert said(replace(roaming(20), dismissed=dismissed)) == {"addresses": ["k"]}

    def late(address: str, calls: int) -> AdviceFacts:
        return AdviceFacts(late=[(living("k", 90), LateCall("key_k", calls, NOW_MS, address, "cron"))])

    dismissed = {("late-calls", "key_k"): only(late("192.0.2.1", 3)).facts["key_k"]}
    assert said(replace(late("192.0.2.1", 9), dismissed=dismissed)) == {}
    assert said(replace(late("192.0.2.2", 9), dismissed=dismissed)) == {"late-calls": ["k"]}


def test_the_mark_distinguishes_findings() -> None:
    """The same keys and facts give the same mark, in whatever order; others another."""
    one, two = living("one", 60), living("two", 50)
    assert only(AdviceFacts([one, two])).mark == only(AdviceFacts([two, one])).mark
    assert only(AdviceFacts([one, two])).mark != only(AdviceFacts([one])).mark
