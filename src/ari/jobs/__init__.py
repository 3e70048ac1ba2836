"""Background jobs: stamp expired keys, delete old data, detect clock steps, send emails and webhooks."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from ari.accounts.ports import AccountTransaction
from ari.base.clock import MINUTE_MS, Clock
from ari.base.idempotency import IdempotencyTransaction
from ari.base.traces import trace_work
from ari.base.transaction import CommandTransaction, record
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import mail, webhooks
from ari.jobs.audit import keep_audit
from ari.jobs.audit_sinks import start_audit_threads
from ari.jobs.job_failures import JobFailures
from ari.jobs.leases import MAIL_STOP_SECONDS, Stopping
from ari.jobs.unused_keys import disable_unused_keys
from ari.jobs.watch import keep_watch
from ari.jobs.webhooks import keep_webhooks
from ari.keys import stamp_expired
from ari.keys.ports import KeyTransaction
from ari.usage.retention import remove_old

TICK_SECONDS = 10
STEP_MS = 5 * MINUTE_MS
_CLOCK = "clock"
_HOUR_SECONDS = 3600
_RETRY_SECONDS = 300

_log = structlog.get_logger("ari.jobs")


class ClockWatch:
    """Detects steps of the system clock by comparing it with the monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ms = self._measure()
        self._hourly_at: float | None = None
        self.unrecorded_ms: list[int] = []
        """Steps that have no event yet, as while the database is away, the first one first."""

    def step_ms(self) -> int:
        """How far the clock was set since the last call, in ms; 0 for less than five minutes."""
        offset_ms = self._measure()
        step = offset_ms - self._offset_ms
        self._offset_ms = offset_ms
        return step if abs(step) > STEP_MS else 0

    def start_hour_if_due(self) -> bool:
        """True once an hour, and on the first call."""
        now = self._clock.monotonic()
        if self._hourly_at is not None and now - self._hourly_at < _HOUR_SECONDS:
            return False
        self._hourly_at = now
        return True

    def _measure(self) -> int:
        return self._clock.now_ms() - round(self._clock.monotonic() * 1000)


async def run(instance: Instance) -> None:
    """Tick until canceled. A failed tick is logged, and the next one tries again."""
    watch, failures = ClockWatch(instance.clock), JobFailures(instance.metrics)
    stop = threading.Event()
    retention = asyncio.create_task(keep_retention(instance, stop))
    watching = asyncio.create_task(keep_watch(instance))
    mailing = asyncio.create_task(keep_mailing(instance))
    auditing = asyncio.create_task(keep_audit(instance))
    webhooking = asyncio.create_task(keep_webhooks(instance))
    delivering = start_audit_threads(instance)
    try:
        while True:
            await tick(instance, watch, failures)
            await asyncio.sleep(TICK_SECONDS)
    finally:
        stop.set()
        retention.cancel()
        watching.cancel()
        auditing.cancel()
        mailing.cancel()
        webhooking.cancel()
        stopped = asyncio.create_task(asyncio.to_thread(delivering.stop))
        await asyncio.gather(mailing, webhooking, return_exceptions=True)
        await stopped


async def end(running: asyncio.Task[None]) -> None:
    """Stop the task of ``run``. If it has failed, that is logged, and the rest of the server can still end well."""
    running.cancel()
    try:
        with suppress(asyncio.CancelledError):
            await running
    except Exception:  # noqa: BLE001 - whatever it is, the usage log must still be closed
        _log.exception("the jobs had failed")


async def keep_mailing(instance: Instance) -> None:
    """Send emails in a task of its own, because a mail service may be slow. ``mail_is_due`` starts a round early.

    At the end nothing is left under a lease.
    """
    stopping, failures = Stopping(), JobFailures(instance.metrics)
    while True:
        instance.mail_is_due.clear()
        sending = asyncio.create_task(mail.round_of_mail(instance, stopping))
        try:
            with failures.attempt("send emails"):
                await asyncio.shield(sending)
        except asyncio.CancelledError:
            await stopping.end([sending], MAIL_STOP_SECONDS)
            raise
        with suppress(TimeoutError):
            await asyncio.wait_for(instance.mail_is_due.wait(), TICK_SECONDS)


async def keep_retention(instance: Instance, stop: threading.Event) -> None:
    """Remove old usage now and every hour, or five minutes after a failure, in a thread that pauses often.

    ``stop`` ends it after its current step.
    """
    days, failures = instance.settings.usage_retention_days, JobFailures(instance.metrics)
    while True:
        pause, removed = _RETRY_SECONDS, 0
        with failures.attempt("remove old usage"), trace_work(instance.tracer, "ari.remove_old_usage") as span:
            removed = await asyncio.to_thread(remove_old, instance.usage_records, instance.clock, days, stop)
            span.note({"ari.rows": removed})
            pause = _HOUR_SECONDS
        if removed:
            _log.info("old usage removed", rows=removed, days=days)
        await asyncio.sleep(pause)


async def tick(instance: Instance, watch: ClockWatch, failures: JobFailures | None = None) -> None:
    """One round of all jobs. ``failures`` remembers those of earlier rounds."""
    deps, failures = Deps(instance), failures or JobFailures(instance.metrics)
    jobs = {
        "record clock steps": partial(_record_steps, deps, watch),
        "stamp expired keys": partial(_do_if, deps, has_unstamped_keys, stamp_expired),
        "append counted events": partial(_do_if, deps, has_counted_events, append_counted_events),
    }
    if await failures.run_each(jobs) and watch.start_hour_if_due():
        with failures.attempt("run hourly jobs"), trace_work(instance.tracer, "ari.hourly_jobs"):
            await run_hourly(instance, failures)


async def run_hourly(instance: Instance, failures: JobFailures) -> None:
    """The jobs of an hour. After one that the database fails, the rest is for the next hour."""
    deps = Deps(instance)
    await failures.run_each(
        {
            "forget expired accounts": partial(deps.do, forget_expired_accounts),
            "forget expired responses": partial(deps.do, forget_expired_responses),
            "forget old emails": partial(mail.forget_old, instance),
            "forget old deliveries": partial(webhooks.forget_old, instance),
            "disable unused keys": partial(disable_unused_keys, deps, instance.key_use, instance.now_ms()),
        }
    )


async def _record_steps(deps: Deps, watch: ClockWatch) -> None:
    if step_ms := watch.step_ms():
        watch.unrecorded_ms.append(step_ms)
    if watch.unrecorded_ms:
        await deps.do(record_steps, tuple(watch.unrecorded_ms))
        watch.unrecorded_ms.clear()


async def _do_if(deps: Deps, is_due: Callable[[Any], bool], job: Callable[[Any], object]) -> None:
    if await deps.read(is_due):
        await deps.do(job)


def record_steps(tx: CommandTransaction, steps_ms: Sequence[int]) -> None:
    """Record ``clock_stepped`` for each step, once for all workers: none within a minute of the latest event."""
    latest = tx.events.page(_CLOCK, None, 1)
    if latest and abs(latest[0].at_ms - tx.now_ms) < MINUTE_MS:
        return
    for step_ms in steps_ms:
        record(tx, "clock_stepped", _CLOCK, {"step_seconds": round(step_ms / 1000)})


def has_unstamped_keys(tx: KeyTransaction) -> bool:
    """Whether keys have expired whose expiry isn't recorded yet."""
    return tx.keys.has_unstamped(tx.now_ms)


def has_counted_events(tx: CommandTransaction) -> bool:
    """Whether ``append_counted_events`` has anything to do."""
    return tx.events.any_counts(tx.now_ms)


def append_counted_events(tx: CommandTransaction) -> None:
    """Record events that were only counted so far."""
    tx.events.append_counts(tx.now_ms)


def forget_expired_accounts(tx: AccountTransaction) -> None:
    """Delete expired sessions and links."""
    tx.accounts.forget_expired(tx.now_ms)


def forget_expired_responses(tx: IdempotencyTransaction) -> None:
    """Delete responses stored for idempotency keys that have expired."""
    tx.responses.forget_expired(tx.now_ms)
