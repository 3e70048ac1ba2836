"""Runs background jobs so that nothing that goes wrong in one ends the others, or the next try."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from ari.base.errors import AriError, Unavailable
from ari.metrics.recording import Metrics

_log = structlog.get_logger("ari.jobs")


class _Defect(NamedTuple):
    """The kind of an exception, and the line that raised it."""

    kind: type[Exception]
    file: str
    line: int


class JobFailures:
    """Logs and counts attempts in a row that failed, of each job of this process.

    The traceback of a defect is logged once, not at every attempt.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counts: dict[str, int] = {}
        self._defects: dict[str, _Defect] = {}

    @contextmanager
    def attempt(self, job: str) -> Iterator[None]:
        """Log what fails in one attempt of ``job``, one of ``catalog.JOBS``. The caller tries again later."""
        try:
            yield
        except AriError as error:
            _log.warning("a job failed; will retry", job=job, attempts=self._count(job), reason=str(error))
        except Exception as error:  # noqa: BLE001 - a job that ended would be missing until the next start
            count, defect = self._count(job), _find_defect(error)
            if self._defects.get(job) == defect:
                _log.error("a job failed; will retry", job=job, attempts=count, error=defect.kind.__name__)
            else:
                self._defects[job] = defect
                _log.exception("a job failed; will retry", job=job, attempts=count)
        else:
            self._defects.pop(job, None)
            if count := self._counts.pop(job, 0):
                _log.warning("a job works again", job=job, failed_attempts=count)
            self._metrics.note_job_failures(job, 0)

    async def run_each(self, jobs: Mapping[str, Callable[[], Awaitable[object]]]) -> bool:
        """Run these jobs, by their names. A defect in one doesn't stop those after it.

        Returns whether all were tried. ``Unavailable``, such as for a database that is away, would fail the rest too.
        """
        for name, job in jobs.items():
            is_away = False
            with self.attempt(name):
                try:
                    await job()
                except Unavailable:
                    is_away = True
                    raise
            if is_away:
                return False
        return True

    def _count(self, job: str) -> int:
        count = self._counts[job] = self._counts.get(job, 0) + 1
        self._metrics.note_job_failures(job, count)
        return count


def _find_defect(error: Exception) -> _Defect:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return _Defect(type(error), "", 0)
    return _Defect(type(error), trace.tb_frame.f_code.co_filename, trace.tb_lineno)
