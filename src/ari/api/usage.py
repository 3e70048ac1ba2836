"""The usage log: ``/api/usage`` for all keys, ``/api/keys/{id}/usage`` for one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari import keys
from ari.api.ai_usage_shapes import AiKeySummaryOut, AiSummaryOut
from ari.api.deps import CallerDeps, require_scope
from ari.api.error_docs import document_errors
from ari.api.log_shapes import AllUsageIn, GroupIn, UsageIn, UsagePageOut
from ari.api.responses import respond
from ari.api.shapes import KeyId, parse_time
from ari.api.usage_shapes import (
    CSV_EXAMPLE,
    AllExportIn,
    AllSummaryIn,
    ExportIn,
    KeySummaryOut,
    SummaryIn,
    SummaryOut,
    UsageFileOut,
    build_search,
)
from ari.base.clock import DAY_MS, to_optional_rfc3339
from ari.base.cursor import encode_cursor
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.http.usage_export import COMPLETE_UNTIL, export_answer
from ari.keys import KeyGroup
from ari.keys.groups import GroupBy
from ari.usage import spans
from ari.usage.reports import ai_summary, summary
from ari.usage.reports.facts import row_facts
from ari.usage.reports.queries import complete_until, find_rows
from ari.usage.search import UsageSearch
from ari.usage.spans import Span

router = APIRouter(tags=["Usage"])


@router.get("/api/usage", response_model=UsagePageOut, summary="List usage", responses=document_errors("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="usage:read")
async def read_usage(deps: CallerDeps, query: Annotated[AllUsageIn, Query()]) -> Response:
    """Every request made with an API key, including refused ones, newest first."""
    search = replace(build_search(query, query.key_id), group=await _find_group(deps, query))
    return await _page(deps, query, search)


@router.get(
    "/api/keys/{key_id}/usage",
    response_model=UsagePageOut,
    summary="List usage of a key",
    responses=document_errors("invalid", "not_found"),
)
@policy(AuthMode.KEY_OR_SESSION, scope=None)
async def read_key_usage(key_id: KeyId, deps: CallerDeps, query: Annotated[UsageIn, Query()]) -> Response:
    """A key can read its own log; otherwise `usage:read` is required. The log is kept after the key is deleted."""
    _require_reader(deps, key_id)
    search = build_search(query, key_id)
    await _require_known(deps, key_id)
    return await _page(deps, query, search)


@router.get(
    "/api/usage/summary",
    response_model=SummaryOut,
    summary="Get usage statistics",
    responses=document_errors("invalid"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="usage:read")
async def read_summary(deps: CallerDeps, query: Annotated[AllSummaryIn, Query()]) -> Response:
    """Requests by time and code, the most used keys, and attempts without a valid key. Times are widened to whole
    hours; the response has the exact range."""
    span, key_ids, until_ms = await _read_range(deps, query)
    found = await deps.report(summary.of_some, span, key_ids)
    names = await deps.read(keys.get_names, [one.key_id for one in found.top.shown])
    groups = None
    if query.group_by is not None:
        listed = await _list_groups(deps, query.group_by)
        counted = await deps.report(summary.count_groups, span, key_ids, listed)
        named = await deps.read(keys.name_groups, query.group_by, [one.name for one in counted])
        groups = summary.group_facts(counted, named)
    return _respond(summary.summary_facts(found, names, groups), until_ms)


@router.get(
    "/api/keys/{key_id}/usage/summary",
    response_model=KeySummaryOut,
    summary="Get usage statistics for a key",
    responses=document_errors("invalid", "not_found"),
)
@policy(AuthMode.KEY_OR_SESSION, scope=None)
async def read_key_summary(key_id: KeyId, deps: CallerDeps, query: Annotated[SummaryIn, Query()]) -> Response:
    """Requests by time, code and route. A key can read its own; otherwise `usage:read` is required."""
    span, until_ms = await _read_key_range(deps, key_id, query)
    found = await deps.report(summary.of_key, key_id, span)
    return _respond(summary.key_summary_facts(found), until_ms)


@router.get(
    "/api/usage/ai",
    response_model=AiSummaryOut,
    summary="Get AI usage",
    responses=document_errors("invalid"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="usage:read")
async def read_ai_usage(deps: CallerDeps, query: Annotated[AllSummaryIn, Query()]) -> Response:
    """Costs, requests and tokens by time, key, provider and model, and by consumer or tag."""
    span, key_ids, until_ms = await _read_range(deps, query)
    found = await deps.report(ai_summary.of_span, span, None, key_ids)
    names = await deps.read(keys.get_names, [one.name for one in found.keys])
    groups = None
    if query.group_by is not None:
        listed = await _list_groups(deps, query.group_by)
        counted = await deps.report(ai_summary.count_groups, span, key_ids, listed)
        named = await deps.read(keys.name_groups, query.group_by, [one.name for one in counted])
        groups = ai_summary.ai_group_facts(counted, named)
    return _respond(ai_summary.ai_summary_facts(found, names, groups), until_ms)


@router.get(
    "/api/keys/{key_id}/usage/ai",
    response_model=AiKeySummaryOut,
    summary="Get AI usage of a key",
    responses=document_errors("invalid", "not_found"),
)
@policy(AuthMode.KEY_OR_SESSION, scope=None)
async def read_key_ai_usage(key_id: KeyId, deps: CallerDeps, query: Annotated[SummaryIn, Query()]) -> Response:
    """Costs, requests and tokens by time, provider and model. A key can read its own; otherwise `usage:read` is
    required."""
    span, until_ms = await _read_key_range(deps, key_id, query)
    found = await deps.report(ai_summary.of_span, span, key_id)
    return _respond(ai_summary.ai_summary_facts(found, None), until_ms)


_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "model": UsageFileOut,
        "headers": {
            "content-disposition": {
                "description": "Suggested file name.",
                "schema": {"type": "string", "examples": ['attachment; filename="ari-usage.csv"']},
            },
            COMPLETE_UNTIL: {
                "description": "Only with many requests not counted yet: those before this time surely are included.",
                "schema": {"type": "string", "format": "date-time", "examples": ["2026-07-01T09:30:00.000Z"]},
            },
        },
        "content": {"text/csv": {"schema": {"type": "string", "examples": [CSV_EXAMPLE]}}},
    }
}


@router.get(
    "/api/usage/export",
    response_class=Response,
    summary="Export usage",
    responses=document_errors("invalid", "confirmation_required") | _FILE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="usage:read", sensitive=True)
async def export_usage(deps: CallerDeps, query: Annotated[AllExportIn, Query()]) -> Response:
    """All matching rows, as an attachment: CSV, or a JSON array with one row per line. The export is recorded in the
    audit log. In CSV, text that a spreadsheet could read as a formula gets a leading `'`; JSON has the exact text."""
    search = replace(build_search(query, query.key_id), group=await _find_group(deps, query))
    return await export_answer(deps, search, query.format, bom=query.bom)


@router.get(
    "/api/keys/{key_id}/usage/export",
    response_class=Response,
    summary="Export usage of a key",
    responses=document_errors("invalid", "not_found", "confirmation_required") | _FILE,
)
@policy(AuthMode.KEY_OR_SESSION, scope=None, sensitive=True)
async def export_key_usage(key_id: KeyId, deps: CallerDeps, query: Annotated[ExportIn, Query()]) -> Response:
    """Like the export of all keys. A key can export its own log; otherwise `usage:read` is required."""
    _require_reader(deps, key_id)
    search = build_search(query, key_id)
    await _require_known(deps, key_id)
    return await export_answer(deps, search, query.format, bom=query.bom)


async def _find_group(deps: CallerDeps, query: GroupIn) -> KeyGroup | None:
    """The keys of the consumer or tag; which they are is only for callers that may list keys."""
    if query.consumer is None and query.tag is None:
        return None
    require_scope(deps, "keys:read")
    return await deps.read(keys.find_group, query.consumer, query.tag)


async def _list_groups(deps: CallerDeps, by: GroupBy) -> dict[str, list[str]]:
    """The groups of keys; which they are is only for callers that may list keys."""
    require_scope(deps, "keys:read")
    return await deps.read(keys.list_groups_of_keys, by)


async def _read_range(deps: CallerDeps, query: AllSummaryIn) -> tuple[Span, tuple[str, ...] | None, int | None]:
    """The range, the keys of the group if there is one, and the time until which all requests are counted."""
    span = _span(deps, query)
    group = await _find_group(deps, query)
    return span, None if group is None else group.key_ids, await deps.report(complete_until)


async def _read_key_range(deps: CallerDeps, key_id: str, query: SummaryIn) -> tuple[Span, int | None]:
    """The same for one key, which the caller may read. Raises ``NotFound``."""
    _require_reader(deps, key_id)
    span = _span(deps, query)
    await _require_known(deps, key_id)
    return span, await deps.report(complete_until)


def _span(deps: CallerDeps, query: SummaryIn) -> Span:
    """The range from `since` to `until`; the last seven days by default."""
    now_ms = deps.instance.now_ms()
    until_ms, since_ms = parse_time("until", query.until), parse_time("since", query.since)
    until_ms = now_ms + 1 if until_ms is None else until_ms
    since_ms = until_ms - 7 * DAY_MS if since_ms is None else since_ms
    zone = spans.zone_name(query.time_zone)
    if query.time_zone not in (None, zone):
        raise Invalid(Problem("time_zone", "Unknown time zone. Use a name such as Europe/Berlin."))
    return spans.between(since_ms, until_ms, zone, query.by)


def _require_reader(deps: CallerDeps, key_id: str) -> None:
    """A key may read its own log; any other caller needs the scope, which is checked before any lookup."""
    if deps.caller.key_id != key_id:
        require_scope(deps, "usage:read")


async def _require_known(deps: CallerDeps, key_id: str) -> None:
    await deps.read(keys.get_even_deleted, key_id)


async def _page(deps: CallerDeps, query: UsageIn, search: UsageSearch) -> Response:
    until_ms = await deps.report(complete_until)
    found = await deps.report(find_rows, search, query.before_id, query.limit)
    following = None if found.next_before is None else encode_cursor(found.next_before)
    return _respond({"items": [row_facts(row) for row in found.rows], "next_cursor": following}, until_ms)


def _respond(facts: Mapping[str, Any], until_ms: int | None) -> Response:
    return respond({**facts, "complete_until": to_optional_rfc3339(until_ms)})
