"""The decisions of a commit about its rows: in order, and as the log shows it."""

from ari.base.clock import MINUTE_MS
from ari.keys.limits.charge import Charge, Estimate, RuleOwner, Settlement
from ari.keys.limits.counter import Counter
from ari.keys.limits.rules import Budget, Credits, Limit, LimitRules
from ari.keys.limits.spending import Amounts
from ari.usage.limit_decisions import apply_decision, decide_batch, list_owners, mark_retried
from ari.usage.ports import Batch
from tests.support.usage import KEY, OTHER_KEY, make_ai_use, make_row

NOW = 1_764_000_000_000
ONE = RuleOwner(KEY, LimitRules(1, (Limit("default", 1, MINUTE_MS),)))
OTHER = RuleOwner(OTHER_KEY, LimitRules(1, (), Credits(1)))


def test_counters_are_locked_in_one_order() -> None:
    """Whatever the order of rows and owners is; rows without a charge touch none."""
    rows = [make_row(charge=Charge((OTHER, ONE))), make_row(), make_row(charge=Charge((ONE,)))]
    assert list_owners(Batch(rows)) == [KEY, OTHER_KEY]
    assert list_owners(Batch(rows[1:2])) == []


def test_only_changed_counters_are_written() -> None:
    """Those that were consumed from, or that learned newer rules."""
    counters = {KEY: Counter(), OTHER_KEY: Counter()}
    assert decide_batch(Batch([make_row(charge=Charge((ONE,), units=0))]), counters, NOW).owner_ids == {KEY}
    assert decide_batch(Batch([make_row(charge=Charge((ONE,), units=0)), make_row()]), counters, NOW).owner_ids == set()
    assert decide_batch(Batch([make_row(charge=Charge((ONE,)))]), counters, NOW).owner_ids == {KEY}
    assert decide_batch(Batch([make_row(charge=Charge((ONE, OTHER)))]), counters, NOW).owner_ids == {OTHER_KEY}
    assert decide_batch(Batch([make_row(charge=Charge((ONE, OTHER)))]), counters, NOW).owner_ids == set()


def test_the_row_of_each_decision() -> None:
    """A refused request has the status 429, also before its handler ran; a verified key's row keeps its own."""
    allowed, refused = make_row(charge=Charge((ONE,))), make_row(charge=Charge((ONE,)), bytes=7)
    verified = make_row(charge=Charge((ONE,)), source="verify")
    free = make_row(charge=Charge((ONE,), units=0))
    decide_batch(Batch([allowed, refused, verified, free]), {KEY: Counter()}, NOW)
    assert apply_decision(allowed).consumed == '{"default":1}'
    row = apply_decision(refused)
    assert (row.code, row.status, row.bytes, row.consumed) == ("rate_limited", 429, None, None)
    assert (apply_decision(verified).code, apply_decision(verified).status) == ("rate_limited", 200)
    assert apply_decision(free).consumed is None
    unlimited = make_row()
    assert apply_decision(unlimited) is unlimited


def test_settlements_come_before_charges() -> None:
    """An amount that one request gives back is there for the next one of the same commit."""
    owner = RuleOwner(KEY, LimitRules(1, budgets=(Budget("default", 10),)))
    counters = {KEY: Counter()}
    first = make_row(charge=Charge((owner,), estimate=Estimate(Amounts(10, 0), MINUTE_MS)))
    decide_batch(Batch([first]), counters, NOW)
    assert first.charge is not None
    assert first.charge.decision is not None
    use = make_ai_use(first.id, settlement=Settlement(first.charge.decision.held, Amounts(1, 0)))
    second = make_row(charge=Charge((owner,), estimate=Estimate(Amounts(9, 0), MINUTE_MS)))
    batch = Batch([second], [use])
    assert list_owners(Batch([], [use])) == [KEY]
    changes = decide_batch(batch, counters, NOW)
    assert second.charge is not None
    assert second.charge.decision is not None
    assert second.charge.decision.exceeded is None
    assert changes.owner_ids == {KEY}
    decide_batch(Batch([], [mark_retried(use)]), counters, NOW, {use.id})
    assert counters[KEY].list_budgets("")[0].used == 10
