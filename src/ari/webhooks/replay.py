"""Look at deliveries, send them again, and send a test."""

from dataclasses import replace

from ari.base.clock import HOUR_MS, Clock, in_words
from ari.base.errors import Conflict, NotFound, RateLimited
from ari.base.events import Origin
from ari.base.ids import new_id
from ari.base.traces import Tracer
from ari.base.transaction import Runner, record
from ari.webhooks.chunks import ChunkSize
from ari.webhooks.delivery import NOT_READABLE, finish, make_batch, make_delivery
from ari.webhooks.entitlement import find_readable, list_seen, list_types, may_get
from ari.webhooks.event_types import type_of
from ari.webhooks.management import get_webhook
from ari.webhooks.model import (
    LEASE_MS,
    OFF_REASONS,
    RETENTION_MS,
    Delivery,
    DeliveryBatch,
    DeliveryState,
    Webhook,
)
from ari.webhooks.ports import WebhookSender, WebhookTransaction
from ari.webhooks.sending import send_one

TESTS_PER_HOUR = 20
_TESTED = "webhook_tested"


def list_deliveries(
    tx: WebhookTransaction, webhook_id: str, before_id: str | None, limit: int, state: DeliveryState | None = None
) -> list[Delivery]:
    """A page of a webhook's tests, and deliveries of events that the caller may read; newest first.

    Raises ``NotFound``.
    """
    get_webhook(tx, webhook_id)
    return tx.deliveries.page(webhook_id, before_id, limit, state, list_seen(tx))


def get_delivery(tx: WebhookTransaction, webhook_id: str, delivery_id: str) -> Delivery:
    """Raises ``NotFound``, also for an event that the caller may not read."""
    found, seen = tx.deliveries.get(webhook_id, delivery_id), list_seen(tx)
    if found is None or not (found.is_test or seen is None or found.type in seen):
        raise NotFound("No such delivery.")
    return found


def replay(tx: WebhookTransaction, webhook_id: str, delivery_id: str) -> Delivery:
    """Send a delivery again, with the same ``webhook-id`` and body; one that waits is sent now.

    Raises ``NotFound``, and ``Conflict`` while it is being sent, for a test, if the webhook is off, and if the key that
    set the URL may not read the event.
    """
    webhook = _get_on(tx, webhook_id)
    delivery = get_delivery(tx, webhook_id, delivery_id)
    if delivery.is_test:
        raise Conflict("conflict", "A test can't be replayed. Send a new one.")
    if not may_get(find_readable(tx, webhook), delivery.type):
        raise Conflict("conflict", NOT_READABLE)
    if delivery.state == "sending":
        raise Conflict("conflict", "This delivery is being sent right now.")
    tx.deliveries.requeue(webhook_id, delivery_id, tx.now_ms)
    _wake(tx, webhook)
    record(tx, "webhook_replayed", webhook_id, {"name": webhook.name, "delivery": delivery_id, "count": 1})
    return get_delivery(tx, webhook_id, delivery_id)


async def replay_failed(run: Runner, webhook_id: str, since_ms: int | None = None) -> int:
    """Send every failed delivery of an event since then again; returns how many. Raises ``NotFound``, ``Conflict``.

    Those that the caller, or the key which set the URL, may not read stay as they are. There may be many, so
    each chunk of them is a change of its own, with an event of its own.
    """
    count, after_id, chunk = 0, "", ChunkSize()
    while True:
        try:
            queued = await run.do(replay_some, webhook_id, since_ms, after_id, chunk)
        except Conflict:
            if not count:
                raise
            return count  # it was turned off in between
        if not queued:
            return count
        count, after_id = count + len(queued), queued[-1]


def replay_some(
    tx: WebhookTransaction, webhook_id: str, since_ms: int | None, after_id: str, chunk: ChunkSize
) -> list[str]:
    """Queue the first chunk of failed deliveries after this ID again; returns their IDs in order."""
    webhook = _get_on(tx, webhook_id)
    since_ms = tx.now_ms - RETENTION_MS if since_ms is None else since_ms
    types, seen = list_types(find_readable(tx, webhook)), list_seen(tx)
    if seen is not None:
        types = seen if types is None else [one for one in seen if one in types]
    with chunk.measure():
        queued = tx.deliveries.requeue_failed(webhook_id, since_ms, tx.now_ms, types, after_id, chunk.size)
    if queued:
        _wake(tx, webhook)
        record(tx, "webhook_replayed", webhook_id, {"name": webhook.name, "count": len(queued)})
    return queued


async def send_test(
    run: Runner,
    sender: WebhookSender,
    webhook_id: str,
    link_base: str | None,
    clock: Clock,
    tracer: Tracer | None = None,
) -> Delivery:
    """Send the event of this test to the webhook now, once, even if it is off; returns the delivery with its result.

    Raises ``NotFound``, ``RateLimited``, ``CannotOpen``, and ``Conflict`` if the webhook was removed during the test.
    """
    holder = new_id("job", clock.now_ms())
    batch = await run.do(begin_test, webhook_id, link_base, holder)
    try:
        result = await send_one(sender, batch, batch.deliveries[0], clock, tracer)
    except BaseException:
        await run.do(finish, batch, [], holder)
        raise
    finished = await run.do(finish, batch, [result], holder)
    if not finished:
        raise Conflict("conflict", "The webhook was removed during the test.")
    return finished[0]


def begin_test(tx: WebhookTransaction, webhook_id: str, link_base: str | None, holder: str) -> DeliveryBatch:
    """Record a test and lease its delivery. Raises what ``send_test`` raises."""
    webhook = get_webhook(tx, webhook_id)
    latest = [one for one in tx.events.page(webhook_id, None, 2 * TESTS_PER_HOUR) if one.name == _TESTED]
    recent = [one.at_ms for one in latest[:TESTS_PER_HOUR] if 0 <= tx.now_ms - one.at_ms < HOUR_MS]
    if len(recent) >= TESTS_PER_HOUR:
        wait = (recent[-1] + HOUR_MS - tx.now_ms) // 1000 + 1
        raise RateLimited(f"{TESTS_PER_HOUR} tests within an hour. Retry in {in_words(wait)}.", wait)
    readable = find_readable(tx, webhook)
    if not readable:
        raise Conflict("conflict", OFF_REASONS["key_ended"])
    event = record(tx, _TESTED, webhook_id, {"name": webhook.name, "url": webhook.place})
    if not may_get(readable, type_of(event.name)):  # it says from where the caller came
        event = replace(event, origin=Origin(event.origin.door))
    delivery = replace(make_delivery(tx, webhook, event, link_base), state="sending", is_test=True)
    tx.deliveries.add([delivery])
    tx.deliveries.lease(delivery.id, tx.now_ms + LEASE_MS, holder)
    return make_batch(tx, webhook, [delivery])


def _get_on(tx: WebhookTransaction, webhook_id: str) -> Webhook:
    webhook = get_webhook(tx, webhook_id)
    if not webhook.is_on:
        raise Conflict("conflict", "The webhook is off. Turn it on first.")
    return webhook


def _wake(tx: WebhookTransaction, webhook: Webhook) -> None:
    if webhook.rests_until_ms is not None:
        tx.webhooks.save(replace(webhook, rests_until_ms=None))
