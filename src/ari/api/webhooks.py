"""``/api/webhooks``: list, add, change and remove webhooks, and rotate their secrets."""

from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE, REPEATABLE_CHANGE, IdempotencyKey, RepeatableCall
from ari.api.responses import respond
from ari.api.shapes import find_nulls
from ari.api.webhook_shapes import (
    NewWebhookIn,
    RotateWebhookSecretIn,
    WebhookChangeIn,
    WebhookId,
    WebhookOut,
    WebhookSecretOut,
    WebhooksOut,
)
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.webhooks import management
from ari.webhooks.entitlement import require_may_read_events
from ari.webhooks.facts import webhook_facts
from ari.webhooks.management import NewWebhook, WebhookChange, WebhookSecret
from ari.webhooks.ports import WebhookTransaction

router = APIRouter(prefix="/api/webhooks", tags=["Webhooks"])


@router.get("", response_model=WebhooksOut, summary="List webhooks", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:read")
async def list_webhooks(deps: CallerDeps) -> Response:
    """All webhooks, oldest first, with only scheme and host of their URLs."""
    found = await deps.read(management.list_webhooks)
    return respond({"items": [webhook_facts(one) for one in found], "next_cursor": None})


@router.post(
    "",
    status_code=201,
    response_model=WebhookSecretOut,
    summary="Add a webhook",
    responses=document_errors("conflict", "confirmation_required", "forbidden", "idempotency_key_reused", *BODY_ERRORS)
    | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write", sensitive=True)
async def add_webhook(body: NewWebhookIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None) -> Response:
    """Returns the signing secret once. A webhook that an API key adds gets only events that the key may list, to a
    public address, and only while the key works and keeps the scopes `webhooks:write` and `keys:read`. There can be 50
    webhooks, at most ten of them added by API keys. With an `Idempotency-Key`, repeating the request within 24 hours
    returns the same secret, with the webhook as it is now."""
    wanted = NewWebhook(body.name, body.url, body.events, body.format)

    def add(tx: WebhookTransaction) -> bytes:
        return msgspec.json.encode(_describe(management.add_webhook(tx, wanted)))

    return await RepeatableCall(deps, "add_webhook", idempotency_key, body).respond_once(
        add, _require_may_add, None, partial(_update, deps)
    )


@router.get("/{webhook_id}", response_model=WebhookOut, summary="Get a webhook", responses=document_errors("not_found"))
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:read")
async def read_webhook(webhook_id: WebhookId, deps: CallerDeps) -> Response:
    """Its events, format and status."""
    return respond(webhook_facts(await deps.read(management.get_webhook, webhook_id)))


@router.patch(
    "/{webhook_id}",
    response_model=WebhookOut,
    summary="Change a webhook",
    responses=document_errors("not_found", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write", sensitive=True)
async def change_webhook(webhook_id: WebhookId, body: WebhookChangeIn, deps: CallerDeps) -> Response:
    """Deliveries that wait go to the new URL. A change of `events` is for events from now on."""
    if not body.model_fields_set:
        raise Invalid(Problem("name", "Set name, url, events or on."))
    given: dict[str, Any] = {field: getattr(body, field) for field in body.model_fields_set}
    nulls = find_nulls(body)
    wanted = WebhookChange(**{field: value for field, value in given.items() if value is not None})
    return respond(webhook_facts(await deps.do(management.change_webhook, webhook_id, wanted, nulls)))


@router.delete(
    "/{webhook_id}",
    status_code=204,
    response_class=Response,
    summary="Remove a webhook",
    responses=document_errors("not_found", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write", sensitive=True)
async def remove_webhook(webhook_id: WebhookId, deps: CallerDeps) -> Response:
    """Removes it with its deliveries; what waits is never sent."""
    await deps.do(management.remove_webhook, webhook_id)
    return Response(status_code=204)


@router.post(
    "/{webhook_id}/rotate-secret",
    response_model=WebhookSecretOut,
    summary="Rotate a webhook's secret",
    responses=document_errors("not_found", "conflict", "confirmation_required", "idempotency_key_reused", *BODY_ERRORS)
    | REPEATABLE_CHANGE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="webhooks:write", sensitive=True)
async def rotate_webhook_secret(
    webhook_id: WebhookId,
    deps: CallerDeps,
    body: RotateWebhookSecretIn | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Returns the new secret once. For 24 hours requests have two signatures, by the old secret and the new one, so
    receivers can change over without losing events. With an `Idempotency-Key`, repeating the request within 24 hours
    returns the same secret."""
    given = body or RotateWebhookSecretIn()

    def rotate(tx: WebhookTransaction) -> bytes:
        made = management.rotate_webhook_secret(tx, webhook_id, retire_old_now=given.retire_old_now)
        return msgspec.json.encode(_describe(made))

    operation = f"rotate_webhook_secret:{webhook_id}"
    update = partial(_update, deps)
    return await RepeatableCall(deps, operation, idempotency_key, given).respond_once(
        rotate, _require_confirmed, None, update, status=200
    )


def _require_may_add(tx: WebhookTransaction) -> None:
    require_may_read_events(tx)
    _require_confirmed(tx)


def _require_confirmed(tx: WebhookTransaction) -> None:
    tx.caller.require_confirmed(tx.now_ms)


async def _update(deps: CallerDeps, stored: dict[str, Any]) -> dict[str, Any]:
    """The stored response with the webhook as it is now. Raises ``NotFound`` if it was removed."""
    webhook = await deps.read(management.get_webhook, stored["webhook"]["id"])
    return stored | {"webhook": webhook_facts(webhook)}


def _describe(made: WebhookSecret) -> dict[str, Any]:
    return {"webhook": webhook_facts(made.webhook), "secret": made.secret}
