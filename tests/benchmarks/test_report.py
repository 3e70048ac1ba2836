"""The benchmark's report: tables, targets, and rows that were not run."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import peers, report
from benchmarks.stats import Spread, number, ranged, spread
from benchmarks.targets import TARGETS


def rounds(*ratios: float) -> list[dict[str, float]]:
    """Rounds of a row with these ratios to bare."""
    usual = {"cpu_us": 20.0, "worker_cpu_us": 15.0, "cpu_ratio": 1.0, "p50_us": 900.0, "p99_us": 2_000.0}
    usual |= {"error_share": 0.0, "generator_share": 0.5}
    return [{"round": at, "ratio": ratio, "rate": ratio * 20_000, **usual} for at, ratio in enumerate(ratios)]


def fleet_rounds(*times: float) -> list[dict[str, float]]:
    """Rounds of workers that need so many µs for a request."""
    usual = {"rate": 9_000.0, "p99_us": 8_000.0, "error_share": 0.0, "database_cpu_us": 7.0}
    return [{"round": at, "worker_cpu_us": time, "server_cpu_us": time + 10, **usual} for at, time in enumerate(times)]


def cases(rate: float) -> dict[str, list[dict[str, float]]]:
    """Slices of a gateway that carries this many whole chats, and half as many streamed."""
    return {
        kind: [{"round": at, "rate": rate / share, "cpu_us": 1e6 / rate, "error_share": 0.0} for at in (0, 1)]
        for kind, share in (("whole-32", 1), ("whole-256", 1), ("streamed-32", 2), ("streamed-256", 2))
    }


PACED = {"wanted_rate": 100.0, "rate": 99.0, "refused": 0, "p50_us": 500.0, "p99_us": 900.0, "sent_late_p99_us": 9.0}
RESULTS: dict[str, Any] = {
    "date": "2026-01-02 03:04 UTC",
    "command": "make bench",
    "facts": {"Machine": "a machine"},
    "rounds": 3,
    "seconds": 4,
    "minutes": 1.0,
    "load_before": 0.1,
    "load_after": 1.2,
    "others": [0.01, 0.02],
    "bare": rounds(1, 1, 1),
    "rows": {
        "me": {"label": "ARI, me", "skipped": None, "stored": "a row", "rounds": rounds(0.4, 0.6, 0.5)},
        "drf": {"label": "drf", "skipped": None, "stored": "nothing", "rounds": rounds(0.02, 0.03, 0.02)},
        "better-auth-wal": {"label": "Better Auth", "skipped": "no Node | here", "stored": "", "rounds": []},
    },
    "workers": {
        "workers-sqlite-1": {"label": "1 worker on SQLite", "skipped": None, "rounds": fleet_rounds(50, 40)},
        "workers-sqlite-4": {"label": "4 workers on SQLite", "skipped": None, "rounds": fleet_rounds(60, 50)},
        "nodes-postgresql-2": {"label": "2 nodes", "skipped": "no PostgreSQL | here", "rounds": []},
    },
    "sizes": {"1000000": {"rate": [9.0], "cpu_us": [99.0], "slowdown": [1.5], "start_seconds": 1.0}},
    "memory": {"fresh": [80.0], "loaded": [90.0]},
    "latency": {"bare": [PACED], "me": [PACED], "ratio": [1.0]},
    "gateway": {
        "rows": {
            "ari": {"label": "ARI", "skipped": None, "cases": cases(3_000), "megabytes": 160.0, "start_seconds": 1.0},
            "litellm": {
                "label": "LiteLLM",
                "skipped": None,
                "cases": cases(100),
                "megabytes": 400.0,
                "start_seconds": 9.0,
            },
            "portkey": {"label": "Portkey", "skipped": "no Node | here", "cases": {}},
        },
        "delays": {
            "direct_whole_us": [300.0, 300.0],
            "through_whole_us": [900.0, 1_100.0],
            "added_whole_ms": [0.6, 0.8],
        },
        "streams": {"count": 2_000, "before": [150.0], "megabytes": [220.0]},
    },
    "start": {"seconds": [1.0, 2.0, 1.2]},
    "in_process": {"decide": [1.0, 0.9, 1.1]},
    "parts": {},
    "ended_early": False,
    "whole": True,
}


def verdict_of(start: str) -> tuple[str, str, str]:
    (found,) = (row for row in report.targets(RESULTS) if row[0].startswith(start))
    return found


def test_a_target_is_met_or_missed_by_so_much() -> None:
    """The median decides, and the distance is shown both ways."""
    assert verdict_of("`GET /api/me` on SQLite")[1:] == ("0.50 (0.40 – 0.60)", "met by 0, 0%")
    assert verdict_of("a request at 1,000,000")[2] == "**missed** by 0.20, 15%"
    assert verdict_of("start")[2] == "**missed** by 0.20 s, 20%"
    assert verdict_of("memory of a worker")[2].startswith("met")


def test_rows_are_compared_within_a_round() -> None:
    """A ratio of two rows is the median of each round's own ratio."""
    assert verdict_of("over djangorest")[1] == "20.0× (20.0 – 25.0)"


def test_what_was_not_measured_is_said() -> None:
    """No target disappears because its row was not run."""
    assert len(report.targets(RESULTS)) == len(TARGETS)
    assert verdict_of("over Better Auth")[1:] == ("–", "not measured in this run")


@pytest.mark.parametrize("show", [report.page, report.terminal])
def test_a_row_that_was_not_run_says_why(show: Any) -> None:
    """A peer is never silently dropped."""
    assert re.search(r"Better Auth.*not run: no Node .*here", show(RESULTS))


def test_a_row_that_failed_half_way_says_so() -> None:
    """Its rounds count, and the failure is next to its name."""
    results = copy.deepcopy(RESULTS)
    results["rows"]["me"]["skipped"] = "failed: gone"
    assert "ARI, me (3 rounds, then failed: gone)" in report.page(results)


def test_tables_have_as_many_cells_as_columns() -> None:
    """Every line of every table of the page, whatever is in its cells."""
    tables = re.findall(r"(?:^\|.*\n?)+", report.page(RESULTS), re.MULTILINE)
    assert len(tables) > 3
    for block in tables:
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().splitlines()}
        assert len(counts) == 1, block


def test_an_empty_run_still_makes_a_page() -> None:
    """Parts that were left out are named as such."""
    empty: dict[str, Any] = {name: {} for name in ("workers", "sizes", "memory", "latency", "start", "in_process")}
    assert report.page({**RESULTS, **empty}).count("Not measured in this run.") == 4
    assert report.terminal({**RESULTS, **empty, "rows": {}, "bare": []})


def test_a_busy_machine_is_named() -> None:
    """Figures of a run that was not alone say so, in the page and at the terminal."""
    assert "was busy" not in report.page(RESULTS)
    busy = {**RESULTS, "load_before": 7.4}
    assert "load average 7.4" in report.page(busy)
    assert "load average 7.4" in report.terminal(busy)
    assert "other work used 30% of all cores (20% – 40%)" in report.page({**RESULTS, "others": [0.2, 0.3, 0.4]})
    assert "1.0 minutes; quiet: " in report.page(RESULTS)
    assert "1.0 minutes; busy: " in report.page(busy)


def test_workers_are_compared_within_a_round() -> None:
    """By processor time per request, over one worker of the same round."""
    found = verdict_of("processor time per request, 4 workers over 1, SQLite")
    assert found[1:] == ("1.23 (1.20 – 1.25)", "**missed** by 0.12, 11%")
    assert "| 4 workers on SQLite | 9,000 (9,000 – 9,000) | 55.0 (50.0 – 60.0) | 1.23 (1.20 – 1.25) | 65.0 | – |" in (
        report.page(RESULTS)
    )


def test_a_rate_that_the_load_generator_limits_is_named() -> None:
    """Such a row could be faster than its figure."""
    assert "The load generator used at most 50% of its core.\n" in report.page(RESULTS)
    results = copy.deepcopy(RESULTS)
    results["rows"]["me"]["rounds"][0]["generator_share"] = 0.97
    assert "It limited these rows, which could be faster: ARI, me." in report.page(results)


def test_rows_are_listed_by_what_they_store() -> None:
    """A peer that stores nothing is named as such."""
    page = report.page(RESULTS)
    assert "| a row | ARI, me |" in page
    assert "| nothing | drf |" in page


def test_a_part_of_a_run_shows_only_its_own_targets() -> None:
    """At the terminal; the page of a whole run shows them all."""
    assert "over Better Auth" not in report.terminal({**RESULTS, "whole": False})
    assert "over Better Auth" in report.terminal(RESULTS)


def test_an_interrupted_run_writes_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its results can be shown again, and say so; the page of the last whole run stays."""
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(command, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr("sys.argv", ["bench", "--again"])
    command.RESULTS.write_text(json.dumps({**RESULTS, "ended_early": True}))
    assert command.main() == 0
    assert not command.PAGE.exists()
    assert "was interrupted" in report.page({**RESULTS, "ended_early": True})
    command.RESULTS.write_text(json.dumps(RESULTS))
    assert command.main() == 0
    assert command.PAGE.read_text() == report.page(RESULTS)


def test_a_part_that_failed_says_why() -> None:
    """In the page and at the terminal."""
    results = {**RESULTS, "sizes": {}, "memory": {}, "parts": {"sizes": "failed: no space left"}}
    assert "Not run: failed: no space left" in report.page(results)
    assert "not run: failed: no space left" in report.terminal(results)


def test_numbers_keep_three_digits() -> None:
    """And no more than mean something."""
    assert [number(value) for value in (12345, 123.4, 12.34, 1.234, 0.00123)] == [
        "12,345",
        "123",
        "12.3",
        "1.23",
        "0.0012",
    ]
    assert ranged(spread([3, 1, 2]), " s") == "2.00 s (1.00 – 3.00)"
    assert spread([2]) == Spread(2, 2, 2)


def test_peers_left_out_are_listed() -> None:
    """With --no-peers each of them has its line."""
    rows = peers.left_out()
    assert {row.id for row in rows} == set(peers.LABELS)
    assert {row.skipped for row in rows} == {peers.LEFT_OUT}
    assert [row.id for row in peers.left_out(lambda name: name == "drf")] == ["drf"]


def test_options_are_checked() -> None:
    """Nothing is measured with nonsense."""
    assert command.options(["--rounds", "3", "--only", "me"]).rounds == 3
    assert command.options(["--quick", "--rounds", "3"]).rounds == 1
    for wrong in (["--rounds", "0"], ["--limit", "0"], ["--only", "("]):
        with pytest.raises(SystemExit):
            command.options(wrong)


def test_every_row_and_part_has_a_name_for_only() -> None:
    """As ``--list`` prints them, and each name once."""
    listed = [line.partition(":")[0] for line in command.names()]
    assert len(listed) == len(set(listed))
    assert {"me", "me-uniform", "nginx-lua", "litellm", "workers-sqlite-4", "in-process", *peers.LABELS} <= {
        name for line in command.names() for name in re.split(r"[:,] ", line)
    }


def test_a_size_without_a_ratio_has_a_dash() -> None:
    """A short slice on a busy machine has no processor time to compare with."""
    some = {"rate": [8.0], "cpu_us": [0.0], "slowdown": [], "start_seconds": 1.0}
    results = {**RESULTS, "sizes": {"1000000": some}}
    (row,) = re.findall(r"^\| 1,000,000 .*$", report.page(results), re.MULTILINE)
    assert "| – |" in row
    assert report.terminal(results)
