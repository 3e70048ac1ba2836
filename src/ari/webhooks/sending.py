"""Sign and send the deliveries of a batch, one after the other, outside any transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime

from ari import __version__
from ari.base.clock import SECOND_MS, Clock
from ari.base.traces import Attributes, TraceHeaders, Tracer, trace_work
from ari.webhooks.formats import list_format_headers
from ari.webhooks.model import ATTEMPT_SECONDS, AttemptResult, Delivery, DeliveryBatch
from ari.webhooks.ports import WebhookSender

HIDDEN_FAULT = "No usable response from this address. The owner's own webhooks show more."
"""The error of each request without a response to a URL that a key set, so that it reveals nothing of our network."""


async def send_batch(
    sender: WebhookSender,
    batch: DeliveryBatch,
    clock: Clock,
    may_send: Callable[[Delivery], Awaitable[bool]],
    tracer: Tracer | None = None,
) -> AsyncIterator[AttemptResult]:
    """The results of the first deliveries, up to the first failure: the rest would wait for the same receiver.

    ``may_send`` is called before each, because a webhook can be paused, removed or changed during the batch.
    """
    for delivery in batch.deliveries:
        if not await may_send(delivery):
            return
        result = await send_one(sender, batch, delivery, clock, tracer)
        yield result
        if result.error is not None:
            return


async def send_one(
    sender: WebhookSender, batch: DeliveryBatch, delivery: Delivery, clock: Clock, tracer: Tracer | None = None
) -> AttemptResult:
    """Send one delivery. A status of 2xx is a success; anything else will be retried.

    Where tracing is on, each attempt is a trace, which the receiver can continue.
    """
    facts: Attributes = {
        "http.request.method": "POST",
        "ari.webhook_id": batch.webhook.id,
        "ari.delivery_id": delivery.id,
        "ari.event_type": delivery.type,
        "ari.attempt": delivery.attempts + 1,
    }
    with trace_work(tracer, "ari.send_webhook", facts, is_call=True) as span:
        result = await _send(sender, batch, delivery, clock, span.list_headers())
        error = _find_error(result)
        span.note({"http.response.status_code": result.status, "error.type": error}, failed=error is not None)
    return result


async def _send(
    sender: WebhookSender, batch: DeliveryBatch, delivery: Delivery, clock: Clock, trace: TraceHeaders
) -> AttemptResult:
    webhook, began = batch.webhook, clock.monotonic()
    found = await sender.post(
        batch.url,
        [*build_headers(batch, delivery, clock.now_ms()), *trace],
        delivery.body.encode(),
        private=webhook.url_is_owners,
        within_seconds=ATTEMPT_SECONDS,
    )
    took_ms = round((clock.monotonic() - began) * SECOND_MS)
    if found.status is None:
        if not webhook.url_is_owners:
            return AttemptResult(None, HIDDEN_FAULT, round(ATTEMPT_SECONDS * SECOND_MS))
        return AttemptResult(None, found.fault or "No response.", took_ms)
    error = None if 200 <= found.status < 300 else describe_status(found.status)
    return AttemptResult(found.status, error, took_ms, found.wait_seconds)


def _find_error(result: AttemptResult) -> str | None:
    return None if result.error is None else str(result.status or "no_response")


def describe_status(status: int) -> str:
    """A status that isn't 2xx, for people."""
    if 300 <= status < 400:
        return f"The receiver returned {status}, a redirect that ARI doesn't follow. Set the URL to its target."
    return f"The receiver returned status {status}."


def build_headers(batch: DeliveryBatch, delivery: Delivery, now_ms: int) -> list[tuple[str, str]]:
    """The headers of one attempt; signed for each attempt, since receivers refuse old timestamps."""
    headers = [
        *list_format_headers(batch.webhook.format, delivery.type, delivery.body),
        ("accept", "*/*"),
        ("user-agent", f"ari/{__version__}"),
    ]
    if batch.secrets:
        headers += [
            ("webhook-id", delivery.id),
            ("webhook-timestamp", str(now_ms // SECOND_MS)),
            ("webhook-signature", sign(batch.secrets, delivery, now_ms)),
        ]
    return headers


def sign(secrets: Sequence[str], delivery: Delivery, now_ms: int) -> str:
    """A signature by each secret: during a rotation receivers may have either."""
    from standardwebhooks.webhooks import Webhook as Signer  # noqa: PLC0415 - only processes that send need it

    at = datetime.fromtimestamp(now_ms // SECOND_MS, UTC)
    return " ".join(Signer(secret).sign(delivery.id, at, delivery.body) for secret in secrets)
