"""``/api/events``: the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import document_errors
from ari.api.responses import respond_page
from ari.api.shapes import EventsIn, EventsOut
from ari.base.events import event_facts
from ari.base.transaction import get_events
from ari.http.route_policy import AuthMode, policy
from ari.keys import scopes

router = APIRouter(tags=["Events"])


@router.get("/api/events", response_model=EventsOut, summary="List audit events", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_events(deps: CallerDeps, query: Annotated[EventsIn, Query()]) -> Response:
    """Who did what, when and from where, newest first. Account events require scope `*`."""
    keys_only = not scopes.holds(deps.caller.scopes, "*")
    found = await deps.read(get_events, query.subject, query.before_id, query.limit + 1, keys_only=keys_only)
    return respond_page([event_facts(event) for event in found], query.limit)
