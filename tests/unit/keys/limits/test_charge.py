"""Deciding one request: all limits of the key and its consumer are consumed, or none."""

import pytest

from ari.base.clock import MINUTE_MS
from ari.keys.limits.charge import CONSUMER_PREFIX, Charge, Decision, Estimate, RuleOwner, Settlement, decide, settle
from ari.keys.limits.counter import Counter
from ari.keys.limits.rules import CREDITS, Budget, Credits, Limit, LimitRules
from ari.keys.limits.spending import NOTHING, Amounts

NOW = 1_764_000_000_000


def owners(key_limit: int, consumer_limit: int) -> tuple[RuleOwner, RuleOwner]:
    return (
        RuleOwner("key_1", LimitRules(1, (Limit("default", key_limit, MINUTE_MS),), Credits(100))),
        RuleOwner("con_1", LimitRules(1, (Limit("default", consumer_limit, MINUTE_MS),)), CONSUMER_PREFIX),
    )


def test_a_refusal_consumes_nothing() -> None:
    """The consumer's limit refuses, so the key's limit and credits are untouched."""
    counters = [Counter(), Counter()]
    charge = Charge(owners(5, 2), units=3)
    decision = decide(charge, counters, NOW)
    assert decision.exceeded is not None
    assert (decision.exceeded.name, decision.exceeded.reason) == ("consumer:default", "rate_limited")
    assert decision.consumed == {}
    assert {one.name: one.remaining for one in decision.remaining} == {
        "default": 5,
        CREDITS: 100,
        "consumer:default": 2,
    }
    assert decision.retry_after_seconds is None


def test_an_allowed_request_consumes_everything_once() -> None:
    """The names of the consumer's limits have a prefix, so that two limits with one name stay apart."""
    counters = [Counter(), Counter()]
    decision = decide(Charge(owners(5, 4), units=3), counters, NOW)
    assert decision.exceeded is None
    assert decision.consumed == {"default": 3, CREDITS: 3, "consumer:default": 3}
    assert [one.remaining for one in decision.remaining] == [2, 97, 1]
    again = decide(Charge(owners(5, 4), units=2), counters, NOW)
    assert again.exceeded is not None
    assert again.exceeded.name == "consumer:default"
    assert again.retry_after_seconds == 61


def test_the_longest_wait_is_reported() -> None:
    """Several limits refuse: retrying after the shorter wait would be refused again."""
    rules = LimitRules(1, (Limit("second", 1, 1_000), Limit("minute", 1, MINUTE_MS)))
    counters = [Counter()]
    owner = (RuleOwner("key_1", rules),)
    decide(Charge(owner), counters, NOW)
    refused = decide(Charge(owner), counters, NOW).exceeded
    assert refused is not None
    assert refused.name == "minute"
    spent = LimitRules(2, rules.limits, Credits(0))
    exceeded = decide(Charge((RuleOwner("key_1", spent),)), counters, NOW).exceeded
    assert exceeded is not None
    assert (exceeded.name, exceeded.reason, exceeded.wait_ms) == (CREDITS, "credits_exhausted", None)


def test_no_units_are_always_allowed() -> None:
    """A cost of 0 reads what remains."""
    counters = [Counter(), Counter()]
    decide(Charge(owners(1, 1)), counters, NOW)
    decision = decide(Charge(owners(1, 1), units=0), counters, NOW)
    assert decision.exceeded is None
    assert [one.remaining for one in decision.remaining] == [0, 99, 0]


@pytest.mark.parametrize("units", [1.5, 2.0, True, "1", -1, None])
def test_only_whole_units_are_charged(units: object) -> None:
    """A fraction would be stored, and no process could read the counter again."""
    with pytest.raises(ValueError, match="no whole number of units"):
        Charge(owners(5, 2), units)  # type: ignore[arg-type]  # the fault


def budget_owners(key_amount: int, consumer_amount: int) -> tuple[RuleOwner, RuleOwner]:
    money = LimitRules(1, (Limit("default", 5, MINUTE_MS),), budgets=(Budget("default", key_amount),))
    tokens = LimitRules(1, budgets=(Budget("default", consumer_amount, "tokens"),))
    return RuleOwner("key_1", money), RuleOwner("con_1", tokens, CONSUMER_PREFIX)


def spend(owners: tuple[RuleOwner, ...], counters: list[Counter], amounts: Amounts | None) -> Decision:
    estimate = None if amounts is None else Estimate(amounts, MINUTE_MS)
    return decide(Charge(owners, estimate=estimate), counters, NOW)


def test_budgets_are_reserved_with_limits_or_not_at_all() -> None:
    """The consumer's tokens refuse, so neither the key's money nor its rate limit is touched."""
    owners, counters = budget_owners(100, 10), [Counter(), Counter()]
    refused = spend(owners, counters, Amounts(5, 11))
    assert refused.exceeded is not None
    assert (refused.exceeded.name, refused.exceeded.reason) == ("consumer:default", "budget_exhausted")
    assert (refused.consumed, refused.held) == ({}, ())
    assert counters[0].list_budgets("")[0].used == 0
    allowed = spend(owners, counters, Amounts(5, 10))
    assert allowed.consumed == {"default": 1, "budget:default": 5, "consumer:budget:default": 10}
    assert [(one.owner_id, one.amount) for one in allowed.held] == [("key_1", 5), ("con_1", 10)]


def test_other_requests_leave_budgets_alone() -> None:
    """Without an estimate, a used-up budget refuses nothing."""
    owners, counters = budget_owners(1, 1), [Counter(), Counter()]
    spend(owners, counters, Amounts(1, 1))
    other = spend(owners, counters, None)
    assert other.exceeded is None
    assert other.consumed == {"default": 1}


def test_a_settlement_replaces_the_estimates() -> None:
    """Each budget by its own unit, and once each threshold that is reached."""
    owners, counters = budget_owners(100, 100), [Counter(), Counter()]
    held = spend(owners, counters, Amounts(5, 10)).held
    by_id = dict(zip(("key_1", "con_1"), counters, strict=True))
    crossings = settle(Settlement(held, Amounts(2, 85)), by_id, NOW)
    assert [counter.list_budgets("")[0].used for counter in counters] == [2, 85]
    assert [(one.owner_id, one.threshold) for one in crossings] == [("con_1", 80)]
    nothing = spend(owners, counters, Amounts(50, 1)).held
    assert settle(Settlement(nothing, NOTHING), by_id, NOW) == []
    assert [counter.list_budgets("")[0].used for counter in counters] == [2, 85]


def test_a_refusal_reports_a_budget_that_is_used_up() -> None:
    """No settlement follows a refusal, so the refusal itself reports the threshold."""
    owners, counters = budget_owners(100, 100), [Counter(), Counter()]
    held = spend(owners, counters, Amounts(0, 95)).held
    settle(Settlement(held, Amounts(0, 95)), dict(zip(("key_1", "con_1"), counters, strict=True)), NOW)
    refused = spend(owners, counters, Amounts(0, 6))
    assert [(one.name, one.threshold) for one in refused.crossings] == [("default", 100)]


def cover(first: Amounts | None, *fallbacks: tuple[Amounts, str]) -> tuple[Decision, list[int]]:
    """Decide about a first target at one provider and fallbacks at others, and what their budgets have then."""
    names = ["key_1", "first", "second"]
    rules = LimitRules(1, budgets=(Budget("all", 100),))
    owners, counters = tuple(RuleOwner(name, rules) for name in names), [Counter() for _ in names]
    estimates = tuple(Estimate(amounts, MINUTE_MS, frozenset(("key_1", name))) for amounts, name in fallbacks)
    own = None if first is None else Estimate(first, MINUTE_MS, frozenset(("key_1", "first")))
    decision = decide(Charge(owners, estimate=own, fallbacks=estimates), counters, NOW)
    return decision, [counter.list_budgets("")[0].used for counter in counters]


def test_fallbacks_reserve_the_highest_amount_once() -> None:
    """In the budgets that they share; in those of a provider, only what its own targets would cost."""
    decision, used = cover(Amounts(10, 0), (Amounts(40, 0), "second"), (Amounts(20, 0), "second"))
    assert used == [40, 10, 40]
    assert [(one.owner_id, one.amount) for one in decision.held] == [("key_1", 40), ("first", 10), ("second", 40)]
    assert (decision.exceeded, decision.uncovered) == (None, frozenset())


def test_a_fallback_without_room_refuses_nothing() -> None:
    """It reserves nothing either, and one after it may still fit."""
    decision, used = cover(Amounts(10, 0), (Amounts(101, 0), "second"), (Amounts(20, 0), "first"))
    assert (decision.exceeded, decision.uncovered, used) == (None, frozenset((1,)), [20, 20, 0])


def test_a_first_target_without_room_leaves_the_request_to_a_fallback() -> None:
    """Each attempt before the first with room is skipped; budgets refuse only if no attempt has room."""
    decision, used = cover(Amounts(101, 0), (Amounts(102, 0), "second"), (Amounts(1, 0), "second"))
    assert (decision.exceeded, decision.uncovered, used) == (None, frozenset((0, 1)), [1, 0, 1])
    decision, used = cover(Amounts(101, 0), (Amounts(102, 0), "second"))
    assert decision.exceeded is not None
    assert used == [0, 0, 0]


def test_a_limit_refuses_whatever_its_fallbacks_cost() -> None:
    """Only budgets are skipped."""
    rules = LimitRules(1, limits=(Limit("all", 1, MINUTE_MS),), budgets=(Budget("all", 100),))
    owner, counter = RuleOwner("key_1", rules), Counter()
    first, second = (Estimate(Amounts(cost, 0), MINUTE_MS) for cost in (101, 1))
    charge = Charge((owner,), estimate=first, fallbacks=(second,))
    assert decide(charge, [counter], NOW).exceeded is None
    exceeded = decide(charge, [counter], NOW).exceeded
    assert exceeded is not None
    assert exceeded.name == "all"
    assert counter.list_budgets("")[0].used == 1


def test_what_was_reserved_for_other_targets_is_released() -> None:
    """The settlement counts at the provider that served the request, and nowhere else."""
    rules = LimitRules(1, budgets=(Budget("all", 100),))
    owners, counters = tuple(RuleOwner(name, rules) for name in ("first", "second")), [Counter(), Counter()]
    first, second = (Estimate(Amounts(10, 0), MINUTE_MS, frozenset((name,))) for name in ("first", "second"))
    decision = decide(Charge(owners, estimate=first, fallbacks=(second,)), counters, NOW)
    settlement = Settlement(decision.held[1:], Amounts(7, 0), released=decision.held[:1])
    assert settlement.owner_ids == {"first", "second"}
    settle(settlement, dict(zip(("first", "second"), counters, strict=True)), NOW)
    assert [counter.list_budgets("")[0].used for counter in counters] == [0, 7]
