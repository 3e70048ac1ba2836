"""The benchmark of AI gateways: its table, its targets, and rows that were not run."""

from pathlib import Path

import pytest

from benchmarks import gateway_report, gateway_rows, report
from tests.benchmarks.test_report import RESULTS, verdict_of

FOUND = RESULTS["gateway"]


def test_a_target_compares_the_gateways_of_one_round() -> None:
    """Rates over the same kind of load; a row that wasn't run has no verdict."""
    assert verdict_of("the AI gateway over LiteLLM's proxy ≥ 25")[1:] == ("30.0× (30.0 – 30.0)", "met by 5.00×, 20%")
    assert verdict_of("the AI gateway over Portkey's gateway ≥ 3")[1:] == ("–", "not measured in this run")
    assert verdict_of("the AI gateway adds")[1:] == ("0.70 ms (0.60 – 0.80)", "met by 0.30 ms, 30%")
    assert verdict_of("memory with 2,000 open streams")[2].startswith("met")


def test_rounds_that_only_one_of_them_has_are_left_out() -> None:
    """A ratio never mixes two rounds."""
    slices = [{"round": 0, "rate": 10.0}, {"round": 1, "rate": 90.0}]
    found = {"rows": {"ari": {"cases": {"x": slices}}, "other": {"cases": {"x": slices[:1]}}}}
    ratio = gateway_report.ratios(found, "ari", "other", "x")
    assert ratio is not None
    assert (ratio.least, ratio.most) == (1, 1)


def test_the_page_has_the_table_and_the_delays() -> None:
    """Rates by load, processor time, memory and start; the reason of a row that wasn't run."""
    page = report.page(RESULTS)
    assert "| 333 / 333 | 160 | 1.00 |" in page
    assert "not run: no Node \\| here" in page
    assert "0.30 ms from the provider and 1.00 ms through ARI" in page
    assert "2,000 open streams ARI's processes used 220 MB, 150 MB before" in page


def test_a_bare_forwarder_says_how_much_of_the_delay_is_the_machine_s() -> None:
    """Its delay is next to ARI's if it was measured, and missing otherwise."""
    delays = {"direct_whole_us": [300.0], "through_whole_us": [900.0], "added_whole_ms": [0.6]}
    line = gateway_report.sentences({"delays": {**delays, "bare_added_whole_ms": [0.4]}})[0]
    assert line.endswith("ms more. The bare aiohttp forwarder adds 0.40 (0.40 – 0.40) ms.")
    assert gateway_report.sentences({"delays": {**delays, "bare_added_whole_ms": []}})[0].endswith(
        "(0.60 – 0.60) ms more."
    )


def test_a_failed_response_shows_in_the_table() -> None:
    """A gateway that refuses most requests must not look fast."""
    case = [{"round": 0, "rate": 5.0, "cpu_us": 1.0, "error_share": 0.5}]
    row = {"label": "Portkey", "skipped": None, "cases": {"whole-32": case}, "megabytes": 1.0, "start_seconds": 1.0}
    assert gateway_report.rows({"rows": {"portkey": row}})[0][0] == "Portkey (errors: 50.0%)"


def test_a_peer_that_cannot_be_installed_keeps_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node.js the row says so, and with --no-peers both are named as left out."""
    monkeypatch.setenv("ARI_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gateway_rows, "install_venv", lambda _: tmp_path / "bin" / "python")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {row.id: row for row in gateway_rows.forwarders(tmp_path, 1, gateway_rows.LABELS, with_peers=True)}
    assert set(found) == set(gateway_rows.LABELS) - {"ari-budget"}
    assert "no Node.js" in str(found["portkey"].skipped)
    rows = gateway_rows.forwarders(tmp_path, 1, gateway_rows.LABELS, with_peers=False)
    assert {row.id for row in rows if row.skipped} == set(gateway_rows.PEERS)
    assert [row.id for row in gateway_rows.forwarders(tmp_path, 1, ["ari-budget"], with_peers=True)] == ["ari"]
