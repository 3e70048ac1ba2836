"""Operations that a client can repeat: the ``Idempotency-Key`` header."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
        f"same caller with the same body, returns the first response with `{REPLAYED}: true`, in which keys, "
        "consumers, credits, budgets and webhooks are as they are now, or 403 if the caller wouldn't be allowed to do "
        "it now. "
        f"1 to {MAX_LENGTH} printable ASCII characters.",
        examples=["0d6e7a1c-6f4e-4a0e-9d3f-3a4b0d0c2b11"],
        json_schema_extra={"minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[ -~]*$"},
    ),
]
_REPLAY: dict[str, Any] = {
    "headers": {
        REPLAYED: {
            "description": "Set if this request was already done, by an identical earlier one.",
            "schema": {"type": "string", "enum": ["true"], "examples": ["true"]},
        }
    }
}
REPEATABLE: dict[int | str, dict[str, Any]] = {201: _REPLAY}
REPEATABLE_CHANGE: dict[int | str, dict[str, Any]] = {200: _REPLAY}
"""The OpenAPI descriptions of repeated responses."""


@dataclass(frozen=True, slots=True)
class RepeatableCall:
    """A call of ``operation`` with this ``Idempotency-Key``, if it has one, and this body."""

    deps: CallerDeps
    operation: str
    header: str | None
    body: BaseModel

    async def respond_once(
        self,
        create: Callable[[Any], bytes],
        require_rights: Callable[[Any], object],
        require_replay: Callable[[Any, bytes], None] | None = None,
        update_replay: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
        *,
        status: int = 201,
    ) -> Response:
        """Return the JSON from ``create``, or the response to the first identical request.

        ``create`` runs in the transaction that also stores its response. ``require_rights`` raises if the caller isn't
        allowed to do this; it also runs for repeats, because the caller's rights may have been reduced.
        ``require_replay`` raises if the caller may not have this stored response again. ``update_replay`` replaces what
        has changed since: a revoked key must not look active. Raises ``Invalid`` for an invalid header,
        ``Conflict("idempotency_key_reused")``, and what these raise.
        """
        outcome = await self._do_once(create, require_rights, require_replay)
        found = outcome.body
        if outcome.is_replay and update_replay is not None:
            found = msgspec.json.encode(await update_replay(msgspec.json.decode(found)))
        return _respond(found, status, outcome)

    async def change_once(
        self,
        change: Callable[[Any], object],
        require_rights: Callable[[Any], object],
        describe: Callable[[], Awaitable[dict[str, Any]]],
    ) -> Response:
        """Return what ``describe`` returns after ``change``, which runs for the first of identical requests only.

        ``require_rights`` also runs for repeats. Raises like ``respond_once``.
        """

        def create(tx: Any) -> bytes:
            change(tx)
            return b"null"

        outcome = await self._do_once(create, require_rights)
        return _respond(msgspec.json.encode(await describe()), 200, outcome)

    async def _do_once(
        self,
        create: Callable[[Any], bytes],
        require_rights: Callable[[Any], object],
        require_replay: Callable[[Any, bytes], None] | None = None,
    ) -> idempotency.Outcome:
        key = idempotency.key_of(self.header)
        if key is None:
            return idempotency.Outcome(await self.deps.do(create), is_replay=False)
        content = msgspec.json.encode(self.body.model_dump(mode="json", exclude_unset=True), order="sorted")

        def create_once(tx: Any) -> idempotency.Outcome:
            require_rights(tx)
            request = IdempotentRequest(tx.caller.actor, self.operation, key, content)
            outcome = idempotency.once(tx, request, lambda: create(tx))
            if outcome.is_replay and require_replay is not None:
                require_replay(tx, outcome.body)
            return outcome

        return await self.deps.do(create_once)


def _respond(body: bytes, status: int, outcome: idempotency.Outcome) -> Response:
    headers = {REPLAYED: "true"} if outcome.is_replay else None
    return Response(body, status, headers, media_type="application/json")
