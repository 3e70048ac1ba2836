"""The simulation of a fleet: it checks the promises with real nodes, and multiplies what it measured."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from benchmarks import data, fleet, postgresql
from benchmarks.fleet_costs import Costs, Reading
from benchmarks.fleet_needs import Wanted, first_to_fail, list_parts
from benchmarks.fleet_waits import RUNNING, Waits, sampling, show_waits
from benchmarks.process import Server
from benchmarks.usage_fold import FoldCosts
from tests.benchmarks.conftest import send_few
from tests.support.processes import eventually

_COSTS = Costs(
    nodes=2, rate=900, responses=100, rows=100, worker_us=300, lookup_us=60, commit_us=30, fold_us=6,
    fold_database_us=60, rows_per_commit=4, wal_bytes=1_000, row_bytes=600, key_bytes=900, connections=20,
    waits=Waits(),
)  # fmt: skip


def test_two_nodes_are_measured_and_keep_the_promises(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--quick`` starts two real nodes, revokes keys, compares the log with the responses, and prints."""
    monkeypatch.setenv("ARI_BENCH_DATABASE_URL", postgres_url)
    monkeypatch.setattr(fleet, "saturate", send_few)
    fleet.main(["--quick", "--limited-keys", "2"])
    printed = capsys.readouterr().out
    assert "\n| 2 | " in printed
    assert "Each revoked key was refused by every node at its next request." in printed
    assert "First to fail: " in printed
    assert "\n| Active sessions of PostgreSQL | 2 nodes |" in printed


def test_a_revoked_key_that_is_accepted_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that accepts a revoked key is counted, so the run can't report figures of a broken fleet."""
    monkeypatch.setattr(data, "ari", lambda *_: '{"secret": "s", "key": {"id": "key_1"}}')
    monkeypatch.setattr(fleet, "ask", lambda *_: 200)
    server = Server("node", [], {}, Path(), 1)
    assert fleet.count_revived([server, server], {}, 3) == 6


def test_costs_are_of_the_rows_that_each_phase_handled() -> None:
    """The fold of rows during the load isn't counted as their commit."""
    before = Reading({1: ("ari verify", 1.0), 2: ("ari", 1.0)}, 1.0, 0.0, 10, 0, 0, 0, 0.0)
    loaded = Reading({1: ("ari verify", 1.5), 2: ("ari", 2.0), 3: ("ari", 0.5)}, 3.0, 1.0, 60, 0, 50, 0, 0.0)
    folded = Reading(
        {1: ("ari verify", 1.5), 2: ("ari", 2.0), 3: ("ari", 1.0)}, 3.0, 1.5, 70, 9_000, 100, 60_000, 800.0
    )
    fold = FoldCosts(here_us=2_000, database_us=10_000, wall_us=0)
    found = Costs.between(before, loaded, folded, fold=fold, nodes=1, responses=100, rate=50.0, waits=Waits())
    assert (found.rows, found.rows_per_commit, found.row_bytes, found.wal_bytes) == (100, 2, 600, 90)
    assert found.worker_us == pytest.approx(20_000)
    assert found.lookup_us == pytest.approx(5_000)
    assert found.commit_us == pytest.approx(10_000)


def test_needs_grow_with_the_rate_and_the_single_fold_fails_first() -> None:
    """Parts that one core must do limit the fleet; the others only need more cores."""
    half, whole = (list_parts(_COSTS, Wanted(rate=rate)) for rate in (50_000, 100_000))
    assert [part.cores for part in whole] == pytest.approx([part.cores * 2 for part in half])
    part, rate = first_to_fail(_COSTS, Wanted())
    assert part.name == "PostgreSQL: the fold's session"
    assert rate == pytest.approx(1e6 / 60)


def test_sessions_that_wait_for_each_other_are_seen(postgres_url: str) -> None:
    """A row that serializes nodes shows as a wait for a lock, and is named as the limit."""
    named = f"{postgres_url}?application_name=ari"
    with psycopg.connect(postgres_url, autocommit=True) as reader, psycopg.connect(named) as holder:
        holder.execute("CREATE TABLE hot (n integer)")
        holder.execute("INSERT INTO hot VALUES (1)")
        holder.commit()
        holder.execute("UPDATE hot SET n = 2")
        with psycopg.connect(named) as blocked, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(blocked.execute, "UPDATE hot SET n = 3")
            with sampling(reader) as waits:
                assert eventually(lambda: waits.blocked > 2)
            holder.commit()
            waiting.result()
    assert waits.share_of("Lock: transactionid") > 0
    assert waits.share_of("Lock", "Client", RUNNING) == pytest.approx(1)
    assert waits.active == pytest.approx(2, abs=0.5)
    assert waits.name_limit() == "a lock that sessions share"


@pytest.mark.parametrize(
    ("sessions", "busy", "limit"),
    [
        ({RUNNING: 9, "LWLock: WALWrite": 1}, 0.97, "the processors"),
        ({RUNNING: 5, "IO: WALSync": 2, "LWLock: WALWrite": 3}, 0.5, "the disk"),
        ({RUNNING: 9, "Lock: tuple": 3}, 0.97, "a lock that sessions share"),
        ({RUNNING: 9}, 0.4, "the callers: neither processors, disk nor locks are busy"),
    ],
)
def test_the_limit_is_named(sessions: dict[str, int], busy: float, limit: str) -> None:
    """A lock comes first: with it, busy processors wait for each other."""
    waits = Waits(4, Counter(sessions), 0, busy)
    assert waits.name_limit() == limit
    assert f"| the limit | {limit} |" in show_waits([(2, waits)])


def test_without_a_server_one_sentence_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation needs PostgreSQL, and says so."""
    monkeypatch.setenv("ARI_BENCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SystemExit, match=postgresql.MISSING.split(";")[0]):
        fleet.main(["--quick"])
