"""``/api/me``: the calling key or account, on a fast route."""

from fastapi import APIRouter

from ari.api.error_docs import document_errors
from ari.api.key_shapes import (
    MeKeyOut,
)
from ari.api.shapes import (
    MeAccountOut,
)
from ari.http.context import RequestContext
from ari.http.responses import Response, json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.usage.reports.facts import key_facts

router = APIRouter(tags=["Caller"])


async def _describe_caller(context: RequestContext, services: Services) -> Response:
    key = context.key
    if key is not None:
        facts = key_facts(key, await services.lookup.totals(key.id), context.head.at_ms)
        return json_response({"type": "api_key", "key": facts})
    signed_in = context.signed_in
    assert signed_in is not None
    account = signed_in.account
    return json_response({"type": "account", "account": {"id": account.id, "email": account.email}})


@router.get(
    "/api/me", response_model=MeKeyOut | MeAccountOut, summary="Get current caller", responses=document_errors()
)
@policy(AuthMode.KEY_OR_SESSION, scope=None, fast=FastRoute(_describe_caller, reads_only=True))
def read_me() -> None:
    """Any active key or session can call this. Usage counts and times may be a few seconds old;
    `GET /api/keys/{key_id}` returns exact ones."""
