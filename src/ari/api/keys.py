"""``/api/keys``: create, list, read, change, revoke, delete."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from ari import keys
from ari.api.deps import CallerDeps, describe_keys
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE, IdempotencyKey, respond_once
from ari.api.responses import respond, respond_page
from ari.api.shapes import CreatedOut, KeyChangeIn, KeyId, KeyOut, KeysIn, KeysOut, NewKeyIn, RevokeIn, parse_time
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, KeyChange, NewKey
from ari.keys.ports import KeyTransaction
from ari.usage.model import NO_USE
from ari.usage.reports.facts import key_facts

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
    than its own. With an `Idempotency-Key`, repeating the request within 24 hours returns the same response."""
    scopes = None if body.scopes is None else tuple(body.scopes)
    new = NewKey(body.name, body.expires, parse_time("expires_at", body.expires_at), scopes)

    def create(tx: KeyTransaction) -> bytes:
        created = keys.create(tx, new)
        facts = key_facts(created.key, NO_USE, tx.now_ms)
        return msgspec.json.encode({"key": facts, "secret": created.secret})

    def require_rights(tx: KeyTransaction) -> None:
        keys.require_may_create(tx, new)

    return await respond_once(deps, "create_key", idempotency_key, body, create, require_rights)


@router.get("", response_model=KeysOut, summary="List API keys", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def list_keys(deps: CallerDeps, query: Annotated[KeysIn, Query()]) -> Response:
    """Newest first. Deleted keys aren't listed."""
    found = await deps.read(keys.get_page, query.status, query.before_id, query.limit + 1)
    return respond_page(await describe_keys(deps, found), query.limit)


@router.get("/{key_id}", response_model=KeyOut, summary="Get an API key", responses=document_errors("not_found"))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_key(key_id: KeyId, deps: CallerDeps) -> Response:
    """The key's details and usage counts."""
    key = await deps.read(keys.get, key_id)
    [facts] = await describe_keys(deps, [key])
    return respond(facts)


@router.patch(
    "/{key_id}",
    response_model=KeyOut,
    summary="Update an API key",
    responses=document_errors("not_found", "key_inactive", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def change_key(key_id: KeyId, body: KeyChangeIn, deps: CallerDeps) -> Response:
    """Change name, scopes, expiry or enabled state. Revoked and expired keys can't be restored."""
    given = body.model_fields_set
    for field in given - {"expires_at"}:
        if getattr(body, field) is None:
            raise Invalid(Problem(field, "Omit the field or set a value."))
    change = KeyChange(
        name=body.name if body.name is not None else UNSET,
        scopes=tuple(body.scopes) if body.scopes is not None else UNSET,
        expires_at_ms=parse_time("expires_at", body.expires_at) if "expires_at" in given else UNSET,
        disabled=body.disabled if body.disabled is not None else UNSET,
    )
    key = await deps.do(keys.change, key_id, change)
    [facts] = await describe_keys(deps, [key])
    return respond(facts)


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
