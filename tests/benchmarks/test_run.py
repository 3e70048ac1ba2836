"""A small run of the whole benchmark: every part, few requests, no figure checked."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report, run, sizes
from benchmarks.plan import Plan
from benchmarks.rows import KEYS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")


def small_plan(folder: Path, pattern: str) -> Plan:
    wanted = re.compile(pattern)
    return Plan(
        folder,
        rounds=1,
        seconds=1,
        wanted=lambda name: wanted.fullmatch(name) is not None,
        peers=False,
        large=False,
        keep=lambda _: None,
        quick=True,
        rest_seconds=0,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("short_load")
def test_a_small_run_measures_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part fails, every response is the expected one, and the page shows all of it."""
    monkeypatch.setattr(sizes, "COUNTS", (KEYS, KEYS + 5))
    names = "me|me-uniform|workers-sqlite-2|latency|sizes|ari|ari-budget|aiohttp|start|in-process"
    found = run.measure(small_plan(tmp_path, names))
    assert found["parts"] == {}
    assert found["ended_early"] is False
    rounds = [one for kind in ("rows", "workers") for row in found[kind].values() for one in row["rounds"]]
    assert [one["error_share"] for one in rounds] == [0, 0, 0]
    assert [one["refused"] for name in ("bare", "me") for one in found["latency"][name]] == [0, 0]
    assert set(found["sizes"]) == {str(KEYS), str(KEYS + 5)}
    assert set(found["gateway"]["rows"]) == {"ari", "ari-budget", "aiohttp"}
    slices = [one for row in found["gateway"]["rows"].values() for case in row["cases"].values() for one in case]
    assert {one["error_share"] for one in slices} == {0}
    assert len(slices) == 3 * 4
    assert found["gateway"]["streams"]["count"] > 0
    results: dict[str, Any] = {**found, "command": "make bench", "whole": True}
    assert "Not measured in this run" not in report.page(results)
    assert "2 workers on SQLite" in report.terminal(results)


@pytest.mark.usefixtures("short_load")
def test_nothing_begins_after_the_time_limit(tmp_path: Path) -> None:
    """Rows and parts that were not run say so."""
    plan = small_plan(tmp_path, "me|start")
    plan.limit_minutes = 0
    found = run.measure(plan)
    reason = "failed: the limit of 0 minutes was reached"
    assert (found["rows"]["me"]["skipped"], found["rows"]["me"]["rounds"]) == (reason, [])
    assert found["parts"] == {"start": reason}


def test_the_expected_time_counts_what_is_wanted(tmp_path: Path) -> None:
    """A part that isn't wanted takes no time, and one of its rows selects it."""
    nothing, one = (run.estimate(small_plan(tmp_path, pattern), []) for pattern in ("me", "workers-sqlite-4"))
    assert nothing == 0 < one < run.estimate(small_plan(tmp_path, "workers"), [])
