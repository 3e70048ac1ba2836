"""The process that writes scheduled backups, at low priority: a long log takes minutes that callers must not notice."""

import os
import signal
from contextlib import suppress
from functools import partial
from threading import Event
from types import FrameType

import structlog

from ari.base.errors import AriError, for_operator
from ari.deps import Deps
from ari.instance import Instance, open_backup_target
from ari.jobs.job_failures import JobFailures
from ari.jobs.scheduled_backup import back_up, is_due

CHECK_SECONDS = 15.0
"""How often to look whether a backup is due."""
_NICENESS = 5
"""As the fold process: it folds too, and a process without CPU time would hold the log's lock for long."""

_log = structlog.get_logger("ari.backup")


def work(instance: Instance) -> int:
    """Write backups until SIGTERM, and return the exit status. A failed backup is logged and tried again later."""
    signal.signal(signal.SIGTERM, _interrupt)
    os.nice(_NICENESS)
    with suppress(KeyboardInterrupt):
        keep_backing_up(Deps(instance), Event())
    return 0


def keep_backing_up(deps: Deps, ended: Event) -> None:
    """Write each backup that is due, until ``ended``. A defect is logged, and doesn't end the process."""
    failures, reported = JobFailures(deps.instance.metrics), ""
    while not ended.is_set():
        with failures.attempt("write backups"):
            try:
                due, reported = is_due(deps), ""
            except AriError as error:  # the database is down, and nobody needs that line every 15 seconds
                due, reported = False, _report(for_operator(error), reported)
            if due:
                _try(deps)
        ended.wait(CHECK_SECONDS)


def _try(deps: Deps) -> None:
    settings = deps.instance.settings
    assert settings.backup_to is not None, "without a place this process isn't started"
    try:
        written = back_up(deps, partial(open_backup_target, settings, settings.backup_to))
        if written is not None:
            seconds = round(written.duration_ms / 1000, 1)
            _log.info("backup written and verified", file=written.name, bytes=written.size_bytes, seconds=seconds)
    except AriError as error:
        _log.error("a backup failed; will retry", reason=for_operator(error))


def _report(reason: str, reported: str) -> str:
    if reason != reported:
        _log.warning("can't see whether a backup is due; will retry", reason=reason)
    return reason


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
