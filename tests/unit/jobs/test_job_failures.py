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
from ari.jobs.watch import keep_watch
from ari.keys import NewKey, create, get
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
    failed = [line for line in logged if line["event"].endswith("; will retry")]
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
