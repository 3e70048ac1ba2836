"""Budgets count every request once, in short: counter = log, through kills, with a provider that misbehaves."""

from pathlib import Path

import pytest
from sqlalchemy import update

from ari.keys.limits.charge import Charge, Estimate, RuleOwner, Settlement
from ari.keys.limits.rules import Budget, LimitRules
from ari.keys.limits.spending import Amounts
from ari.storage.tables import usage_ai
from ari.usage.ports import Batch
from tests.proof.budgets import judge, nodes_on, prove
from tests.support.instances import opened
from tests.support.usage import KEY, make_ai_use, make_row

pytestmark = pytest.mark.slow

OWNER = RuleOwner(KEY, LimitRules(1, budgets=(Budget("all", 1_000, period="total"),)))


def test_every_counter_equals_the_log(tmp_path: Path, database_url: str | None) -> None:
    """A provider that refuses, breaks off, fails and reports nothing; kills of workers and servers; two nodes."""
    with nodes_on(tmp_path, database_url) as (owner, nodes):
        assert prove(owner, nodes, requests=150, kills=2, seed=1) == []


def test_the_proof_finds_a_planted_difference(data_dir: Path, database_url: str | None) -> None:
    """A cost that was changed in the log, and a settlement without its entry, are found."""
    with opened(data_dir, database_url) as instance:
        log = instance.database
        rows = [make_row(charge=Charge((OWNER,), estimate=Estimate(Amounts(100, 1), 60_000))) for _ in range(2)]
        log.usage.commit(Batch(rows))
        charge = rows[0].charge
        assert charge is not None
        assert charge.decision is not None
        settlement = Settlement(charge.decision.held, Amounts(7, 1))
        use = make_ai_use(rows[0].id, cost_micros=7, settlement=settlement)
        log.usage.commit(Batch(completions=[use]))
        assert judge(log, [OWNER]) == []
        with log.log.begin() as connection:
            connection.execute(update(usage_ai).values(cost_micros=8))
        assert len(judge(log, [OWNER])) == 1
