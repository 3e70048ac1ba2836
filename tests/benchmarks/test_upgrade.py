"""An upgrade from the released version loses nothing, also if it is killed in the middle; the small form of the
measurement with a million keys."""

from pathlib import Path

import pytest

from benchmarks import upgrade, upgrade_check
from benchmarks.released import Released


def test_an_upgrade_that_was_killed_loses_nothing(tmp_path: Path, database_url: str | None) -> None:
    """Every key verifies as before (promise 1), and every row of the log is there (promise 2)."""
    figures = upgrade.measure(tmp_path, database_url, keys=30, rows=200, kills=1, within_seconds=0.1)
    assert figures.size_peak >= figures.size_after > 0
    assert "MiB at most" in str(figures)


def test_a_lost_key_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison finds what it is there to find."""
    real = upgrade_check.compare

    def lose(made: Released, before: upgrade_check.Before) -> None:
        real(made, before)
        with upgrade_check.open_database(made) as database, database.main.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE key_secrets SET hint = 'x' WHERE key_id = (SELECT min(id) FROM api_keys)"
            )
        with pytest.raises(AssertionError, match=r"\[29, 30, 30\]"):
            real(made, before)

    monkeypatch.setattr(upgrade, "compare", lose)
    upgrade.measure(tmp_path, None, keys=30, rows=200, kills=0, within_seconds=0)
