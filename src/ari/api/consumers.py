"""``/api/consumers``: those whom keys belong to."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ari import keys
from ari.api.budget_shapes import BudgetIncreaseIn, BudgetResetIn, budgets_of
from ari.api.deps import CallerDeps, describe_left
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE, REPEATABLE_CHANGE, IdempotencyKey, RepeatableCall
from ari.api.limit_shapes import CreditsOut, ResetIn, TopUpIn, credits_of
from ari.api.model_shapes import models_of
from ari.api.ownership_shapes import (
    CONSUMER_ID,
    ConsumerChangeIn,
    ConsumerDetailOut,
    ConsumerOut,
    ConsumersIn,
    ConsumersOut,
    NewConsumerIn,
)
from ari.api.responses import respond, respond_page
from ari.api.shapes import find_nulls
from ari.base.clock import to_rfc3339
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, ConsumerChange, NewConsumer
from ari.keys.limits.changes import require_credits
from ari.keys.limits.fields import describe_credits
from ari.keys.model import Consumer
from ari.keys.ports import KeyTransaction

router = APIRouter(prefix="/api/consumers", tags=["Consumers"])

ConsumerId = Annotated[str, Path(description="ID or external ID of a consumer.", examples=[CONSUMER_ID])]


@router.post(
    "",
    status_code=201,
    response_model=ConsumerOut,
    summary="Create a consumer",
    responses=document_errors("not_found", "consumer_exists", "idempotency_key_reused", *BODY_ERRORS) | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def create_consumer(body: NewConsumerIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None) -> Response:
    """A customer, a team or a service that keys can belong to. With an `Idempotency-Key`, repeating the request within
    24 hours returns that consumer as it is now, or 404 if it was deleted since. To set limits, credits or models, a key
    also needs `keys:write`."""
    limits = [limit.model_dump() for limit in body.limits]
    granted = None if body.credits is None else body.credits.model_dump(exclude_unset=True)
    models = None if body.models is None else body.models.model_dump()
    budgets = budgets_of(body.budgets)
    new = NewConsumer(body.name, body.external_id, body.metadata, limits, granted, models, budgets)

    def create(tx: KeyTransaction) -> bytes:
        return msgspec.json.encode(_describe(tx, keys.create_consumer(tx, new)))

    def read(tx: KeyTransaction, consumer_id: str) -> dict[str, Any]:
        return _describe(tx, keys.get_consumer(tx, consumer_id))

    async def update_replay(response: dict[str, Any]) -> dict[str, Any]:
        return await deps.read(read, response["id"])

    require = keys.require_may_manage_consumers
    return await RepeatableCall(deps, "create_consumer", idempotency_key, body).respond_once(
        create, require, None, update_replay
    )


@router.get("", response_model=ConsumersOut, summary="List consumers", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:read")
async def list_consumers(deps: CallerDeps, query: Annotated[ConsumersIn, Query()]) -> Response:
    """Newest first."""

    def read(tx: KeyTransaction) -> Sequence[dict[str, Any]]:
        found = keys.get_consumers(tx, query.text or "", query.before_id, query.limit + 1)
        return [_describe(tx, consumer) for consumer in found]

    return respond_page(list(await deps.read(read)), query.limit)


@router.get(
    "/{consumer_id}", response_model=ConsumerDetailOut, summary="Get a consumer", responses=document_errors("not_found")
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:read")
async def read_consumer(consumer_id: ConsumerId, deps: CallerDeps) -> Response:
    """By its ID or your own external ID, with what remains of its limits."""
    return await _respond_remaining(deps, *await deps.read(_read_described, consumer_id))


@router.patch(
    "/{consumer_id}",
    response_model=ConsumerOut,
    summary="Update a consumer",
    responses=document_errors("not_found", "consumer_exists", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def change_consumer(consumer_id: ConsumerId, body: ConsumerChangeIn, deps: CallerDeps) -> Response:
    """Change name, external ID, metadata, shared limits or models. Its keys stay as they are. To change limits, credits
    or models, a key also needs `keys:write`, and access to all keys of the consumer."""
    given = body.model_fields_set
    problems = find_nulls(body, {"external_id", "credits", "models"})
    change = ConsumerChange(
        name=body.name if body.name is not None else UNSET,
        external_id=body.external_id if "external_id" in given else UNSET,
        metadata=body.metadata if body.metadata is not None else UNSET,
        limits=[limit.model_dump() for limit in body.limits] if body.limits is not None else UNSET,
        credits=credits_of(body.credits, given),
        models=models_of(body.models, given),
        budgets=budgets_of(body.budgets) if body.budgets is not None else UNSET,
    )

    def run(tx: KeyTransaction) -> dict[str, Any]:
        return _describe(tx, keys.change_consumer(tx, consumer_id, change, problems))

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


@router.post(
    "/{consumer_id}/budgets/reset",
    response_model=ConsumerDetailOut,
    summary="Reset budgets of a consumer",
    responses=document_errors("not_found", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def reset_consumer_budgets(
    consumer_id: ConsumerId, deps: CallerDeps, body: BudgetResetIn | None = None
) -> Response:
    """Reset budgets that its keys share, as if nothing had been used. A key also needs `keys:write`, and access to all
    keys of the consumer."""
    names = None if body is None else body.budgets

    def run(tx: KeyTransaction) -> tuple[Consumer, dict[str, Any]]:
        found = keys.reset_consumer_budgets(tx, consumer_id, names)
        return found, _describe(tx, found)

    return await _respond_remaining(deps, *await deps.do(run))


@router.post(
    "/{consumer_id}/budgets/increase",
    response_model=ConsumerDetailOut,
    summary="Increase a budget of a consumer",
    responses=document_errors("not_found", "conflict", "confirmation_required", "idempotency_key_reused", *BODY_ERRORS)
    | REPEATABLE_CHANGE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def increase_consumer_budget(
    consumer_id: ConsumerId, deps: CallerDeps, body: BudgetIncreaseIn, idempotency_key: IdempotencyKey = None
) -> Response:
    """Raise a budget once, until its current period ends. A key also needs `keys:write`, and access to all keys of the
    consumer. With an `Idempotency-Key`, repeating the request within 24 hours raises it once."""

    def increase(tx: KeyTransaction) -> None:
        keys.increase_consumer_budget(tx, consumer_id, body.name, body.amount)

    def require_rights(tx: KeyTransaction) -> None:
        keys.require_may_add_credits(tx, consumer_id)

    async def describe() -> dict[str, Any]:
        return await _describe_remaining(deps, *await deps.read(_read_described, consumer_id))

    operation = f"increase_consumer_budget:{consumer_id}"
    return await RepeatableCall(deps, operation, idempotency_key, body).change_once(increase, require_rights, describe)


@router.post(
    "/{consumer_id}/limits/reset",
    response_model=ConsumerDetailOut,
    summary="Reset limits of a consumer",
    responses=document_errors("not_found", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def reset_consumer_limits(consumer_id: ConsumerId, deps: CallerDeps, body: ResetIn | None = None) -> Response:
    """Reset the limits that its keys share, as if nothing had been used.

    Also needs `keys:write`, and access to all keys of the consumer.
    """
    names = None if body is None else body.limits

    def run(tx: KeyTransaction) -> tuple[Consumer, dict[str, Any]]:
        found = keys.reset_consumer_limits(tx, consumer_id, names)
        return found, _describe(tx, found)

    return await _respond_remaining(deps, *await deps.do(run))


@router.post(
    "/{consumer_id}/credits/add",
    status_code=201,
    response_model=CreditsOut,
    summary="Add credits to a consumer",
    responses=document_errors("not_found", "conflict", "confirmation_required", "idempotency_key_reused", *BODY_ERRORS)
    | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="consumers:write")
async def add_consumer_credits(
    consumer_id: ConsumerId, body: TopUpIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None
) -> Response:
    """Also needs `keys:write`, and access to all keys of the consumer. With an `Idempotency-Key`, repeating the request
    within 24 hours adds the credits once, and returns the credits as they are now."""

    def add(tx: KeyTransaction) -> bytes:
        return msgspec.json.encode(_describe_credits(keys.add_consumer_credits(tx, consumer_id, body.amount)))

    def read(tx: KeyTransaction) -> dict[str, Any]:
        return _describe_credits(keys.get_consumer(tx, consumer_id))

    def require_rights(tx: KeyTransaction) -> None:
        keys.require_may_add_credits(tx, consumer_id)

    async def update_replay(_: dict[str, Any]) -> dict[str, Any]:
        return await deps.read(read)

    operation = f"add_consumer_credits:{consumer_id}"
    return await RepeatableCall(deps, operation, idempotency_key, body).respond_once(
        add, require_rights, None, update_replay
    )


def _describe_credits(consumer: Consumer) -> dict[str, Any]:
    return describe_credits(require_credits(consumer.policy.limits))


def _read_described(tx: KeyTransaction, consumer_id: str) -> tuple[Consumer, dict[str, Any]]:
    found = keys.get_consumer(tx, consumer_id)
    return found, _describe(tx, found)


async def _respond_remaining(deps: CallerDeps, consumer: Consumer, facts: dict[str, Any]) -> Response:
    return respond(await _describe_remaining(deps, consumer, facts))


async def _describe_remaining(deps: CallerDeps, consumer: Consumer, facts: dict[str, Any]) -> dict[str, Any]:
    owners = [consumer.rule_owner] if consumer.policy.limits else []
    return facts | await describe_left(deps, owners)


def _describe(tx: KeyTransaction, consumer: Consumer) -> dict[str, Any]:
    return keys.consumer_facts(consumer) | {
        "created_at": to_rfc3339(consumer.created_at_ms),
        "created_by": consumer.created_by,
        "key_count": keys.count_keys_of(tx, consumer.id),
        **keys.limit_rules_facts(consumer),
    }
