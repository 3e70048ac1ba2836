"""``/api/keys/{key_id}/unused-scopes``: least-privilege advice from the log."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import document_errors
from ari.api.responses import respond
from ari.api.shapes import KeyId
from ari.http.route_policy import AuthMode, list_route_scopes, policy
from ari.usage.scope_use import find_unused_scopes, read_history, read_used_routes, scope_use_facts

router = APIRouter(prefix="/api/keys", tags=["Scopes"])


class UnusedScopesOut(BaseModel):
    """Scopes that a key can do without, as far as the log proves it. To narrow the key, set its scopes to `kept`."""

    since: str = Field(
        description="The log was read from this time on, 90 days ago.",
        json_schema_extra={"format": "date-time"},
        examples=["2026-08-31T12:00:00.000Z"],
    )
    unused: list[str] = Field(description="Scopes that no request needed.", examples=[["keys:verify"]])
    kept: list[str] = Field(description="The other scopes of the key.", examples=[["usage:read"]])
    gap: (
        Literal["young_log", "young_key", "changed", "unused_key", "grants", "unknown_route", "nothing_left"] | None
    ) = Field(
        description="Why there is no advice: the log or the key is younger than 90 days, the scopes were changed "
        "since, the key wasn't used, it may need its scopes to grant them, it used a route that ARI no longer has, or "
        "no scope would be left. `null` = the log is sufficient.",
        examples=[None],
    )


@router.get(
    "/{key_id}/unused-scopes",
    response_model=UnusedScopesOut,
    summary="Find unused scopes of a key",
    responses=document_errors("not_found"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="usage:read")
async def read_unused_scopes(key_id: KeyId, request: Request, deps: CallerDeps) -> Response:
    """Scopes of your own API are unused only if no service verified the key."""
    now_ms = deps.instance.now_ms()
    history = await deps.read(read_history, key_id, deps.instance.settings.event_retention_days)
    routes = await deps.report(read_used_routes, key_id, now_ms)
    found = find_unused_scopes(history, routes, list_route_scopes(request.app.routes), now_ms)
    return respond(scope_use_facts(found, now_ms))
