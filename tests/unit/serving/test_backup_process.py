"""The backup process outlives whatever goes wrong in it. What it does as a process: tests/doors."""

from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.serving import backup_process
from tests.support.instances import opened


class _Ended(Event):
    """Set after this many pauses, which take no time."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self._left = pauses

    def wait(self, timeout: float | None = None) -> bool:
        self._left -= 1
        if not self._left:
            self.set()
        return self.is_set()


@pytest.mark.parametrize("fails", ["is_due", "back_up"])
def test_a_defect_ends_nothing(fails: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has one traceback in the log, one line for each further attempt, and the next attempt works."""
    results = iter([ValueError("a defect")] * 3)

    def fail(*_: object) -> None:
        error = next(results, None)
        if error is not None:
            raise error

    monkeypatch.setattr(backup_process, "is_due", lambda _: True)
    monkeypatch.setattr(backup_process, "back_up", lambda *_: None)
    monkeypatch.setattr(backup_process, fails, fail)
    with opened(data_dir, None, backup_to=str(tmp_path)) as instance, capture_logs() as logged:
        backup_process.keep_backing_up(Deps(instance), _Ended(3))
        assert instance.metrics.list_failing_jobs() == {"write backups": 3}
        backup_process.keep_backing_up(Deps(instance), _Ended(1))
        assert instance.metrics.list_failing_jobs() == {}
    failed = [line for line in logged if line["event"] == "a job failed; will retry"]
    assert [(line["attempts"], "exc_info" in line) for line in failed] == [(1, True), (2, False), (3, False)]


def test_a_database_that_is_away_is_logged_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody needs that line every 15 seconds."""

    def fail(_: object) -> bool:
        raise Unavailable("The database is away.")

    monkeypatch.setattr(backup_process, "is_due", fail)
    with opened(data_dir, None) as instance, capture_logs() as logged:
        backup_process.keep_backing_up(Deps(instance), _Ended(3))
    assert [line["event"] for line in logged] == ["can't see whether a backup is due; will retry"]
