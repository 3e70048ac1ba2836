"""Budgets: what is used is what was reserved or settled in the current period, whatever the clock and the rules do."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_rfc3339
from ari.keys.limits.counter import Counter
from ari.keys.limits.periods import find_period
from ari.keys.limits.rules import Budget, Increase, LimitRules, Period
from ari.keys.limits.spending import MAX_AMOUNT, Amounts, Held, Spending

NOW = from_rfc3339("2026-11-29T12:00:00Z")
LEASE_MS = 10 * MINUTE_MS
ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe")


def make_rules(budget: Budget, revision: int = 1) -> LimitRules:
    return LimitRules(revision, budgets=(budget,))


def make_budget(amount: int = 100, period: Period = "month", window_ms: int = 0) -> Budget:
    return Budget("b", amount, period=period, window_ms=window_ms)


def reserve(counter: Counter, rules: LimitRules, at_ms: int, amount: int) -> Held | None:
    """Reserve the amount; ``None`` if a budget has no room."""
    counter.advance(rules, at_ms)
    if list(counter.find_exhausted(Amounts(amount, amount))):
        return None
    [held] = counter.reserve("key_1", Amounts(amount, amount), LEASE_MS)
    return held


def settle(counter: Counter, held: Held, at_ms: int, amount: int) -> bool:
    counter.advance(counter.rules, at_ms)
    return counter.settle(held, amount)


def read_used(counter: Counter) -> int:
    [state] = counter.list_budgets("")
    return state.used


def wait_ms(counter: Counter, amount: int) -> int | None:
    [exceeded] = counter.find_exhausted(Amounts(amount, amount))
    return exceeded.wait_ms


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 999, MINUTE_MS, HOUR_MS, 7 * HOUR_MS, DAY_MS, 20 * DAY_MS, -HOUR_MS, -40 * DAY_MS]),
        st.integers(0, 40),
        st.one_of(st.none(), st.integers(0, 60)),
        st.integers(0, 5),
    ),
    max_size=60,
)


@given(st.sampled_from(["day", "week", "month", "total"]), st.sampled_from(ZONES), steps)
def test_used_is_the_sum_over_the_period(
    period: Period, time_zone: str, given_steps: list[tuple[int, int, int | None, int]]
) -> None:
    """Against a list of all requests: clocks go back, settlements come after the period and the lease, or never."""
    budget = Budget("b", 100, period=period, time_zone=time_zone)
    counter, rules = Counter(), make_rules(budget)
    now_ms, latest_ms, log = NOW, 0, list[list[int]]()
    running: list[tuple[int, int, Held, int]] = []
    for pass_ms, estimate, real, delay in given_steps:
        now_ms += pass_ms
        held = reserve(counter, rules, now_ms, estimate)
        latest_ms = max(latest_ms, now_ms)
        assert counter.at_ms == latest_ms
        span = find_period(budget, latest_ms)
        before = sum(amount for at_ms, amount in log if span.begins_ms <= at_ms)
        assert (held is None) == (estimate > 0 and before + estimate > budget.amount)
        if held is not None:
            log.append([latest_ms, estimate])
            if real is not None:
                running.append((len(log) + delay, len(log) - 1, held, real))
        for ended in [one for one in running if one[0] <= len(log)]:
            running.remove(ended)
            _, number, one, amount = ended
            log[number][1] = amount
            settle(counter, one, now_ms, amount)
        counter = msgspec.json.decode(msgspec.json.encode(counter), type=Counter)
        assert read_used(counter) == sum(amount for at_ms, amount in log if span.begins_ms <= at_ms)


@given(steps)
def test_a_rolling_budget_counts_at_least_its_window(given_steps: list[tuple[int, int, int | None, int]]) -> None:
    """And at most one slot more, of which there are 60."""
    window_ms = 30 * DAY_MS
    budget = make_budget(10**9, "rolling", window_ms)
    counter, rules, now_ms, log = Counter(), make_rules(budget), NOW, list[tuple[int, int]]()
    for pass_ms, estimate, real, _ in given_steps:
        now_ms += max(0, pass_ms)
        held = reserve(counter, rules, now_ms, estimate)
        assert held is not None
        if real is not None:
            settle(counter, held, now_ms, real)
        log.append((now_ms, estimate if real is None else real))
        counter = msgspec.json.decode(msgspec.json.encode(counter), type=Counter)
        least = sum(amount for at_ms, amount in log if at_ms > now_ms - window_ms)
        most = sum(amount for at_ms, amount in log if at_ms > now_ms - window_ms - window_ms // 60 - 1)
        assert least <= read_used(counter) <= most


def test_a_hard_budget_refuses_what_does_not_fit() -> None:
    """With the time at which the period ends; a soft budget only counts."""
    counter, rules = Counter(), make_rules(make_budget(10))
    assert reserve(counter, rules, NOW, 8) is not None
    assert reserve(counter, rules, NOW, 3) is None
    assert wait_ms(counter, 3) == from_rfc3339("2026-12-01T00:00:00Z") - NOW
    assert wait_ms(counter, 11) is None
    assert reserve(counter, rules, NOW, 2) is not None
    soft = make_rules(replace(make_budget(10), is_hard=False), 2)
    assert reserve(counter, soft, NOW, 50) is not None
    assert read_used(counter) == 60


def test_a_request_that_costs_nothing_is_never_refused() -> None:
    """Not even by a budget below what was already spent, which refuses any other at once."""
    counter = Counter()
    reserve(counter, make_rules(make_budget(10)), NOW, 10)
    lower = make_rules(make_budget(4), 2)
    assert reserve(counter, lower, NOW, 0) is not None
    assert reserve(counter, lower, NOW, 1) is None
    [state] = counter.list_budgets("")
    assert (state.used, state.limit, state.remaining) == (10, 4, 0)


@pytest.mark.parametrize("period", ["total", "rolling"])
def test_retrying_helps_only_where_the_budget_frees_up(period: Period) -> None:
    """A total never frees up; a rolling budget does after its window."""
    counter, rules = Counter(), make_rules(make_budget(10, period, DAY_MS))
    reserve(counter, rules, NOW, 10)
    if period == "total":
        assert wait_ms(counter, 1) is None
        return
    wait = wait_ms(counter, 1)
    assert wait is not None
    assert DAY_MS < wait <= DAY_MS + DAY_MS // 60
    assert reserve(counter, rules, NOW + wait - 1, 1) is None
    assert reserve(counter, rules, NOW + wait, 1) is not None


def test_a_settlement_after_the_period_does_not_touch_the_next_one() -> None:
    """The amount belongs to the period of its reservation."""
    counter, rules = Counter(), make_rules(make_budget(100, "day"))
    held = reserve(counter, rules, NOW, 10)
    assert held is not None
    reserve(counter, rules, NOW + DAY_MS, 1)
    assert not settle(counter, held, NOW + DAY_MS, 90)
    assert read_used(counter) == 1


def test_a_lease_that_ended_keeps_its_amount() -> None:
    """It is no longer reserved, but used; a settlement that comes later still replaces it."""
    counter, rules = Counter(), make_rules(make_budget())
    held = reserve(counter, rules, NOW, 10)
    assert held is not None
    assert counter.list_budgets("")[0].reserved == 10
    counter.advance(rules, NOW + LEASE_MS + 2 * MINUTE_MS)
    [state] = counter.list_budgets("")
    assert (state.used, state.reserved) == (10, 0)
    assert settle(counter, held, NOW + HOUR_MS, 3)
    assert read_used(counter) == 3


def test_changed_rules_keep_what_was_spent() -> None:
    """Of every period; only a new epoch, as a reset gives it, begins at nothing."""
    counter = Counter()
    held = reserve(counter, make_rules(make_budget(100, "month")), NOW, 10)
    assert held is not None
    changes: list[tuple[Period, int]] = [("day", 0), ("rolling", DAY_MS), ("rolling", HOUR_MS), ("total", 0)]
    for revision, (period, window_ms) in enumerate(changes, 2):
        counter.advance(make_rules(make_budget(100, period, window_ms), revision), NOW)
        assert read_used(counter) == 10
    assert settle(counter, held, NOW, 4)
    assert read_used(counter) == 4
    counter.advance(make_rules(replace(make_budget(100, "total"), epoch=9), 9), NOW)
    assert read_used(counter) == 0
    assert not settle(counter, held, NOW, 50)


def test_an_increase_holds_until_it_ends() -> None:
    """Afterwards, only the amount of the budget counts again."""
    counter = Counter()
    ends_ms = find_period(make_budget(), NOW).ends_ms
    rules = make_rules(replace(make_budget(10), increases=(Increase(5, ends_ms), Increase(1))))
    assert reserve(counter, rules, NOW, 16) is not None
    assert reserve(counter, rules, NOW, 1) is None
    assert ends_ms is not None
    assert reserve(counter, rules, ends_ms, 12) is None
    assert reserve(counter, rules, ends_ms, 11) is not None


def test_each_threshold_is_reached_once_in_a_period() -> None:
    """By what was settled, not by what is reserved; skipped ones are not reported one by one."""
    counter, rules = Counter(), make_rules(make_budget(100))

    def spend(at_ms: int, amount: int) -> list[int]:
        held = reserve(counter, rules, at_ms, amount)
        assert held is not None
        assert counter.list_crossings("key_1") == []
        settle(counter, held, at_ms, amount)
        return [one.threshold for one in counter.list_crossings("key_1")]

    assert [spend(NOW, 49), spend(NOW, 1), spend(NOW, 1), spend(NOW, 48), spend(NOW, 1)] == [[], [50], [], [80], [100]]
    later_ms = from_rfc3339("2026-12-01T00:00:00Z")
    assert spend(later_ms, 90) == [80]


def test_a_budget_that_refuses_after_80_percent_counts_as_used_up() -> None:
    """The last request rarely fits exactly, so 100 % would never be reached."""
    counter, rules = Counter(), make_rules(make_budget(100))
    held = reserve(counter, rules, NOW, 97)
    assert held is not None
    settle(counter, held, NOW, 97)
    assert [one.threshold for one in counter.list_crossings("key_1")] == [80]
    assert reserve(counter, rules, NOW, 4) is None
    assert [one.threshold for one in counter.list_crossings("key_1", {"b"})] == [100]
    assert counter.list_crossings("key_1", {"b"}) == []


def test_thresholds_are_reached_again_after_an_increase() -> None:
    """Those of the raised limit; a lower amount reaches none again."""
    counter, rules = Counter(), make_rules(make_budget(100))
    held = reserve(counter, rules, NOW, 85)
    assert held is not None
    settle(counter, held, NOW, 85)
    assert reserve(counter, rules, NOW, 40) is None
    assert [one.threshold for one in counter.list_crossings("key_1", {"b"})] == [100]
    lower = replace(rules, revision=rules.revision + 1, budgets=(replace(make_budget(100), amount=90),))
    assert reserve(counter, lower, NOW, 40) is None
    assert counter.list_crossings("key_1", {"b"}) == []
    raised = replace(lower, revision=lower.revision + 1, budgets=(replace(make_budget(100), amount=125),))
    held = reserve(counter, raised, NOW, 40)
    assert held is not None
    assert counter.list_crossings("key_1") == []
    settle(counter, held, NOW, 40)
    assert [(one.threshold, one.limit) for one in counter.list_crossings("key_1")] == [(100, 125)]


@pytest.mark.parametrize("period", ["total", "rolling"])
def test_no_amount_makes_the_sum_overflow(period: Period) -> None:
    """Numbers of callers and providers have no limit of their own, and the commit is shared by all requests."""
    rules = LimitRules(1, budgets=(replace(make_budget(10, period, HOUR_MS), is_hard=False),))
    counter = Counter()
    held = reserve(counter, rules, NOW, 10**30)
    assert held is not None
    assert (held.amount, read_used(counter)) == (MAX_AMOUNT, MAX_AMOUNT)
    assert settle(counter, held, NOW, Amounts(10**30, 0).of("money"))
    assert read_used(counter) == MAX_AMOUNT
    counter.spending["b"] = Spending(spent=2**62 - 5, since_ms=NOW - 1, period_ms=counter.spending["b"].period_ms)
    if period == "rolling":
        counter.spending["b"].follow(rules.budgets[0], NOW)
    held = reserve(counter, rules, NOW, 10)
    assert held is not None
    assert settle(counter, held, NOW, 20)
    assert read_used(counter) == 2**62
    [crossing] = counter.list_crossings("key_1")
    assert crossing.used < 2**63
    assert msgspec.json.decode(msgspec.json.encode(counter), type=Counter) == counter
