"""Advice follows from the facts, one finding of a kind; what was dismissed comes back only when something differs."""

from dataclasses import replace

import pytest

from ari.base.clock import DAY_MS
from ari.keys.listing import LivingKey
from ari.usage.advice import AdviceFacts, LateCall, Recommendation, recommend

NOW_MS = 1_800_000_000_000


def make_living_key(name: str, days: float, expires: bool = True) -> LivingKey:
    """A key made so many days ago."""
    return LivingKey(f"key_{name}", name, "ari_k_…", NOW_MS - int(days * DAY_MS), NOW_MS + DAY_MS if expires else None)


def make_last_uses(**days: float) -> dict[str, int]:
    """When keys were used last, in days ago."""
    return {f"key_{name}": NOW_MS - int(ago * DAY_MS) for name, ago in days.items()}


def list_findings(facts: AdviceFacts) -> dict[str, list[str]]:
    """The names of each finding, by its kind."""
    return {one.kind: [about.name for about in one.about] for one in recommend(facts, NOW_MS)}


def recommend_one(facts: AdviceFacts) -> Recommendation:
    [finding] = recommend(facts, NOW_MS)
    return finding


def test_nothing_is_said_of_keys_that_are_well_kept() -> None:
    """Young, used, with an end: no advice."""
    assert list_findings(AdviceFacts([make_living_key("fine", 5)], make_last_uses(fine=1))) == {}
    assert list_findings(AdviceFacts()) == {}


@pytest.mark.parametrize(
    ("made", "last", "unused"),
    [(29.9, None, False), (30, None, True), (90, 30, True), (90, 29.9, False), (90, None, True)],
)
def test_unused_for_thirty_days(made: float, last: float | None, unused: bool) -> None:
    """Counted from the last accepted request, or from the making of a key that had none."""
    facts = AdviceFacts([make_living_key("idle", made)], {} if last is None else make_last_uses(idle=last))
    assert (list_findings(facts) == {"unused": ["idle"]}) is unused


def test_the_longest_unused_is_named_first() -> None:
    """Those who read one name read the right one."""
    facts = AdviceFacts(
        [make_living_key("b", 80), make_living_key("a", 100), make_living_key("c", 200)], make_last_uses(a=40, b=70)
    )
    assert list_findings(facts)["unused"] == ["c", "b", "a"]


def test_a_rotated_key_is_as_old_as_its_secret() -> None:
    """Rotating it follows the advice."""
    old = make_living_key("old", 500)
    rotated = old._replace(id="key_rotated", rotated_at_ms=NOW_MS - DAY_MS)
    facts = AdviceFacts([old, rotated], {key.id: NOW_MS for key in (old, rotated)})
    assert list_findings(facts) == {"old": ["old"]}


def test_a_key_of_today_needs_no_advice() -> None:
    """Its owner has just decided that it never expires."""
    keys = [make_living_key("new", 0.9, expires=False), make_living_key("known", 1, expires=False)]
    assert list_findings(AdviceFacts(keys)) == {"endless": ["known"]}


def test_a_key_is_named_once_for_its_age() -> None:
    """Unused beats old, old beats endless."""
    keys = [
        make_living_key("idle", 500, expires=False),
        make_living_key("old", 400, expires=False),
        make_living_key("endless", 3, expires=False),
    ]
    facts = AdviceFacts(keys, make_last_uses(old=1, endless=1))
    assert list_findings(facts) == {"unused": ["idle"], "old": ["old"], "endless": ["endless"]}


@pytest.mark.parametrize(("count", "many"), [(9, False), (10, True), (100, True)])
def test_many_addresses(count: int, many: bool) -> None:
    """Ten within thirty days are many."""
    facts = AdviceFacts([make_living_key("roaming", 5)], make_last_uses(roaming=1), {"key_roaming": count})
    assert (list_findings(facts) == {"addresses": ["roaming"]}) is many


def test_calls_after_the_end_are_the_gravest() -> None:
    """With how many, and from where and by what the last one came."""
    call = LateCall("key_dead", 12, NOW_MS - 5, "203.0.113.9", "cron")
    facts = AdviceFacts([make_living_key("idle", 90)], late=[(make_living_key("dead", 90), call)])
    first, second = recommend(facts, NOW_MS)
    assert (first.kind, first.about[0].number, first.about[0].late) == ("late-calls", 12, call)
    assert second.kind == "unused"


def test_at_most_five_findings() -> None:
    """However many keys there are."""
    keys = [make_living_key(f"k{number}", number, expires=number % 3 > 0) for number in range(1, 700)]
    recent = {key.id: NOW_MS for key in keys if int(key.name[1:]) % 2}
    late = [
        (make_living_key(f"d{number}", 9), LateCall(f"key_d{number}", 1, NOW_MS, None, None)) for number in range(50)
    ]
    facts = AdviceFacts(keys, recent, {key.id: 20 for key in keys}, late)
    assert [one.kind for one in recommend(facts, NOW_MS)] == ["late-calls", "unused", "addresses", "old", "endless"]


def test_a_dismissed_finding_stays_away_for_its_keys() -> None:
    """Another key brings it back, about that key alone."""
    facts = AdviceFacts([make_living_key("one", 60)])
    dismissed = {("unused", key_id): fact for key_id, fact in recommend_one(facts).facts.items()}
    assert list_findings(replace(facts, dismissed=dismissed)) == {}
    two = AdviceFacts([make_living_key("one", 60), make_living_key("two", 50)], dismissed=dismissed)
    assert list_findings(two) == {"unused": ["two"]}
    assert recommend_one(two).facts.keys() == {"key_one", "key_two"}


def test_a_dismissed_finding_comes_back_with_another_fact() -> None:
    """Used in the meantime and unused again; twice the addresses; another caller."""
    before = AdviceFacts([make_living_key("k", 200)], make_last_uses(k=100))
    dismissed = {("unused", key_id): fact for key_id, fact in recommend_one(before).facts.items()}
    assert list_findings(replace(before, dismissed=dismissed)) == {}
    assert list_findings(AdviceFacts([make_living_key("k", 200)], make_last_uses(k=40), dismissed=dismissed)) == {
        "unused": ["k"]
    }

    def make_roaming_facts(count: int) -> AdviceFacts:
        return AdviceFacts([make_living_key("k", 5)], make_last_uses(k=1), {"key_k": count})

    dismissed = {("addresses", "key_k"): recommend_one(make_roaming_facts(10)).facts["key_k"]}
    assert list_findings(replace(make_roaming_facts(14), dismissed=dismissed)) == {}
    assert list_findings(replace(make_roaming_facts(20), dismissed=dismissed)) == {"addresses": ["k"]}

    def make_late_facts(address: str, calls: int) -> AdviceFacts:
        return AdviceFacts(late=[(make_living_key("k", 90), LateCall("key_k", calls, NOW_MS, address, "cron"))])

    dismissed = {("late-calls", "key_k"): recommend_one(make_late_facts("192.0.2.1", 3)).facts["key_k"]}
    assert list_findings(replace(make_late_facts("192.0.2.1", 9), dismissed=dismissed)) == {}
    assert list_findings(replace(make_late_facts("192.0.2.2", 9), dismissed=dismissed)) == {"late-calls": ["k"]}


def test_the_mark_distinguishes_findings() -> None:
    """The same keys and facts give the same mark, in whatever order; others another."""
    one, two = make_living_key("one", 60), make_living_key("two", 50)
    assert recommend_one(AdviceFacts([one, two])).mark == recommend_one(AdviceFacts([two, one])).mark
    assert recommend_one(AdviceFacts([one, two])).mark != recommend_one(AdviceFacts([one])).mark
