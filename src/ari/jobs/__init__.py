"""The door whose caller is the clock: stamps what expired, forgets what is old, notices a clock that was set, mails."""

import asyncio
import threading
from contextlib import suppress

import structlog

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import MINUTE_MS, Clock
from ari.base.errors import AriError
from ari.base.events import Event
from ari.base.ids import new_id
from ari.instance import Instance
from ari.jobs import mail
from ari.jobs.audit import keep_audit
from ari.jobs.watch import keep_watch
from ari.storage.transaction import Transaction
from ari.usage.retention import remove_old

TICK_SECONDS = 10
STEP_MS = 5 * MINUTE_MS
_CLOCK = "clock"
_HOUR_SECONDS = 3600

_log = structlog.get_logger("ari.jobs")


class ClockWatch:
    """Compares the time of day with the time passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ms = self._measure()
        self._hourly_at: float | None = None

    def step_ms(self) -> int:
        """How far the clock was set since the last call, 0 within five minutes."""
        offset_ms = self._measure()
        step = offset_ms - self._offset_ms
        self._offset_ms = offset_ms
        return step if abs(step) > STEP_MS else 0

    def an_hour_passed(self) -> bool:
        """Once an hour, and at the first call."""
        now = self._clock.monotonic()
        if self._hourly_at is not None and now - self._hourly_at < _HOUR_SECONDS:
            return False
        self._hourly_at = now
        return True

    def _measure(self) -> int:
        return self._clock.now_ms() - round(self._clock.monotonic() * 1000)


async def run(instance: Instance) -> None:
    """Tick until cancelled; a failed tick is logged and tried again at the next."""
    watch = ClockWatch(instance.clock)
    stop = threading.Event()
    retention = asyncio.create_task(keep_retention(instance, stop))
    watching = asyncio.create_task(keep_watch(instance))
    mailing = asyncio.create_task(keep_mailing(instance))
    auditing = asyncio.create_task(keep_audit(instance))
    try:
        while True:
            await tick(instance, watch)
            await asyncio.sleep(TICK_SECONDS)
    finally:
        stop.set()
        retention.cancel()
        watching.cancel()
        mailing.cancel()
        auditing.cancel()


async def keep_mailing(instance: Instance) -> None:
    """Make notices and send mails, apart from the other jobs: a mail service may be slow. Who waits for one says so."""
    while True:
        instance.mail_is_due.clear()
        try:
            await mail.round_of_mail(instance)
        except AriError as error:
            _log.warning("mailing failed and will be tried again", reason=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(instance.mail_is_due.wait(), TICK_SECONDS)


async def keep_retention(instance: Instance, stop: threading.Event) -> None:
    """Remove old usage now and every hour, in a thread that pauses much; ``stop`` ends it after its present step."""
    days = instance.settings.usage_retention_days
    while True:
        try:
            removed = await asyncio.to_thread(remove_old, instance.database.usage, instance.clock, days, stop)
        except AriError as error:
            _log.warning("old usage could not be removed and will be tried again", reason=str(error))
        else:
            if removed:
                _log.info("old usage was removed", entries=removed, days=days)
        await asyncio.sleep(_HOUR_SECONDS)


async def tick(instance: Instance, watch: ClockWatch) -> None:
    """One round of all jobs."""
    try:
        step_ms = watch.step_ms()
        if step_ms:
            await instance.acommand(SYSTEM, lambda unit, by: record_step(unit, by, instance.now_ms(), step_ms))
        if await instance.aread(lambda unit: unit.keys.any_unstamped(instance.now_ms())):
            await instance.astamp_expired()
        if await instance.aread(lambda unit: unit.events.any_counts(instance.now_ms())):
            await instance.acommand(SYSTEM, lambda unit, _: unit.events.append_counts(instance.now_ms()))
        if watch.an_hour_passed():
            await instance.acommand(SYSTEM, lambda unit, _: unit.accounts.forget_expired(instance.now_ms()))
            await instance.acommand(SYSTEM, lambda unit, _: unit.responses.forget_expired(instance.now_ms()))
            await mail.forget_old(instance)
    except AriError as error:
        _log.warning("a job failed and will be tried again", reason=str(error))


def record_step(unit: Transaction, caller: Caller, now_ms: int, step_ms: int) -> None:
    """Write the event ``clock_stepped``, once for all workers."""
    latest = unit.events.page(_CLOCK, None, 1)
    if latest and abs(latest[0].at_ms - now_ms) < MINUTE_MS:
        return
    detail = {"step_seconds": round(step_ms / 1000)}
    unit.events.append(
        Event(new_id("evt", now_ms), now_ms, "clock_stepped", caller.actor, _CLOCK, caller.origin, detail)
    )
