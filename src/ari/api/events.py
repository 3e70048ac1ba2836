"""``/api/events``: the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import document_errors
from ari.api.event_shapes import (
    CSV_EXAMPLE,
    JSON_LINES_EXAMPLE,
    STREAM_EXAMPLE,
    EventExportIn,
    EventsIn,
    EventsOut,
    EventStreamIn,
    build_event_search,
)
from ari.api.responses import respond
from ari.base.audit_feed import record_start
from ari.base.audit_lines import MEDIA_TYPE
from ari.base.cursor import encode_cursor
from ari.base.event_search import find_events
from ari.http.event_export import AUDIT_SCOPE, collect_events, export_events
from ari.http.route_policy import AuthMode, policy
from ari.keys import scopes
from ari.keys.event_subjects import describe_events

router = APIRouter(tags=["Events"])

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "All matching events, newest first. CSV has a column for each field; `detail` is JSON there.",
        "headers": {
            "content-disposition": {
                "description": "Suggested file name.",
                "schema": {"type": "string", "examples": ['attachment; filename="ari-events.csv"']},
            }
        },
        "content": {
            "text/csv": {"schema": {"type": "string", "examples": [CSV_EXAMPLE]}},
            "application/jsonl": {"schema": {"type": "string", "examples": [JSON_LINES_EXAMPLE]}},
        },
    }
}

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One event per line. `hash` is the SHA-256 of `previous`, a line feed and the event's fields; "
        "the guide has the details.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "examples": [STREAM_EXAMPLE]}}},
    }
}


@router.get("/api/events", response_model=EventsOut, summary="List audit events", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_events(deps: CallerDeps, query: Annotated[EventsIn, Query()]) -> Response:
    """Who did what, when and from where, newest first. Events that aren't about keys require scope `*`. With
    filters, a page scans at most 10,000 events, so it may have fewer than `limit`, or none, and still have a
    `next_cursor`. With `since` or `until`, events are in the order of their times; otherwise in the order in which they
    were written, which differs where the clock was set back."""
    search = build_event_search(query, keys_only=_sees_keys_only(deps))
    found = await deps.read(find_events, search, query.before_id, query.limit)
    following = None if found.next_before is None else encode_cursor(found.next_before)
    return respond({"items": await deps.read(describe_events, found.events), "next_cursor": following})


@router.get(
    "/api/events/export",
    response_class=Response,
    summary="Export audit events",
    responses=document_errors("invalid", "confirmation_required") | _FILE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read", sensitive=True)
async def export(deps: CallerDeps, query: Annotated[EventExportIn, Query()]) -> Response:
    """All matching events that the caller can list, as an attachment: CSV, or JSON with one event per line. The export
    is recorded in the audit log. In CSV, text that a spreadsheet could read as a formula gets a leading `'`; JSON has
    the exact text."""
    search = build_event_search(query, keys_only=_sees_keys_only(deps))
    return await export_events(deps, search, query.format, bom=query.bom)


@router.get(
    "/api/events/stream",
    response_class=Response,
    summary="Collect the audit log",
    responses=document_errors("invalid", "confirmation_required", "cursor_gone") | _STREAM,
)
@policy(AuthMode.KEY_OR_SESSION, scope=AUDIT_SCOPE, sensitive=True)
async def stream(deps: CallerDeps, query: Annotated[EventStreamIn, Query()]) -> Response:
    """The next events, oldest first, for a collector that keeps its own copy: `ari audit verify` finds out whether
    anything in it is missing or was changed. Continue with the `id` of the last event as `after`. A response that ends
    with the newest event has the signed head of the log as its last line; it ends earlier after 8 MB. A request of a
    session or without `after` is recorded in the audit log."""
    if query.after is None or deps.caller.key_id is None:
        await deps.do(record_start)
    lines = await collect_events(deps, query.after, query.limit, query.wait_seconds, query.history)
    return Response(lines, media_type=MEDIA_TYPE)


def _sees_keys_only(deps: CallerDeps) -> bool:
    """Whether the caller must not learn when and from where people sign in (security.md 21)."""
    return not scopes.holds(deps.caller.scopes, "*")
