"""Limits are exact, the short form of ``make limits``: no window exceeds, nothing allowed is refused, counter = log."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from ari.keys.limits.charge import Charge, RuleOwner
from ari.keys.limits.rules import Credits, Limit, LimitRules
from ari.storage.engine import Database
from ari.storage.tables import usage_log
from ari.usage.ports import Batch
from tests.proof.limits import PLENTY, Request, Subject, judge, nodes_on, prove
from tests.support.instances import opened
from tests.support.usage import KEY, make_row

pytestmark = pytest.mark.slow

LIMIT = Limit("default", 3, 60_000)
SUBJECT = Subject(KEY, "", verified=False, limits={"default": LIMIT})


def test_every_decision_keeps_the_rules(tmp_path: Path, database_url: str | None) -> None:
    """Through kills of workers and servers, with clocks that jump; on PostgreSQL they differ between two servers."""
    with nodes_on(tmp_path, database_url) as (owner, nodes):
        assert asyncio.run(prove(owner, nodes, requests=500, kills=2, seed=1)) == []


@pytest.fixture
def planted_requests(data_dir: Path) -> Iterator[tuple[list[Request], Database]]:
    """Five requests against a limit of three, at one time: three were allowed."""
    owner = RuleOwner(KEY, LimitRules(1, (LIMIT,), Credits(PLENTY)))
    requests = [Request(f"r{n}", KEY, 1, 1_000, 1_001, 200 if n < 3 else 429) for n in range(5)]
    with opened(data_dir, None) as instance:
        rows = [make_row(request_id=one.name, charge=Charge((owner,))) for one in requests]
        instance.database.usage.commit(Batch(rows))
        yield requests, instance.database


def find_faults(planted: tuple[list[Request], Database], **changed: dict[str, Any]) -> list[str]:
    """The faults when requests, by name, are other than they were."""
    requests, database = planted
    return judge([replace(one, **changed.get(one.name, {})) for one in requests], [SUBJECT], database)


def test_a_right_history_passes(planted_requests: tuple[list[Request], Database]) -> None:
    """Also where a response was lost: its row says what it consumed."""
    assert find_faults(planted_requests) == []
    assert (
        find_faults(planted_requests, r2={"status": None, "last_ms": 11_000}, r4={"status": None, "last_ms": 11_000})
        == []
    )


def test_a_response_that_the_log_denies_is_found(planted_requests: tuple[list[Request], Database]) -> None:
    """An allowed request without its row, and a refused one with it."""
    assert find_faults(planted_requests, r3={"status": 200})[0] == "r3: allowed with 1 units; the log has None"
    assert "r2: refused; the log has 1 units" in find_faults(planted_requests, r2={"status": 429})


def test_a_window_that_exceeds_is_found(planted_requests: tuple[list[Request], Database]) -> None:
    """One unit more than the limit within it."""
    assert any("4 of 3 units" in fault for fault in find_faults(planted_requests, r3={"status": 200}))
    assert any("4 of 3 units" in fault for fault in find_faults(planted_requests, r0={"units": 2}))


def test_a_refusal_with_room_is_found(planted_requests: tuple[list[Request], Database]) -> None:
    """After the window and one slot more; not a moment before."""
    assert find_faults(planted_requests, r4={"first_ms": 62_000, "last_ms": 62_001}) == []
    [fault] = find_faults(planted_requests, r4={"first_ms": 62_010, "last_ms": 62_011})
    assert fault == "r4: refused with room in each of its limits"


def test_a_counter_that_differs_from_the_log_is_found(planted_requests: tuple[list[Request], Database]) -> None:
    """A row that lost its units, or a counter that counted once too often."""
    _, database = planted_requests
    database.usage.fold_all()
    with database.log.begin() as connection:
        change = update(usage_log).where(usage_log.c.request_id == "r0")
        connection.execute(change.values(consumed='{"default":1,"credits":2}'))
    assert f"{KEY}: its counter has 3 units, the rows of the log 4" in find_faults(planted_requests, r0={"units": 2})
    with database.folder.staging.begin() as connection:
        connection.execute(text("DELETE FROM limit_counters"))
    assert f"{KEY}: its counter has 0 units, the rows of the log 4" in find_faults(planted_requests)
