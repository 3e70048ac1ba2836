"""Rotate keys, see who still uses an old secret, and what holders may do with their own key."""

from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from starlette.responses import Response

from ari import keys
from ari.api.deps import CallerDeps, describe_key_detail, describe_secrets, update_key
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE, IdempotencyKey, RepeatableCall
from ari.api.key_shapes import KeyDetailOut, RevokedSelfOut, RevokeSelfIn
from ari.api.responses import respond
from ari.api.rotation_shapes import RotatedOut, RotateIn, SecretUseOut
from ari.api.shapes import KeyId
from ari.base.errors import NotFound
from ari.deps import Deps
from ari.http.route_policy import AuthMode, policy
from ari.keys.ports import KeyTransaction
from ari.usage.reports.facts import revocation_facts, rotation_facts, secret_use_facts
from ari.usage.reports.queries import secret_use

router = APIRouter()
_KEYS, _CALLER = "API keys", "Caller"
_ROTATION_ERRORS = ("key_inactive", "rotation_in_progress", "idempotency_key_reused", *BODY_ERRORS)
_SecretNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the secret.", examples=[1])]


@router.post(
    "/api/keys/{key_id}/rotate",
    status_code=201,
    response_model=RotatedOut,
    tags=[_KEYS],
    summary="Rotate an API key",
    responses=document_errors("not_found", "confirmation_required", *_ROTATION_ERRORS) | REPEATABLE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write", sensitive=True)
async def rotate_key(
    key_id: KeyId, deps: CallerDeps, body: RotateIn | None = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """Returns a new secret, only in this response. The key keeps its ID, policy and usage, and the old secret works
    until the overlap ends. A key can only rotate keys that may do no more than itself. With an `Idempotency-Key`,
    repeating the request within 24 hours returns the same response, if the caller may still rotate the key."""
    return await _rotate(deps, key_id, f"rotate_key:{key_id}", body or RotateIn(), idempotency_key)


@router.post(
    "/api/keys/{key_id}/retire-old",
    response_model=KeyDetailOut,
    tags=[_KEYS],
    summary="Retire the old secret of a key",
    responses=document_errors("not_found", "csrf_failed"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def retire_old_secret(key_id: KeyId, deps: CallerDeps) -> Response:
    """Ends the overlap of a rotation now. Idempotent."""
    return respond(await describe_key_detail(deps, await deps.do(keys.retire_old, key_id)))


@router.get(
    "/api/keys/{key_id}/secrets/{number}",
    response_model=SecretUseOut,
    tags=[_KEYS],
    summary="Get the use of a secret",
    responses=document_errors("not_found", "invalid"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="usage:read")
async def read_secret_use(key_id: KeyId, number: _SecretNumber, deps: CallerDeps) -> Response:
    """Shows who still uses the old secret of a rotated key."""
    await deps.read(keys.get, key_id)
    found = [secret for secret in await describe_secrets(deps, key_id) if secret["number"] == number]
    if not found:
        raise NotFound("The key has no secret with this number.")
    return respond(found[0] | secret_use_facts(await deps.report(secret_use, key_id, number)))


@router.post(
    "/api/me/rotate",
    status_code=201,
    response_model=RotatedOut,
    tags=[_CALLER],
    summary="Rotate the calling key",
    responses=document_errors(*_ROTATION_ERRORS) | REPEATABLE,
)
@policy(AuthMode.KEY, scope=None)
async def rotate_calling_key(
    deps: CallerDeps, body: RotateIn | None = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """For keys with `may_rotate`; needs no scope. Only the newest secret can be rotated. With an `Idempotency-Key`,
    repeating the request within 24 hours returns the same response until the old secret retires: with an overlap of
    `0s`, it can't be repeated."""
    return await _rotate(deps, deps.caller.actor, "rotate_calling_key", body or RotateIn(), idempotency_key)


@router.post(
    "/api/me/revoke",
    response_model=RevokedSelfOut,
    tags=[_CALLER],
    summary="Revoke the calling key",
    responses=document_errors(*BODY_ERRORS),
)
@policy(AuthMode.KEY, scope=None, revokes_self=True)
async def revoke_calling_key(deps: CallerDeps, body: RevokeSelfIn | None = None) -> Response:
    """Permanent and immediate, for all secrets of the key. Needs no scope and consumes nothing from limits: use it if
    the key leaked. Any secret that isn't retired is enough, even if the key is disabled, over its limits, or restricted
    to other IP addresses. The owner is notified."""
    key = await deps.do(keys.revoke, deps.caller.actor, None if body is None else body.reason)
    return respond(revocation_facts(key))


async def _rotate(deps: Deps, key_id: str, operation: str, body: RotateIn, idempotency_key: str | None) -> Response:
    wanted = keys.Rotation(body.overlap, body.retire_old_now)

    def rotate(tx: KeyTransaction) -> bytes:
        return msgspec.json.encode(rotation_facts(keys.rotate(tx, key_id, wanted), tx.now_ms))

    def require_rights(tx: KeyTransaction) -> None:
        keys.require_may_rotate(tx, keys.get(tx, key_id))

    update = partial(update_key, deps)
    return await RepeatableCall(deps, operation, idempotency_key, body).respond_once(
        rotate, require_rights, update_replay=update
    )
