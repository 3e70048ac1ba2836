"""From events to deliveries, and from deliveries to their results: every decision, each in a transaction.

An event becomes one delivery for each webhook that wants it. A process takes the due deliveries of one webhook under a
lease, sends them outside the transaction, and stores the results. A process that dies leaves a lease that expires.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ari.base import seal
from ari.base.backoff import pause_ms
from ari.base.clock import SECOND_MS, to_rfc3339
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.transaction import record
from ari.webhooks.chunks import ChunkSize
from ari.webhooks.entitlement import find_readable, may_get
from ari.webhooks.event_types import type_of
from ari.webhooks.formats import MessageFacts, write_body
from ari.webhooks.model import (
    BATCH_SIZE,
    LEASE_MS,
    OFF_AFTER_MS,
    OLD_SECRET_KIND,
    RETENTION_MS,
    RETRY_MS,
    SECRET_KIND,
    URL_KIND,
    WARN_AFTER_MS,
    AttemptResult,
    Delivery,
    DeliveryBatch,
    OffReason,
    Webhook,
)
from ari.webhooks.ports import WebhookTransaction

DELIVERIES_AT_ONCE = 500
"""How many one transaction queues at most: it holds the lock that every change needs."""
NOT_READABLE = "Not sent: the API key that set the URL may not read this event."


def has_unread(tx: WebhookTransaction) -> bool:
    """Whether there are events to queue. Without a webhook that is on, none are."""
    return tx.webhooks.any_on() and tx.webhook_feed.has_unread()


def list_due(tx: WebhookTransaction) -> list[str]:
    """The webhooks with deliveries to send."""
    return tx.deliveries.list_due(tx.now_ms, LEASE_MS)


def count_open(tx: WebhookTransaction) -> tuple[int, int | None]:
    """How many deliveries wait, and when the oldest of them was queued."""
    return tx.deliveries.count_open()


def gather(tx: WebhookTransaction, link_base: str | None) -> int:
    """Queue the next unread events for the webhooks that want them; returns the number of events read."""
    listed = [(webhook, find_readable(tx, webhook)) for webhook in tx.webhooks.all() if webhook.is_on]
    for webhook, readable in listed:
        if not readable:
            turn_off(tx, webhook, "key_ended")
    unread = tx.webhook_feed.unread_numbered(max(DELIVERIES_AT_ONCE // max(len(listed), 1), 1))
    tx.deliveries.add(list(_make_deliveries(tx, unread, listed, link_base)))
    if unread:
        tx.webhook_feed.mark_read(unread[-1][1])
    return len(unread)


def _make_deliveries(
    tx: WebhookTransaction,
    events: Sequence[tuple[int, Event]],
    listed: Sequence[tuple[Webhook, tuple[str, ...]]],
    link_base: str | None,
) -> Iterator[Delivery]:
    for seq, event in events:
        wanted_by = [webhook for webhook, readable in listed if _is_for(webhook, readable, seq, event)]
        if wanted_by:
            facts = _describe(tx, event, link_base)
            yield from (_make_delivery(tx, webhook, event, facts) for webhook in wanted_by)


def make_delivery(tx: WebhookTransaction, webhook: Webhook, event: Event, link_base: str | None) -> Delivery:
    """A delivery of this event, with the body that every attempt sends."""
    return _make_delivery(tx, webhook, event, _describe(tx, event, link_base))


def _describe(tx: WebhookTransaction, event: Event, link_base: str | None) -> MessageFacts:
    subject = None if event.subject is None else tx.feed.subject(event.subject)
    return MessageFacts(event, type_of(event.name), None if subject is None else subject.name, link_base)


def _make_delivery(tx: WebhookTransaction, webhook: Webhook, event: Event, facts: MessageFacts) -> Delivery:
    return Delivery(
        new_id("msg", event.at_ms),  # deliveries queued together are sent and listed in the order of their events
        webhook.id,
        event.id,
        facts.type,
        event.at_ms,
        tx.now_ms,
        "waiting",
        next_try_at_ms=tx.now_ms,
        body=write_body(webhook.format, facts),
    )


def claim(tx: WebhookTransaction, webhook_id: str, holder: str) -> DeliveryBatch | None:
    """Lease the due deliveries of a webhook; one at a time while it fails. ``None`` if there is nothing to send.

    Those that the key which set the URL may not read are given up. The batch may then be empty, with more to claim.
    Raises ``CannotOpen`` if its URL or secret can't be decrypted; the deliveries then wait.
    """
    webhook = tx.webhooks.get(webhook_id)
    if webhook is None or not webhook.is_on:
        return None
    readable = find_readable(tx, webhook)
    if not readable:
        turn_off(tx, webhook, "key_ended")
        return None
    limit = BATCH_SIZE if webhook.failing_since_ms is None else 1
    found = tx.deliveries.claim(webhook.id, tx.now_ms, LEASE_MS, holder, limit)
    allowed = [one for one in found if may_get(readable, one.type)]
    for one in found:
        if one not in allowed:
            tx.deliveries.finish(replace(one, state="failed", error=NOT_READABLE, next_try_at_ms=None), holder)
    return make_batch(tx, webhook, allowed) if found else None


def may_send(tx: WebhookTransaction, batch: DeliveryBatch, delivery: Delivery) -> bool:
    """Whether a leased delivery may still be sent with the URL and the secrets of its batch."""
    webhook = tx.webhooks.get(batch.webhook.id)
    if webhook is None or not webhook.is_on or webhook.revision != batch.webhook.revision:
        return False
    until_ms = batch.webhook.old_secret_until_ms
    has_retired_secret = len(batch.secrets) > 1 and (until_ms is None or tx.now_ms >= until_ms)
    return not has_retired_secret and may_get(find_readable(tx, webhook), delivery.type)


def make_batch(tx: WebhookTransaction, webhook: Webhook, deliveries: Sequence[Delivery]) -> DeliveryBatch:
    """The deliveries with the decrypted URL and secrets. Raises ``CannotOpen``."""
    url = _open(tx, URL_KIND, webhook)
    secrets = [_open(tx, SECRET_KIND, webhook)] if webhook.is_signed else []
    if webhook.old_secret_until_ms is not None and tx.now_ms < webhook.old_secret_until_ms:
        secrets.append(_open(tx, OLD_SECRET_KIND, webhook))
    return DeliveryBatch(webhook, tuple(deliveries), url, tuple(secrets))


def finish(
    tx: WebhookTransaction, batch: DeliveryBatch, results: Sequence[AttemptResult], holder: str
) -> list[Delivery]:
    """Store the results of a batch's first deliveries; the others, which weren't tried, wait on.

    Returns the tried deliveries. What was sent to a URL that has been changed since says nothing about the webhook.
    """
    webhook = tx.webhooks.get(batch.webhook.id)
    if webhook is None:
        return []
    is_current = webhook.revision == batch.webhook.revision
    finished = []
    for delivery, result in zip(batch.deliveries, results, strict=False):
        after = _apply(delivery, result, tx.now_ms)
        finished.append(after)
        if tx.deliveries.finish(after, holder) and is_current and not delivery.is_test:
            webhook = _judge(tx, webhook, after, result)
    for delivery in batch.deliveries[len(results) :]:
        tx.deliveries.finish(replace(delivery, state="waiting"), holder)
    return finished


def turn_off(tx: WebhookTransaction, webhook: Webhook, reason: OffReason) -> Webhook:
    """Turn a webhook off and record why; its waiting deliveries stay, and what happened until now is queued.

    Messages for chats that are queued here have no link.
    """
    if reason != "key_ended":
        _queue_unread(tx, webhook)
    off = replace(webhook, off_reason=reason)
    tx.webhooks.save(off)
    record(tx, "webhook_turned_off", webhook.id, {"name": webhook.name, "url": webhook.place, "reason": reason})
    return off


def _queue_unread(tx: WebhookTransaction, webhook: Webhook) -> None:
    """Queue the unread events for one webhook; the mark stays, so the others get them as always."""
    listed = [(webhook, find_readable(tx, webhook))]
    tx.deliveries.add(list(_make_deliveries(tx, tx.webhook_feed.unread_numbered(None), listed, None)))


def _is_for(webhook: Webhook, readable: tuple[str, ...], seq: int, event: Event) -> bool:
    event_type = type_of(event.name)
    return seq > webhook.after_seq and webhook.wants(event_type) and may_get(readable, event_type)


def forget_old(tx: WebhookTransaction, event_retention_days: int, chunk: ChunkSize) -> int:
    """Delete a chunk of old deliveries, which hold events, and old secrets that no longer sign.

    Returns how many deliveries. They are never kept longer than the audit log is.
    """
    for webhook in tx.webhooks.all():
        if webhook.old_secret_until_ms is not None and webhook.old_secret_until_ms <= tx.now_ms:
            tx.sealed.drop(OLD_SECRET_KIND, webhook.id)
            tx.webhooks.save(replace(webhook, old_secret_until_ms=None))
    log_ms = event_retention_days * RETRY_MS
    kept_ms = min(RETENTION_MS, log_ms) if log_ms else RETENTION_MS
    with chunk.measure():
        return tx.deliveries.forget_before(tx.now_ms - kept_ms, chunk.size)


def has_removed(tx: WebhookTransaction) -> bool:
    """Whether there is something for ``forget_removed``."""
    return tx.webhooks.any_removed()


def forget_removed(tx: WebhookTransaction, chunk: ChunkSize) -> None:
    """Delete a chunk of the deliveries of removed webhooks, or a webhook that has no more of them."""
    with chunk.measure():
        tx.webhooks.forget_removed(chunk.size)


def _open(tx: WebhookTransaction, kind: str, webhook: Webhook) -> str:
    found = seal.open_secret(tx.sealed, tx.master_keys, seal.Context(kind, webhook.id))
    if found is None:
        raise seal.CannotOpen(f"The {seal.words_for(seal.Context(kind, webhook.id))} is missing.")
    return found.decode()


def _apply(delivery: Delivery, result: AttemptResult, now_ms: int) -> Delivery:
    """The delivery after an attempt: delivered, to be retried, or given up."""
    tried = replace(
        delivery,
        attempts=delivery.attempts + 1,
        tried_at_ms=now_ms,
        status=result.status,
        error=result.error,
        duration_ms=result.duration_ms,
        next_try_at_ms=None,
    )
    if result.error is None:
        return replace(tried, state="delivered")
    next_try_at_ms = now_ms + max(pause_ms(tried.attempts), round(result.wait_seconds * SECOND_MS))
    if result.is_gone or delivery.is_test or next_try_at_ms - delivery.queued_at_ms >= RETRY_MS:
        return replace(tried, state="failed")
    return replace(tried, state="waiting", next_try_at_ms=next_try_at_ms)


def _judge(tx: WebhookTransaction, webhook: Webhook, delivery: Delivery, result: AttemptResult) -> Webhook:
    """Draw the conclusion from an attempt: the webhook works, it fails, or it has to be turned off."""
    if result.error is None:
        after = replace(webhook, failing_since_ms=None, warned_at_ms=None, rests_until_ms=None)
        after = replace(after, delivered_at_ms=tx.now_ms)
        if after != webhook:
            tx.webhooks.save(after)
        return after
    since_ms = min(webhook.failing_since_ms or tx.now_ms, tx.now_ms)  # the clock may have been set back
    rest_ms = max(pause_ms(1), round(result.wait_seconds * SECOND_MS))
    failing = replace(webhook, failing_since_ms=since_ms, rests_until_ms=tx.now_ms + rest_ms)
    if result.is_gone:
        return turn_off(tx, failing, "gone") if webhook.is_on else webhook
    if delivery.state == "failed" and tx.now_ms - since_ms >= OFF_AFTER_MS and webhook.is_on:
        return turn_off(tx, failing, "failing")
    if delivery.state == "failed" and webhook.warned_at_ms is None and _has_failed_long(since_ms, delivery, tx.now_ms):
        failing = replace(failing, warned_at_ms=tx.now_ms)
        detail = {"name": webhook.name, "url": webhook.place, "error": result.error, "since": to_rfc3339(since_ms)}
        record(tx, "webhook_failing", webhook.id, detail)
    if failing != webhook:
        tx.webhooks.save(failing)
    return failing


def _has_failed_long(since_ms: int, delivery: Delivery, now_ms: int) -> bool:
    """Whether it has failed for about a day: retries end a pause before the day does."""
    return now_ms - min(since_ms, delivery.queued_at_ms) >= WARN_AFTER_MS * 9 // 10
