"""The decisions of a commit about its rows: in order, and as the log shows it."""

from ari.base.clock import MINUTE_MS
from ari.keys.limits.charge import Charge, RuleOwner
from ari.keys.limits.counter import Counter
from ari.keys.limits.rules import Credits, Limit, LimitRules
from ari.usage.limit_decisions import apply_decision, charge_rows, list_owners
from tests.support.usage import KEY, OTHER_KEY, make_row

NOW = 1_764_000_000_000
ONE = RuleOwner(KEY, LimitRules(1, (Limit("default", 1, MINUTE_MS),)))
OTHER = RuleOwner(OTHER_KEY, LimitRules(1, (), Credits(1)))


def test_counters_are_locked_in_one_order() -> None:
    """Whatever the order of rows and owners is; rows without a charge touch none."""
    rows = [make_row(charge=Charge((OTHER, ONE))), make_row(), make_row(charge=Charge((ONE,)))]
    assert list_owners(rows) == [KEY, OTHER_KEY]
    assert list_owners(rows[1:2]) == []


def test_only_changed_counters_are_written() -> None:
    """Those that were consumed from, or that learned newer rules."""
    counters = {KEY: Counter(), OTHER_KEY: Counter()}
    assert charge_rows([make_row(charge=Charge((ONE,), units=0))], counters, NOW) == {KEY}
    assert charge_rows([make_row(charge=Charge((ONE,), units=0)), make_row()], counters, NOW) == set()
    assert charge_rows([make_row(charge=Charge((ONE,)))], counters, NOW) == {KEY}
    assert charge_rows([make_row(charge=Charge((ONE, OTHER)))], counters, NOW) == {OTHER_KEY}
    assert charge_rows([make_row(charge=Charge((ONE, OTHER)))], counters, NOW) == set()


def test_the_row_of_each_decision() -> None:
    """A refused request has the status 429, also before its handler ran; a verified key's row keeps its own."""
    allowed, refused = make_row(charge=Charge((ONE,))), make_row(charge=Charge((ONE,)), bytes=7)
    verified = make_row(charge=Charge((ONE,)), source="verify")
    free = make_row(charge=Charge((ONE,), units=0))
    charge_rows([allowed, refused, verified, free], {KEY: Counter()}, NOW)
    assert apply_decision(allowed).consumed == '{"default":1}'
    row = apply_decision(refused)
    assert (row.code, row.status, row.bytes, row.consumed) == ("rate_limited", 429, None, None)
    assert (apply_decision(verified).code, apply_decision(verified).status) == ("rate_limited", 200)
    assert apply_decision(free).consumed is None
    unlimited = make_row()
    assert apply_decision(unlimited) is unlimited
