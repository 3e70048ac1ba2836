"""Removes old events if a retention period is set, and logs the head of the audit log, once an hour."""

import asyncio

import structlog

from ari.base import audit
from ari.base.clock import DAY_MS
from ari.base.traces import trace_work
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.job_failures import JobFailures

EVENTS_AT_ONCE = 2_000
"""One transaction each: about 0.1 s in which nobody else changes anything."""
_HOUR_SECONDS = 3600

_log = structlog.get_logger("ari.jobs")


async def keep_audit(instance: Instance) -> None:
    """Do both until canceled; a failure is logged and tried again."""
    logged: str | None = None
    failures = JobFailures(instance.metrics)
    while True:
        with failures.attempt("care for the audit log"):
            logged = await asyncio.to_thread(round_of_audit, instance, logged)
        await asyncio.sleep(_HOUR_SECONDS)


def round_of_audit(instance: Instance, logged: str | None) -> str | None:
    """Do both once. ``logged`` is what the round before returned. Raises ``AriError``."""
    days = instance.settings.event_retention_days
    removed = prune_events(Deps(instance), days) if days else 0
    if removed:
        _log.info("old events removed", events=removed, days=days)
    return log_head(instance, logged)


def prune_events(deps: Deps, days: int) -> int:
    """Remove the events from before the day (UTC) ``days`` ago; how many.

    Whole days, so that a log with many events is cut once a day. Raises ``Conflict("audit_broken")`` and
    ``Unavailable``.
    """
    now_ms, removed = deps.instance.now_ms(), 0
    before_ms = now_ms - now_ms % DAY_MS - days * DAY_MS
    if not deps.read_sync(audit.begins_before, before_ms):
        return 0
    audit_log = deps.instance.check_audit_log()
    if audit_log.broken is not None:
        raise audit.broken(f"event {audit_log.broken.event_id} doesn't follow the one before it")
    if audit_log.fault is not None:  # a cut would remove what shows it
        raise audit.broken(audit_log.fault)
    with trace_work(deps.instance.tracer, "ari.remove_old_events") as span:
        while count := deps.do_sync(audit.prune, before_ms, EVENTS_AT_ONCE):
            removed += count
        span.note({"ari.events": removed})
    return removed


def log_head(instance: Instance, logged: str | None) -> str | None:
    """Write the last event and its hash to the log, unless that was ``logged``; the id of the last event written.

    A log that leaves this machine is a witness that nobody here can change.
    """
    deps = Deps(instance)
    if not deps.read_sync(audit.is_signed_here):
        _log.warning("the audit log isn't signed here: its master key is missing", place=instance.master_keys.place)
    newest = deps.read_sync(audit.get_newest)
    if newest is None or newest[0] == logged:
        return logged
    event_id, chained = newest
    _log.info("head of the audit log", event_id=event_id, hash=chained)
    return event_id
