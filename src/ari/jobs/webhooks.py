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
from ari.webhooks import delivery
from ari.webhooks.model import CHUNK_SIZE, Delivery, DeliveryBatch
from ari.webhooks.sending import send_batch

TICK_SECONDS = 5

_RESULTS = {"delivered": "delivered", "failed": "failed"}
"""Of an attempt, by the state of its delivery; in any other it waits for the next."""

_log = structlog.get_logger("ari.jobs")


async def keep_webhooks(instance: Instance) -> None:
    """Send until canceled. ``webhooks_are_due`` starts a round early."""
    sending: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            instance.webhooks_are_due.clear()
            try:
                for webhook_id in await gather(instance):
                    if webhook_id not in sending or sending[webhook_id].done():
                        sending[webhook_id] = asyncio.create_task(send_all(instance, webhook_id))
                await forget_removed(instance)
            except AriError as error:
                _log.warning("webhooks couldn't be queued; will retry", reason=str(error))
            sending = {webhook_id: task for webhook_id, task in sending.items() if not task.done()}
            with suppress(TimeoutError):
                await asyncio.wait_for(instance.webhooks_are_due.wait(), TICK_SECONDS)
    finally:
        for task in sending.values():
            task.cancel()


async def gather(instance: Instance) -> list[str]:
    """Queue all new events; returns the webhooks with something to send."""
    deps = Deps(instance)
    while await deps.read(delivery.has_unread):
        with trace_work(instance.tracer, "ari.queue_webhooks") as span:
            span.note({"ari.events": await deps.do(delivery.gather, instance.settings.public_url)})
    return await deps.read(delivery.list_due)


async def forget_removed(instance: Instance) -> None:
    """Delete the deliveries of removed webhooks, some at a time."""
    deps = Deps(instance)
    while await deps.read(delivery.has_removed):
        await deps.do(delivery.forget_removed)


async def send_all(instance: Instance, webhook_id: str) -> None:
    """Send everything that is due to one webhook, until an attempt fails: then it rests for a while."""
    deps, holder = Deps(instance), new_id("job", instance.now_ms())
    try:
        while True:
            batch = await deps.do(delivery.claim, webhook_id, holder)
            if batch is None:
                return
            may_send = partial(_may_send, deps, batch)
            results = await send_batch(instance.webhook_sender, batch, instance.clock, may_send, instance.tracer)
            for one in await deps.do(delivery.finish, batch, results, holder):
                instance.metrics.count_webhook(_RESULTS.get(one.state, "retried"))
                _log_result(one)
            if results and results[-1].error is not None:
                return
    except AriError as error:
        _log.warning("a webhook couldn't be sent; will retry", webhook=webhook_id, reason=str(error))
    except Exception:  # noqa: BLE001 - logged whole; one webhook must not end the others
        _log.exception("a webhook couldn't be sent; will retry", webhook=webhook_id)


async def _may_send(deps: Deps, batch: DeliveryBatch, one: Delivery) -> bool:
    return await deps.read(delivery.may_send, batch, one)


async def forget_old(instance: Instance) -> None:
    """Delete old deliveries, some at a time, and old signing secrets."""
    deps, days = Deps(instance), instance.settings.event_retention_days
    while await deps.do(delivery.forget_old, days) == CHUNK_SIZE:
        pass


def _log_result(one: Delivery) -> None:
    facts = {"webhook": one.webhook_id, "delivery": one.id, "type": one.type, "attempts": one.attempts}
    if one.state == "delivered":
        _log.info("webhook delivered", **facts)
    elif one.state == "failed":
        _log.warning("webhook given up", **facts, reason=one.error)
    else:
        _log.warning("webhook not delivered; will retry", **facts, reason=one.error)
