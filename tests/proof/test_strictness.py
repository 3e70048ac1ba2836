"""Promise 1, the short form of ``make soak``: no response about a key is older than the key."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.proof.strictness import Plan, nodes_on, prove
from tests.proof.world import violation_facts

pytestmark = pytest.mark.slow

SHORT = Plan(
    verifications=4_000,
    seconds=60,
    seed=1,
    keys=10,
    clients=12,
    by_command=0.05,
    clock_seconds=1.0,
    fold_kill_seconds=0.5,
)


def test_no_response_is_stale(tmp_path: Path, database: Any) -> None:
    """Two workers on SQLite, two servers on PostgreSQL: keys change and expire while clients verify, and fold processes
    are killed; all fits."""
    with nodes_on(tmp_path, database.kind, database.url) as (nodes, owner):
        world = asyncio.run(prove(nodes, owner, SHORT))
    assert not world.found, violation_facts(world, *world.found[0])
    assert world.judged
    assert world.events["fold process killed"]
    assert {"ok", "disabled", "revoked", "expired"} <= set(world.answers)
    assert world.answers["undecided"] <= world.verified // 100
