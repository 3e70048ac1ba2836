"""The usage log: ``/api/usage`` for all keys, ``/api/keys/{id}/usage`` for one."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari.api.here import Here, paged, problems
from ari.api.shapes import AllUsageIn, KeyId, UsageIn, UsagePageOut, time_of
from ari.base.errors import NotFound
from ari.http.access import needs
from ari.usage.model import UsageFilter
from ari.usage.report import row_facts

router = APIRouter(tags=["Usage"])


@router.get(
    "/api/usage", response_model=UsagePageOut, summary="Read the usage log of all keys", responses=problems("invalid")
)
@needs("usage:read")
async def read_usage(here: Here, query: Annotated[AllUsageIn, Query()]) -> Response:
    """Every request that presented a key of this instance, refused ones too, newest first."""
    return await _page(here, query, query.key_id)


@router.get(
    "/api/keys/{key_id}/usage",
    response_model=UsagePageOut,
    summary="Read the usage log of one key",
    responses=problems("invalid", "not_found"),
)
@needs(None)
async def read_key_usage(key_id: KeyId, here: Here, query: Annotated[UsageIn, Query()]) -> Response:
    """Any live key may read its own log; others need `usage:read`. The log outlives the key."""
    if here.caller.key_id != key_id:
        here.require("usage:read")
    if await here.instance.aread(lambda unit: unit.keys.tombstone(key_id)) is None:
        raise NotFound("There is no API key with this id.")
    return await _page(here, query, key_id)


async def _page(here: Here, query: UsageIn, key_id: str | None) -> Response:
    where = UsageFilter(key_id, query.code, time_of("since", query.since), time_of("until", query.until))
    rows = await here.instance.ausage(where, query.before_id, query.limit + 1)
    return paged([row_facts(row) for row in rows], query.limit)
