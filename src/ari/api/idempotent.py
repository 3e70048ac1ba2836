"""Operations that a client can repeat: the ``Idempotency-Key`` header."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.base import idempotency
from ari.base.idempotency import MAX_LENGTH, IdempotentRequest

REPLAYED = "idempotent-replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A unique value for each request, such as a UUID. Repeating the request within 24 hours, by the "
        f"same caller with the same body, returns the first response with `{REPLAYED}: true`, in which keys and "
        "consumers are as they are now, or 403 if the caller wouldn't be allowed to do it now. "
        f"1 to {MAX_LENGTH} printable ASCII characters.",
        examples=["0d6e7a1c-6f4e-4a0e-9d3f-3a4b0d0c2b11"],
        json_schema_extra={"minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[ -~]*$"},
    ),
]
REPEATABLE: dict[int | str, dict[str, Any]] = {
    201: {
        "headers": {
            REPLAYED: {
                "description": "Set if this request was already done, by an identical earlier one.",
                "schema": {"type": "string", "enum": ["true"], "examples": ["true"]},
            }
        }
    }
}
"""The OpenAPI description of a repeated response."""


async def respond_once(
    deps: CallerDeps,
    operation: str,
    header: str | None,
    body: BaseModel,
    create: Callable[[Any], bytes],
    require_rights: Callable[[Any], object],
    require_replay: Callable[[Any, bytes], None] | None = None,
    update_replay: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
) -> Response:
    """Return 201 with the JSON from ``create``, or with the response to the first identical request.

    ``create`` runs in the transaction that also stores its response. ``require_rights`` raises if the caller isn't
    allowed to do this; it also runs for repeats, because the caller's rights may have been reduced. ``require_replay``
    raises if the caller may not have this stored response again. ``update_replay`` replaces what has changed since: a
    revoked key must not look active. Raises ``Invalid`` for an invalid header,
    ``Conflict("idempotency_key_reused")``, and what these raise.
    """
    key = idempotency.key_of(header)
    if key is None:
        return _respond_created(await deps.do(create))
    content = msgspec.json.encode(body.model_dump(mode="json", exclude_unset=True), order="sorted")

    def create_once(tx: Any) -> idempotency.Outcome:
        require_rights(tx)
        request = IdempotentRequest(tx.caller.actor, operation, key, content)
        outcome = idempotency.once(tx, request, lambda: create(tx))
        if outcome.is_replay and require_replay is not None:
            require_replay(tx, outcome.body)
        return outcome

    outcome = await deps.do(create_once)
    if not outcome.is_replay:
        return _respond_created(outcome.body)
    found = outcome.body
    if update_replay is not None:
        found = msgspec.json.encode(await update_replay(msgspec.json.decode(found)))
    return _respond_created(found, {REPLAYED: "true"})


def _respond_created(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, 201, headers, media_type="application/json")
