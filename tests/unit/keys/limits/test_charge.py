"""Deciding one request: all limits of the key and its consumer are consumed, or none."""

import pytest

from ari.base.clock import MINUTE_MS
from ari.keys.limits.charge import CONSUMER_PREFIX, Charge, RuleOwner, decide
from ari.keys.limits.counter import Counter
from ari.keys.limits.rules import CREDITS, Credits, Limit, LimitRules

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
