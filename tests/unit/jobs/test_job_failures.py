"""Background jobs outlive whatever goes wrong in them: one that ended would be missing until the next start."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ari import jobs
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.audit import keep_audit
from ari.jobs.job_failures import JobFailures
from ari.jobs.watch import keep_watch
from ari.keys import NewKey, create, get
from ari.metrics.recording import Metrics
from tests.support.clock import FrozenClock
from tests.support.commands import clock_of
from tests.support.instances import opened

FAILURES = [ValueError("a defect"), Unavailable("The database is away.")]


class _FailOnce:
    """A function that raises, and gives ``result`` from the second call on."""

    def __init__(self, error: Exception, result: Any) -> None:
        self.error, self.result = error, result
        self.calls = 0

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return self.result


LOOPS: dict[str, tuple[str, Any, Callable[[Instance], Coroutine[Any, Any, None]]]] = {
    "retention": ("ari.jobs.remove_old", 0, lambda instance: jobs.keep_retention(instance, threading.Event())),
    "watch": ("ari.jobs.watch.scan_once", [], keep_watch),
    "audit": ("ari.jobs.audit.log_head", None, keep_audit),
    "ticks": ("ari.jobs.ClockWatch.step_ms", 0, jobs.run),
}


@pytest.mark.parametrize("error", FAILURES, ids=["defect", "away"])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_job_that_failed_is_tried_again(
    loop: str, error: Exception, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the failure is; the log names it."""
    place, result, keep = LOOPS[loop]
    job = _FailOnce(error, result)
    pause = asyncio.sleep

    async def run(instance: Instance) -> None:
        running = asyncio.create_task(keep(instance))
        while job.calls < 2:
            assert not running.done()
            await pause(0)
        running.cancel()
        await asyncio.wait([running])

    monkeypatch.setattr(place, job)
    monkeypatch.setattr("ari.jobs.asyncio.sleep", lambda _: pause(0))
    with opened(data_dir, None) as instance, capture_logs() as logged:
        asyncio.run(asyncio.wait_for(run(instance), 20))
    failed = [line for line in logged if line["event"] == "a job failed; will retry"]
    assert len(failed) == 1
    assert failed[0]["log_level"] == ("error" if isinstance(error, ValueError) else "warning")


def test_a_defect_in_one_job_stops_no_other(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are stamped as expired, so that no clock that is set back gives them new life."""
    with opened(data_dir, None) as instance, capture_logs() as logged:
        key = Deps(instance).do_sync(create, NewKey("n", "1h")).key
        clock_of(instance).advance(3_600)
        monkeypatch.setattr(jobs.ClockWatch, "step_ms", _FailOnce(ValueError("a defect"), 0))
        asyncio.run(jobs.tick(instance, jobs.ClockWatch(FrozenClock())))
        clock_of(instance).step(-7_200)
        assert Deps(instance).read_sync(get, key.id).status(instance.now_ms()) == "expired"
    assert [line["job"] for line in logged if "job" in line] == ["record clock steps"]


def test_the_traceback_of_a_defect_is_logged_once() -> None:
    """Then one line for each attempt, with how many failed in a row, until it works or fails in another way."""
    metrics = Metrics()
    failures = JobFailures(metrics)

    def attempt(error: Exception | None) -> None:
        with failures.attempt("watch usage"):
            if error is not None:
                raise error

    with capture_logs() as logged:
        for error in (ValueError("1"), ValueError("2"), TypeError("3"), Unavailable("Away."), TypeError("4")):
            attempt(error)
        assert metrics.list_failing_jobs() == {"watch usage": 5}
        attempt(None)
        attempt(ValueError("5"))
    assert [(line.get("attempts"), "exc_info" in line) for line in logged] == [
        (1, True), (2, False), (3, True), (4, False), (5, False), (None, False), (1, True),
    ]  # fmt: skip
    assert logged[5] == {
        "event": "a job works again",
        "log_level": "warning",
        "job": "watch usage",
        "failed_attempts": 5,
    }
    assert metrics.list_failing_jobs() == {"watch usage": 1}


def test_a_database_that_is_away_ends_a_round() -> None:
    """The jobs after it would fail too, after a wait for each."""
    ran: list[str] = []
    failures = JobFailures(Metrics())

    async def fail() -> None:
        raise Unavailable("Away.")

    async def run() -> None:
        ran.append("a job")

    jobs = {"record clock steps": fail, "stamp expired keys": run}
    assert asyncio.run(failures.run_each(jobs)) is False
    assert asyncio.run(failures.run_each({"stamp expired keys": run})) is True
    assert ran == ["a job"]
