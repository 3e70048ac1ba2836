"""The counter of one owner: the newest rules decide, time never runs backward, credits are refilled once a day."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_rfc3339
from ari.keys.limits.counter import Counter
from ari.keys.limits.rules import CREDITS, Credits, Limit, LimitRules, Refill
from tests.support.limit_history import Decided, find_excess, find_wrong_refusals

NOW = from_rfc3339("2026-11-29T12:00:00Z")


def use(counter: Counter, rules: LimitRules, now_ms: int, units: int = 1) -> str | None:
    """Consume the units unless they are refused; returns the name that lacks them."""
    counter.advance(rules, now_ms)
    for exceeded in counter.find_exceeded(units, None):
        return exceeded.name
    counter.consume(units, None)
    return None


def make_limit(limit: int, revision: int = 1, epoch: int = 0, window_ms: int = MINUTE_MS) -> LimitRules:
    return LimitRules(revision, (Limit("default", limit, window_ms, epoch),))


def make_credits(granted: int, refill: Refill | None = None, revision: int = 1, epoch: int = 0) -> LimitRules:
    return LimitRules(revision, (), Credits(granted, refill, epoch))


def read_remaining(counter: Counter) -> dict[str, int]:
    return {one.name: one.remaining for one in counter.list_remaining()}


@given(st.lists(st.tuples(st.integers(-300_000, 300_000), st.booleans(), st.integers(1, 3)), max_size=100))
def test_clocks_that_differ_and_jump_never_exceed_a_limit(steps: list[tuple[int, bool, int]]) -> None:
    """By the counter's own time, which is the latest that any clock has shown."""
    counter, rules, history, real_ms = Counter(), make_limit(5), [], NOW
    for skew_ms, passes, units in steps:
        real_ms += 7_000 if passes else 0
        before_ms = counter.at_ms
        allowed = use(counter, rules, real_ms + skew_ms, units) is None
        assert counter.at_ms >= before_ms or not counter.windows["default"].used
        history.append(Decided.at(counter.at_ms, units, allowed=allowed))
    assert list(find_excess(history, 5, MINUTE_MS)) == []
    assert list(find_wrong_refusals(history, 5, MINUTE_MS)) == []


def test_the_newest_rules_decide() -> None:
    """A request that read the rules before a change cannot bring the old ones back."""
    counter = Counter()
    assert use(counter, make_limit(2, revision=2), NOW) is None
    assert use(counter, make_limit(9, revision=1), NOW) is None
    assert use(counter, make_limit(9, revision=1), NOW) == "default"
    assert use(counter, make_limit(3, revision=3), NOW) is None
    assert use(counter, make_limit(3, revision=3), NOW) == "default"


def test_a_lower_limit_keeps_what_was_used() -> None:
    """Nothing is left, not less than nothing."""
    counter = Counter()
    use(counter, make_limit(10), NOW, 8)
    assert use(counter, make_limit(5, revision=2), NOW) == "default"
    assert read_remaining(counter) == {"default": 0}


def test_a_higher_epoch_clears_once() -> None:
    """The reset reaches the counter with the first request that read it; older requests do not undo it."""
    counter = Counter()
    use(counter, make_limit(2), NOW, 2)
    reset = make_limit(2, revision=2, epoch=2)
    assert use(counter, reset, NOW) is None
    assert use(counter, make_limit(2), NOW) is None
    assert use(counter, reset, NOW) == "default"
    assert use(counter, make_limit(2, revision=3, epoch=2), NOW) == "default"


def test_a_reset_ends_the_effect_of_a_clock_that_was_ahead() -> None:
    """Until then, the counter waits for the time that the clock has shown."""
    counter = Counter()
    use(counter, make_limit(1), NOW + 365 * DAY_MS)
    assert use(counter, make_limit(1), NOW + HOUR_MS) == "default"
    assert use(counter, make_limit(1, revision=2, epoch=2), NOW + HOUR_MS) is None
    assert use(counter, make_limit(1, revision=2, epoch=2), NOW + 2 * HOUR_MS) is None


def test_a_removed_limit_no_longer_counts() -> None:
    """The others keep their counts."""
    counter = Counter()
    both = LimitRules(1, (Limit("a", 1, MINUTE_MS), Limit("b", 5, MINUTE_MS)))
    assert use(counter, both, NOW) is None
    assert use(counter, both, NOW) == "a"
    assert use(counter, LimitRules(2, (Limit("b", 5, MINUTE_MS),)), NOW) is None
    assert read_remaining(counter) == {"b": 3}


def test_credits_without_a_refill_end() -> None:
    """A top-up adds to what is left; a new amount begins again."""
    counter = Counter()
    assert use(counter, make_credits(3), NOW, 3) is None
    assert use(counter, make_credits(3), NOW + 365 * DAY_MS) == CREDITS
    assert use(counter, make_credits(5, revision=2), NOW, 2) is None
    assert use(counter, make_credits(5, revision=2), NOW) == CREDITS
    assert use(counter, make_credits(5, revision=3, epoch=3), NOW, 5) is None


def test_a_refill_raises_the_balance_to_its_amount() -> None:
    """It does not add to a balance that is higher, nor to one that was topped up above it."""
    refill = Refill(10, "day", 0, "UTC", NOW)
    counter = Counter()
    use(counter, make_credits(10, refill), NOW, 4)
    use(counter, make_credits(10, refill), NOW + DAY_MS, 0)
    assert read_remaining(counter) == {CREDITS: 10}
    use(counter, make_credits(25, refill, revision=2), NOW + 2 * DAY_MS, 0)
    assert read_remaining(counter) == {CREDITS: 25}


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=60))
def test_no_day_is_refilled_twice(jumps: list[int]) -> None:
    """Whatever the clock does: at most one refill for each day that it has shown."""
    refill, counter, now_ms = Refill(1, "day", 0, "Europe/Berlin", NOW), Counter(), NOW
    days, served = {NOW // DAY_MS}, 0
    for jump in jumps:
        now_ms = NOW + max(0, (now_ms - NOW) + jump * DAY_MS)
        days.add(now_ms // DAY_MS)
        served += use(counter, make_credits(1, refill), now_ms) is None
    assert counter.balance is not None
    assert served == counter.balance.consumed <= len(days)
    assert counter.balance.refilled <= len(days) - 1


def test_setting_a_refill_is_no_refill() -> None:
    """The first one is on the day after it was set; a key that slept for days gets one, not several."""
    refill = Refill(5, "day", 0, "UTC", NOW)
    counter = Counter()
    assert use(counter, make_credits(0, refill), NOW) == CREDITS
    assert use(counter, make_credits(0, refill), NOW + 4 * DAY_MS, 5) is None
    assert use(counter, make_credits(0, refill), NOW + 4 * DAY_MS) == CREDITS
    late = Counter()
    assert use(late, make_credits(0, refill), NOW + 4 * DAY_MS, 5) is None


def test_waits() -> None:
    """Until the units fit; ``None`` if they never do."""
    counter = Counter()
    rules = LimitRules(1, (Limit("default", 3, MINUTE_MS),), Credits(2, Refill(4, "day", 0, "UTC", NOW)))
    assert use(counter, rules, NOW, 2) is None
    waits = {one.name: one.wait_ms for one in counter.find_exceeded(2, None)}
    assert waits == {"default": 61_000, CREDITS: 12 * HOUR_MS}
    assert {one.name: one.wait_ms for one in counter.find_exceeded(5, None)} == {"default": None, CREDITS: None}
    assert [one.more_in_ms for one in counter.list_remaining()] == [61_000, 12 * HOUR_MS]


def test_names_narrow_what_is_checked_and_consumed() -> None:
    """Other limits are neither."""
    counter = Counter()
    counter.advance(LimitRules(1, (Limit("a", 1, MINUTE_MS), Limit("b", 1, MINUTE_MS)), Credits(1)), NOW)
    assert counter.consume(1, {"a"}) == {"a": 1}
    assert [one.name for one in counter.find_exceeded(1, {"b", CREDITS})] == []
    assert counter.consume(1, {CREDITS}) == {CREDITS: 1}
    assert [one.name for one in counter.find_exceeded(1, None)] == ["a", CREDITS]


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 4)), max_size=30))
def test_it_survives_being_stored(steps: list[tuple[int, int]]) -> None:
    """Stored and read between any two requests, it decides the same."""
    rules = LimitRules(1, (Limit("default", 7, MINUTE_MS),), Credits(40, Refill(9, "month", 3, "Asia/Kathmandu")))
    kept, stored, now_ms = Counter(), Counter(), NOW
    for passed_ms, units in steps:
        now_ms += passed_ms
        stored = msgspec.json.decode(msgspec.json.encode(stored), type=Counter)
        assert use(kept, rules, now_ms, units) == use(stored, rules, now_ms, units)
    assert kept == stored
