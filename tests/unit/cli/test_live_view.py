"""What ``ari doctor --live`` prints of a report. Real processes: tests/doors/test_doctor_live.py."""

from typing import Any

import pytest

from ari.base import live_socket
from tests.unit.cli.conftest import Ari

REPORT: dict[str, Any] = {
    "pid": 7,
    "uptime_seconds": 2.0,
    "loop_seconds": 0.001,
    "requests_in_progress": 0,
    "requests": [],
    "threads": [],
}


@pytest.mark.parametrize("failing", [{"failing_jobs": {"watch usage": 3}}, {"failing_jobs": {}}, {}])
def test_jobs_that_fail_are_named(failing: dict[str, Any], ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of an earlier version, as during an upgrade, reports none."""
    monkeypatch.setattr(live_socket, "read_all", lambda _: {"worker-0": REPORT | failing})
    shown = ari("doctor", "--live").out
    named = "  job fails: watch usage (3 attempts in a row). The log has the reason.\n"
    assert (named in shown) == bool(failing.get("failing_jobs"))
    assert "worker-0: pid 7, " in shown
