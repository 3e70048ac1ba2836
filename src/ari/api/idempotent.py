"""Operations that a client may repeat: the ``Idempotency-Key`` header at the API's door."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from ari.api.here import Here
from ari.base import idempotency
from ari.base.caller import Caller
from ari.base.idempotency import MAX_LENGTH, IdempotentRequest
from ari.storage.transaction import Transaction

REPLAYED = "idempotent-replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A unique value for each request, such as a UUID. Repeating the request within 24 hours, by the "
        f"same caller with the same body, returns the first response with `{REPLAYED}: true`. 1 to {MAX_LENGTH} "
        "printable ASCII characters.",
        examples=["0d6e7a1c-6f4e-4a0e-9d3f-3a4b0d0c2b11"],
        json_schema_extra={"minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[ -~]*$"},
    ),
]
REPEATABLE: dict[int | str, dict[str, Any]] = {
    201: {
        "headers": {
            REPLAYED: {
                "description": "Set if this response was already returned for an identical earlier request.",
                "schema": {"type": "string", "enum": ["true"], "examples": ["true"]},
            }
        }
    }
}
"""What the description says of the response."""


async def once(
    here: Here,
    operation: str,
    header: str | None,
    body: BaseModel,
    make: Callable[[Transaction], bytes],
    require_rights: Callable[[Caller], None],
) -> Response:
    """201 with the JSON that ``make`` returns, or with that of the first equal request.

    ``make`` runs in the transaction that also stores its response. ``require_rights`` raises for a caller that may not
    do this now; it is asked for repeats too, since a caller may have been narrowed. Raises ``Invalid`` for an unusable
    header, ``Conflict("idempotency_key_reused")``, and what these two raise.
    """
    key = idempotency.key_of(header)
    if key is None:
        return _created(await here.deps.do(make))
    content = msgspec.json.encode(body.model_dump(mode="json", exclude_unset=True), order="sorted")

    def make_once(tx: Transaction) -> idempotency.Outcome:
        require_rights(tx.caller)
        request = IdempotentRequest(tx.caller.actor, operation, key, content)
        return idempotency.once(tx, request, lambda: make(tx))

    outcome = await here.deps.do(make_once)
    return _created(outcome.body, {REPLAYED: "true"} if outcome.is_replay else None)


def _created(body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, 201, headers, media_type="application/json")
