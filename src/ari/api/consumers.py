"""``/api/consumers``: those whom keys belong to."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ari import keys
from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE, IdempotencyKey, respond_once
from ari.api.ownership_shapes import (
    CONSUMER_ID,
    ConsumerChangeIn,
    ConsumerOut,
    ConsumersIn,
    ConsumersOut,
    NewConsumerIn,
)
from ari.api.responses import respond, respond_page
from ari.base.caller import Caller
from ari.base.clock import to_rfc3339
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, ConsumerChange, NewConsumer
from ari.keys.model import Consumer
from ari.keys.ports import KeyTransaction

router = APIRouter(prefix="/api/consumers", tags=["Consumers"])

ConsumerId = Annotated[str, Path(description="ID or external ID of a consumer.", examples=[CONSUMER_ID])]


@router.post(
    "",
    status_code=201,
    response_model=ConsumerOut,
    summary="Create a consumer",
    responses=document_errors("consumer_exists", "idempotency_key_reused", *BODY_ERRORS) | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def create_consumer(body: NewConsumerIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None) -> Response:
    """A customer, a team or a service that keys can belong to. With an `Idempotency-Key`, repeating the request within
    24 hours returns the same response."""
    new = NewConsumer(body.name, body.external_id, body.metadata)

    def create(tx: KeyTransaction) -> bytes:
        return msgspec.json.encode(_describe(tx, keys.create_consumer(tx, new)))

    return await respond_once(deps, "create_consumer", idempotency_key, body, create, _require_nothing)


@router.get("", response_model=ConsumersOut, summary="List consumers", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:read")
async def list_consumers(deps: CallerDeps, query: Annotated[ConsumersIn, Query()]) -> Response:
    """Newest first."""

    def read(tx: KeyTransaction) -> Sequence[dict[str, Any]]:
        found = keys.get_consumers(tx, query.text or "", query.before_id, query.limit + 1)
        return [_describe(tx, consumer) for consumer in found]

    return respond_page(list(await deps.read(read)), query.limit)


@router.get(
    "/{consumer_id}", response_model=ConsumerOut, summary="Get a consumer", responses=document_errors("not_found")
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:read")
async def read_consumer(consumer_id: ConsumerId, deps: CallerDeps) -> Response:
    """By its ID or your own external ID."""

    def read(tx: KeyTransaction) -> dict[str, Any]:
        return _describe(tx, keys.get_consumer(tx, consumer_id))

    return respond(await deps.read(read))


@router.patch(
    "/{consumer_id}",
    response_model=ConsumerOut,
    summary="Update a consumer",
    responses=document_errors("not_found", "consumer_exists", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def change_consumer(consumer_id: ConsumerId, body: ConsumerChangeIn, deps: CallerDeps) -> Response:
    """Change name, external ID or metadata. Its keys stay as they are."""
    given = body.model_fields_set
    for field in given - {"external_id"}:
        if getattr(body, field) is None:
            raise Invalid(Problem(field, "Omit the field or set a value."))
    change = ConsumerChange(
        name=body.name if body.name is not None else UNSET,
        external_id=body.external_id if "external_id" in given else UNSET,
        metadata=body.metadata if body.metadata is not None else UNSET,
    )

    def run(tx: KeyTransaction) -> dict[str, Any]:
        return _describe(tx, keys.change_consumer(tx, consumer_id, change))

    return respond(await deps.do(run))


@router.delete(
    "/{consumer_id}",
    status_code=204,
    response_class=Response,
    summary="Delete a consumer",
    responses=document_errors("not_found", "consumer_has_keys", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def delete_consumer(consumer_id: ConsumerId, deps: CallerDeps) -> Response:
    """Only consumers without keys can be deleted."""
    await deps.do(keys.delete_consumer, consumer_id)
    return Response(status_code=204)


def _require_nothing(caller: Caller) -> None:
    """Creating a consumer grants nothing beyond the route's scope."""


def _describe(tx: KeyTransaction, consumer: Consumer) -> dict[str, Any]:
    return keys.consumer_facts(consumer) | {
        "created_at": to_rfc3339(consumer.created_at_ms),
        "created_by": consumer.created_by,
        "key_count": keys.count_keys_of(tx, consumer.id),
    }
