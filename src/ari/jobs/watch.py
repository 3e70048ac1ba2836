"""Scans key usage for what the owner should know, about once a minute for all workers and nodes together."""

import asyncio

from ari.base.traces import trace_work
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.ai_rules.change_budgets import get_budgets
from ari.jobs.job_failures import JobFailures
from ari.usage.watch import scan
from ari.usage.watch.budget_warnings import MAX_WARNINGS
from ari.usage.watch.model import Limits, WatchFinding

_TICK_SECONDS = 10
"""How often a worker checks whether a scan is due."""


async def keep_watch(instance: Instance) -> None:
    """Scan until canceled, in a thread; a failed scan is logged and repeated."""
    failures = JobFailures(instance.metrics)
    while instance.settings.watch:
        with failures.attempt("watch usage"):
            await asyncio.to_thread(scan_once, instance)
        await asyncio.sleep(_TICK_SECONDS)


def scan_once(instance: Instance) -> list[WatchFinding]:
    """Scan, if no other process did within a minute, and record the findings. Raises ``Unavailable``."""
    deps, use, limits = Deps(instance), instance.watched_use, Limits.of(instance.settings)
    due = deps.read_sync(scan.begin, instance.now_ms())
    if due is None:
        return []
    with trace_work(instance.tracer, "ari.scan_usage") as span:
        use.fold()
        warnings = instance.budget_warnings.read(MAX_WARNINGS)
        shared = deps.read_sync(get_budgets).list_all()
        found = deps.read_sync(scan.find, use, due, limits)
        found += deps.read_sync(scan.find_warnings, due, warnings, shared)
        span.note({"ari.findings": len(found)})
        if not deps.do_sync(scan.record, due, found):
            return []
        instance.budget_warnings.remove(warnings)  # each is recorded now, was before, or is true no more
        return found
