"""The long run: it compares the log with the responses, and says what grew."""

from dataclasses import replace

import pytest

from benchmarks import endurance
from tests.benchmarks.conftest import FEW, send_few

_FLAT = endurance.Sample(100, 0, 10.0, 1.0, 2.0, 50.0, 80.0, 40, 9, 1.0, 2.0, 0)


def test_a_run_ends_with_a_restart_and_a_complete_log(
    database_url: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real server responds, restarts, and its log has every response that a caller saw."""
    monkeypatch.setattr(endurance, "saturate", send_few)
    if database_url is not None:
        monkeypatch.setenv("ARI_BENCH_DATABASE_URL", database_url)
    name = "sqlite" if database_url is None else "postgresql"
    endurance.main(["--requests", str(FEW), "--seconds", "1", "--saturate", "--database", name])
    printed = capsys.readouterr().out
    assert f"\n| {FEW} | " in printed
    assert "Restarted with " in printed
    assert f"All {FEW} requests were answered with 200 and are in the log." in printed


@pytest.mark.parametrize(("refused", "logged", "why"), [(1, 100, "1 requests were refused"), (0, 99, "has 99 of 100")])
def test_a_server_that_refused_or_lost_requests_has_no_figures(refused: int, logged: int, why: str) -> None:
    """Promise 2: the run fails if the log misses a response, and if refusals made the figures better."""
    with pytest.raises(RuntimeError, match=why):
        endurance.judge(replace(_FLAT, refused=refused), logged)


def test_growth_compares_the_thirds_after_the_warm_up() -> None:
    """Slices of the warm-up don't count; memory that grows later shows."""
    samples = [endurance.Sample(100, 0, 10.0, 1.0, 2.0, 50.0 + at, 80.0, 40, 9, 1.0, 2.0, 0) for at in range(8)]
    assert "worker memory 52.5 → 56.5" in endurance.describe_growth(samples)
    assert "open files 40.0 → 40.0, files 9.00 → 9.00" in endurance.describe_growth([_FLAT])
