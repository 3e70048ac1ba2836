"""``/api/me``: the calling key or account, on a fast route."""

from typing import Any

from fastapi import APIRouter

from ari import keys
from ari.api.error_docs import document_errors
from ari.api.key_shapes import (
    MeKeyOut,
)
from ari.api.shapes import (
    MeAccountOut,
)
from ari.base.clock import to_optional_rfc3339
from ari.base.deadline import run_in_thread
from ari.http.context import RequestContext
from ari.http.responses import Response, json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.keys.model import ApiKey
from ari.usage.reports.facts import budget_facts, key_facts

router = APIRouter(tags=["Caller"])


async def _describe_caller(context: RequestContext, services: Services) -> Response:
    key = context.key
    if key is not None:
        facts = key_facts(key, await services.lookup.totals(key.id), context.head.at_ms)
        described = {"type": "api_key", "key": facts, "budget_use": await _describe_budgets(context, key)}
        return json_response(described | await _describe_secret(context, key))
    signed_in = context.signed_in
    assert signed_in is not None
    account = signed_in.account
    return json_response({"type": "account", "account": {"id": account.id, "email": account.email}})


async def _describe_budgets(context: RequestContext, key: ApiKey) -> list[dict[str, Any]]:
    if not any(owner.rules.budgets for owner in key.spending_owners):
        return []
    records = context.deps.instance.usage_records
    return [budget_facts(one) for one in await run_in_thread(records.read_budgets, key.spending_owners)]


async def _describe_secret(context: RequestContext, key: ApiKey) -> dict[str, Any]:
    """Which secret of the key the caller used, and if it was replaced, when and until when it works."""
    used = key.secret
    if used is None or used.retires_at_ms is None:
        return {
            "secret_number": None if used is None else used.number,
            "secret_replaced_at": None,
            "secret_retires_at": None,
        }
    newer = [one for one in await context.deps.read(keys.get_secrets, key.id) if one.number > used.number]
    replaced_at_ms = min((one.created_at_ms for one in newer), default=None)
    return {
        "secret_number": used.number,
        "secret_replaced_at": to_optional_rfc3339(replaced_at_ms),
        "secret_retires_at": to_optional_rfc3339(used.retires_at_ms),
    }


@router.get(
    "/api/me", response_model=MeKeyOut | MeAccountOut, summary="Get current caller", responses=document_errors()
)
@policy(AuthMode.KEY_OR_SESSION, scope=None, fast=FastRoute(_describe_caller, reads_only=True))
def read_me() -> None:
    """Any active key or session can call this. Usage counts and times may be a few seconds old;
    `GET /api/keys/{key_id}` returns exact ones. After a rotation, a program learns here that its secret was
    replaced."""
