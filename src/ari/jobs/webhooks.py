"""Queues new events for webhooks and sends what is due, each webhook for itself: a slow one delays no other.

Every worker runs this. The database makes sure that each event is queued once, and that each webhook has one sender at
a time.
"""

import asyncio
from contextlib import suppress
from functools import partial

import structlog

from ari.base.errors import AriError
from ari.base.ids import new_id
from ari.base.traces import trace_work
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import leases
from ari.jobs.job_failures import JobFailures
from ari.jobs.leases import Stopping
from ari.webhooks import delivery
from ari.webhooks.chunks import ChunkSize
from ari.webhooks.model import AttemptResult, Delivery, DeliveryBatch
from ari.webhooks.sending import HIDDEN_FAULT, send_batch

TICK_SECONDS = 5

_RESULTS = {"delivered": "delivered", "failed": "failed"}
"""Of an attempt, by the state of its delivery; in any other it waits for the next."""

_log = structlog.get_logger("ari.jobs")


async def keep_webhooks(instance: Instance) -> None:
    """Send until canceled. ``webhooks_are_due`` starts a round early. At the end nothing is left under a lease."""
    sending: dict[str, asyncio.Task[None]] = {}
    stopping, failures = Stopping(), JobFailures(instance.metrics)
    try:
        while True:
            instance.webhooks_are_due.clear()
            with failures.attempt("queue webhooks"):
                for webhook_id in await gather(instance):
                    if webhook_id not in sending or sending[webhook_id].done():
                        sending[webhook_id] = asyncio.create_task(send_all(instance, webhook_id, stopping))
                await forget_removed(instance)
            sending = {webhook_id: task for webhook_id, task in sending.items() if not task.done()}
            with suppress(TimeoutError):
                await asyncio.wait_for(instance.webhooks_are_due.wait(), TICK_SECONDS)
    finally:
        await stopping.end(sending.values())


async def gather(instance: Instance) -> list[str]:
    """Queue all new events; returns the webhooks with something to send."""
    deps = Deps(instance)
    while await deps.read(delivery.has_unread):
        with trace_work(instance.tracer, "ari.queue_webhooks") as span:
            span.note({"ari.events": await deps.do(delivery.gather, instance.settings.public_url)})
    return await deps.read(delivery.list_due)


async def forget_removed(instance: Instance) -> None:
    """Delete the deliveries of removed webhooks, some at a time."""
    deps, chunk = Deps(instance), ChunkSize()
    while await deps.read(delivery.has_removed):
        await deps.do(delivery.forget_removed, chunk)


async def send_all(instance: Instance, webhook_id: str, stopping: Stopping | None = None) -> None:
    """Send everything that is due to one webhook, until an attempt fails: then it rests for a while."""
    deps, holder, stopping = Deps(instance), new_id("job", instance.now_ms()), stopping or Stopping()

    def give_back(batch: DeliveryBatch | None) -> None:
        if batch is not None:
            deps.do_sync(delivery.finish, batch, [], holder)

    try:
        while not stopping.is_set:
            batch = await leases.claim(lambda: deps.do_sync(delivery.claim, webhook_id, holder), give_back)
            if batch is None or not await _send_claimed(instance, batch, holder, stopping):
                return
    except AriError as error:
        _log.warning("a webhook couldn't be sent; will retry", webhook=webhook_id, reason=str(error))
    except Exception:  # noqa: BLE001 - logged whole; one webhook must not end the others
        _log.exception("a webhook couldn't be sent; will retry", webhook=webhook_id)


async def _send_claimed(instance: Instance, batch: DeliveryBatch, holder: str, stopping: Stopping) -> bool:
    """Send a batch and store its results, whatever ends the sending. Returns whether no attempt failed."""
    deps, results = Deps(instance), list[AttemptResult]()
    may_send = partial(_may_send, deps, batch, stopping)
    try:
        async for result in send_batch(instance.webhook_sender, batch, instance.clock, may_send, instance.tracer):
            results.append(result)
    except AriError:
        raise
    except Exception as error:  # noqa: BLE001 - logged whole; without a result it would be tried again at once
        _log.exception("a webhook couldn't be sent; will retry", webhook=batch.webhook.id)
        results.append(AttemptResult(None, _describe_defect(batch, error), 0))
    finally:
        await _finish(instance, batch, results, holder, stopping)
    return not results or results[-1].error is None


def _describe_defect(batch: DeliveryBatch, error: Exception) -> str:
    if not batch.webhook.url_is_owners:
        return HIDDEN_FAULT
    return f"ARI couldn't send this ({type(error).__name__}). Its log says more."


async def _finish(
    instance: Instance, batch: DeliveryBatch, results: list[AttemptResult], holder: str, stopping: Stopping
) -> None:
    deps = Deps(instance)
    for one in await leases.store_result(lambda: deps.do(delivery.finish, batch, results, holder), stopping):
        instance.metrics.count_webhook(_RESULTS.get(one.state, "retried"))
        _log_result(one)


async def _may_send(deps: Deps, batch: DeliveryBatch, stopping: Stopping, one: Delivery) -> bool:
    return not stopping.is_set and await deps.read(delivery.may_send, batch, one)


async def forget_old(instance: Instance) -> None:
    """Delete old deliveries, some at a time, and old signing secrets."""
    deps, days, chunk = Deps(instance), instance.settings.event_retention_days, ChunkSize()
    while await deps.do(delivery.forget_old, days, chunk):
        pass


def _log_result(one: Delivery) -> None:
    facts = {"webhook": one.webhook_id, "delivery": one.id, "type": one.type, "attempts": one.attempts}
    if one.state == "delivered":
        _log.info("webhook delivered", **facts)
    elif one.state == "failed":
        _log.warning("webhook given up", **facts, reason=one.error)
    else:
        _log.warning("webhook not delivered; will retry", **facts, reason=one.error)
