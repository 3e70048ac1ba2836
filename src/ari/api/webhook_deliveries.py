"""``/api/webhooks/{id}/deliveries``: what was sent to a webhook, replays and tests."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond, respond_page
from ari.api.shapes import find_nulls, parse_time
from ari.api.webhook_shapes import (
    DeliveriesIn,
    DeliveriesOut,
    DeliveryId,
    DeliveryOut,
    ReplayedOut,
    ReplayFailedIn,
    WebhookId,
)
from ari.base.problems import Problems
from ari.http.route_policy import AuthMode, policy
from ari.webhooks import replay
from ari.webhooks.facts import delivery_facts

router = APIRouter(prefix="/api/webhooks/{webhook_id}", tags=["Webhooks"])


@router.get(
    "/deliveries",
    response_model=DeliveriesOut,
    summary="List a webhook's deliveries",
    responses=document_errors("not_found", "invalid"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:read")
async def list_deliveries(webhook_id: WebhookId, deps: CallerDeps, query: Annotated[DeliveriesIn, Query()]) -> Response:
    """Newest first; a key sees tests, and events that it can list in the audit log: those of keys with `keys:read`,
    all with `*`. Deliveries are kept for 30 days, and never longer than the audit log."""
    found = await deps.read(replay.list_deliveries, webhook_id, query.before_id, query.limit + 1, query.state)
    return respond_page([delivery_facts(one) for one in found], query.limit)


@router.post(
    "/deliveries/{delivery_id}/replay",
    response_model=DeliveryOut,
    summary="Replay a delivery",
    responses=document_errors("not_found", "conflict", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write")
async def replay_delivery(webhook_id: WebhookId, delivery_id: DeliveryId, deps: CallerDeps) -> Response:
    """Queues a delivery again, with the same `webhook-id` and body. One that waits is sent now. A key
    replays only what it can see."""
    replayed = await deps.do(replay.replay, webhook_id, delivery_id)
    deps.instance.webhooks_are_due.set()
    return respond(delivery_facts(replayed))


@router.post(
    "/replay-failed",
    response_model=ReplayedOut,
    summary="Replay failed deliveries",
    responses=document_errors("not_found", "conflict", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write")
async def replay_failed_deliveries(
    webhook_id: WebhookId, deps: CallerDeps, body: ReplayFailedIn | None = None
) -> Response:
    """Queues every failed delivery that the caller can see again, except tests."""
    since_ms = None
    if body is not None:
        Problems(find_nulls(body)).raise_found()
        since_ms = parse_time("since", body.since)
    count = await replay.replay_failed(deps, webhook_id, since_ms)
    deps.instance.webhooks_are_due.set()
    return respond({"count": count})


@router.post(
    "/test",
    response_model=DeliveryOut,
    summary="Test a webhook",
    responses=document_errors("not_found", "conflict", "rate_limited", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write")
async def test_webhook(webhook_id: WebhookId, deps: CallerDeps) -> Response:
    """Sends the event `webhook.tested` now, once, even to a webhook that is off, and returns the result."""
    instance = deps.instance
    sent = await replay.send_test(
        deps, instance.webhook_sender, webhook_id, instance.settings.public_url, instance.clock, instance.tracer
    )
    return respond(delivery_facts(sent))
