"""Runs background jobs so that nothing that goes wrong in one ends the others, or the next try."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from ari.base.errors import AriError, Unavailable

_log = structlog.get_logger("ari.jobs")


@contextmanager
def log_failure(said: str) -> Iterator[None]:
    """Log what fails; ``said`` is what, as in "old usage couldn't be removed". The caller tries again later."""
    try:
        yield
    except AriError as error:
        _log.warning(f"{said}; will retry", reason=str(error))
    except Exception:  # noqa: BLE001 - logged whole; a job that ended would be missing until the next start
        _log.exception(f"{said}; will retry")


async def run_each(jobs: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
    """Run these jobs, by their names in the log. A defect in one doesn't stop those after it.

    Raises ``Unavailable``, such as for a database that is away: then those after it would fail too.
    """
    for name, job in jobs.items():
        try:
            await job()
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - logged whole; the other jobs don't depend on it
            _log.exception("a job failed; will retry", job=name)
