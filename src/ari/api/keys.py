"""``/api/keys``: create, list, read, change, revoke, delete."""

from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from ari import keys
from ari.api.budget_shapes import BudgetIncreaseIn, BudgetResetIn, budgets_of
from ari.api.deps import CallerDeps, describe_key_detail, describe_keys, update_key
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE, REPEATABLE_CHANGE, IdempotencyKey, RepeatableCall
from ari.api.key_list_shapes import KeyListOut, KeysIn
from ari.api.key_shapes import (
    CreatedOut,
    KeyChangeIn,
    KeyDetailOut,
    KeyOut,
    NewKeyIn,
    RevokeIn,
)
from ari.api.limit_shapes import CreditsOut, ResetIn, TopUpIn, credits_of
from ari.api.model_shapes import models_of
from ari.api.responses import respond
from ari.api.shapes import KeyId, find_nulls, parse_time
from ari.base.clock import to_optional_rfc3339
from ari.base.cursor import decode_cursor, decode_sorted_cursor, encode_cursor, encode_sorted_cursor
from ari.base.problems import Problems
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, KeyChange, NewKey
from ari.keys.granting import require_may_touch
from ari.keys.limits.changes import require_credits
from ari.keys.limits.fields import describe_credits
from ari.keys.listing import Cursor, KeyListTransaction, asks_log
from ari.keys.ports import KeyTransaction
from ari.usage.model import NO_USE
from ari.usage.reports.facts import key_facts
from ari.usage.reports.key_use import KeyUse
from ari.usage.reports.listing import NEWEST_FIRST, Sort, page_of_keys
from ari.usage.reports.queries import complete_until

router = APIRouter(prefix="/api/keys", tags=["API keys"])


@router.post(
    "",
    status_code=201,
    response_model=CreatedOut,
    summary="Create an API key",
    responses=document_errors("confirmation_required", "idempotency_key_reused", *BODY_ERRORS) | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write", sensitive=True)
async def create_key(body: NewKeyIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None) -> Response:
    """The secret is returned only in this response. A key can only grant scopes it has and can't grant a later expiry
    than its own; a test key creates test keys only. A key that belongs to a consumer creates keys of this consumer,
    with its own tags and metadata. With an `Idempotency-Key`, repeating the request within 24 hours returns the same
    response, with the key as it is now."""
    scopes, problems = None if body.scopes is None else tuple(body.scopes), Problems()
    new = NewKey(
        body.name,
        body.expires,
        problems.check(None, parse_time, "expires_at", body.expires_at),
        scopes,
        [limit.model_dump() for limit in body.limits] if "limits" in body.model_fields_set else UNSET,
        credits_of(body.credits, body.model_fields_set),
        kind=body.kind,
        environment=body.environment,
        consumer=body.consumer,
        tags=tuple(body.tags),
        metadata=body.metadata,
        addresses=tuple(body.addresses),
        may_rotate=body.may_rotate,
        models=models_of(body.models, body.model_fields_set),
        budgets=budgets_of(body.budgets) if "budgets" in body.model_fields_set else UNSET,
    )

    def create(tx: KeyTransaction) -> bytes:
        created = keys.create(tx, new, problems.found)
        facts = key_facts(created.key, NO_USE, tx.now_ms)
        return msgspec.json.encode({"key": facts, "secret": created.secret})

    def require_rights(tx: KeyTransaction) -> None:
        keys.require_may_create(tx, new, problems.found)

    def require_replay(tx: KeyTransaction, body: bytes) -> None:
        keys.require_may_receive(tx, msgspec.json.decode(body)["key"]["id"])

    return await RepeatableCall(deps, "create_key", idempotency_key, body).respond_once(
        create, require_rights, require_replay, partial(update_key, deps)
    )


@router.get("", response_model=KeyListOut, summary="List API keys", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def list_keys(deps: CallerDeps, query: Annotated[KeysIn, Query()]) -> Response:
    """Newest first by default. Deleted keys aren't listed. Filters apply together."""
    until_ms = await deps.report(complete_until)
    found = await deps.read(_read_list, deps.instance.key_use, query)
    return respond({**found, "complete_until": to_optional_rfc3339(until_ms)})


def _read_list(tx: KeyListTransaction, usage: KeyUse, query: KeysIn) -> dict[str, Any]:
    sort = Sort.of(query.sort)
    assert sort is not None
    where = keys.make_filter(
        tx,
        text=query.text or "",
        show=query.show,
        activity=query.status,
        consumer=query.consumer,
        tag=query.tag,
        environment=query.environment,
        kind=query.kind,
    )
    after = None if query.cursor is None else _decode_place(query.cursor, sort)
    found = page_of_keys(tx.listing, usage, where, sort, after, query.limit)
    is_counted = after is None and not asks_log(query.show)
    return {
        "items": [key_facts(row.key, row.totals, tx.now_ms) for row in found.rows],
        "next_cursor": None if found.after is None else _encode_place(found.after, sort),
        "total": tx.listing.count(where) if is_counted else None,
    }


def _encode_place(place: Cursor, sort: Sort) -> str:
    plain = sort == NEWEST_FIRST
    return encode_cursor(place.key_id) if plain else encode_sorted_cursor(str(sort), place.value, place.key_id)


def _decode_place(cursor: str, sort: Sort) -> Cursor:
    plain = sort == NEWEST_FIRST
    return Cursor(None, decode_cursor(cursor)) if plain else Cursor(*decode_sorted_cursor(cursor, str(sort)))


@router.get("/{key_id}", response_model=KeyDetailOut, summary="Get an API key", responses=document_errors("not_found"))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_key(key_id: KeyId, deps: CallerDeps) -> Response:
    """The key's details and usage counts, what remains of its limits, and its secrets without their text."""
    key = await deps.read(keys.get, key_id)
    return respond(await describe_key_detail(deps, key))


@router.patch(
    "/{key_id}",
    response_model=KeyOut,
    summary="Update an API key",
    responses=document_errors("not_found", "key_inactive", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def change_key(key_id: KeyId, body: KeyChangeIn, deps: CallerDeps) -> Response:
    """Change any of the key's properties. Revoked and expired keys can't be restored. A key can't change its own
    environment, consumer, tags and metadata, and if it belongs to a consumer, only keys of this consumer."""
    given = body.model_fields_set
    problems = Problems(find_nulls(body, {"expires_at", "consumer", "credits", "models"}))
    change = KeyChange(
        name=body.name if body.name is not None else UNSET,
        scopes=tuple(body.scopes) if body.scopes is not None else UNSET,
        expires_at_ms=problems.check(UNSET, parse_time, "expires_at", body.expires_at)
        if "expires_at" in given
        else UNSET,
        disabled=body.disabled if body.disabled is not None else UNSET,
        limits=[limit.model_dump() for limit in body.limits] if body.limits is not None else UNSET,
        credits=credits_of(body.credits, body.model_fields_set),
        environment=body.environment if body.environment is not None else UNSET,
        consumer=body.consumer if "consumer" in given else UNSET,
        tags=tuple(body.tags) if body.tags is not None else UNSET,
        metadata=body.metadata if body.metadata is not None else UNSET,
        addresses=tuple(body.addresses) if body.addresses is not None else UNSET,
        may_rotate=body.may_rotate if body.may_rotate is not None else UNSET,
        models=models_of(body.models, given),
        budgets=budgets_of(body.budgets) if body.budgets is not None else UNSET,
    )
    key = await deps.do(keys.change, key_id, change, problems.found)
    [facts] = await describe_keys(deps, [key])
    return respond(facts)


@router.post(
    "/{key_id}/limits/reset",
    response_model=KeyDetailOut,
    summary="Reset limits of an API key",
    responses=document_errors("not_found", "key_inactive", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def reset_key_limits(key_id: KeyId, deps: CallerDeps, body: ResetIn | None = None) -> Response:
    """Reset limits, as if nothing had been used. Applies from the next request."""
    key = await deps.do(keys.reset_limits, key_id, None if body is None else body.limits)
    return respond(await describe_key_detail(deps, key))


@router.post(
    "/{key_id}/budgets/reset",
    response_model=KeyDetailOut,
    summary="Reset budgets of an API key",
    responses=document_errors("not_found", "key_inactive", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def reset_key_budgets(key_id: KeyId, deps: CallerDeps, body: BudgetResetIn | None = None) -> Response:
    """Reset budgets, as if nothing had been used. Applies from the next request."""
    key = await deps.do(keys.reset_budgets, key_id, None if body is None else body.budgets)
    return respond(await describe_key_detail(deps, key))


@router.post(
    "/{key_id}/budgets/increase",
    response_model=KeyDetailOut,
    summary="Increase a budget of an API key",
    responses=document_errors(
        "not_found", "key_inactive", "conflict", "confirmation_required", "idempotency_key_reused", *BODY_ERRORS
    )
    | REPEATABLE_CHANGE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def increase_key_budget(
    key_id: KeyId, deps: CallerDeps, body: BudgetIncreaseIn, idempotency_key: IdempotencyKey = None
) -> Response:
    """Raise a budget once, until its current period ends: for a rolling one as long as its window, for a total
    forever. With an `Idempotency-Key`, repeating the request within 24 hours raises it once."""

    def increase(tx: KeyTransaction) -> None:
        keys.increase_budget(tx, key_id, body.name, body.amount)

    def require_rights(tx: KeyTransaction) -> None:
        require_may_touch(tx, keys.get(tx, key_id))

    async def describe() -> dict[str, Any]:
        return await describe_key_detail(deps, await deps.read(keys.get, key_id))

    operation = f"increase_budget:{key_id}"
    return await RepeatableCall(deps, operation, idempotency_key, body).change_once(increase, require_rights, describe)


@router.post(
    "/{key_id}/credits/add",
    status_code=201,
    response_model=CreditsOut,
    summary="Add credits to an API key",
    responses=document_errors(
        "not_found", "key_inactive", "conflict", "confirmation_required", "idempotency_key_reused", *BODY_ERRORS
    )
    | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def add_key_credits(
    key_id: KeyId, body: TopUpIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None
) -> Response:
    """With an `Idempotency-Key`, repeating the request within 24 hours adds the credits once, and returns the credits
    as they are now."""

    def add(tx: KeyTransaction) -> bytes:
        return msgspec.json.encode(
            describe_credits(require_credits(keys.add_credits(tx, key_id, body.amount).policy.limits))
        )

    def read(tx: KeyTransaction) -> dict[str, Any]:
        return describe_credits(require_credits(keys.get(tx, key_id).policy.limits))

    def require_rights(tx: KeyTransaction) -> None:
        require_may_touch(tx, keys.get(tx, key_id))

    async def update_replay(_: dict[str, Any]) -> dict[str, Any]:
        return await deps.read(read)

    operation = f"add_credits:{key_id}"
    return await RepeatableCall(deps, operation, idempotency_key, body).respond_once(
        add, require_rights, None, update_replay
    )


@router.post(
    "/{key_id}/revoke",
    response_model=KeyOut,
    summary="Revoke an API key",
    responses=document_errors("not_found", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def revoke_key(key_id: KeyId, deps: CallerDeps, body: RevokeIn | None = None) -> Response:
    """Permanent and immediate. Idempotent."""
    why = body or RevokeIn()
    key = await deps.do(keys.revoke, key_id, why.reason, with_made=why.with_made)
    [facts] = await describe_keys(deps, [key])
    return respond(facts)


@router.delete(
    "/{key_id}",
    status_code=204,
    response_class=Response,
    summary="Delete an inactive API key",
    responses=document_errors("not_found", "key_active", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def delete_key(key_id: KeyId, deps: CallerDeps) -> Response:
    """Only revoked and expired keys can be deleted. Their usage and events are kept."""
    await deps.do(keys.delete, key_id)
    return Response(status_code=204)
