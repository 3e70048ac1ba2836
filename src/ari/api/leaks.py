"""``/api/leaks``: report a leaked key, without a key of one's own."""

from typing import Protocol

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari import keys
from ari.accounts.attempt_counts import count_leak_report
from ari.accounts.networks import networks_around
from ari.accounts.ports import AccountTransaction
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.leak_shapes import LeakIn, LeakReportedOut
from ari.api.responses import respond
from ari.base.caller import Caller
from ari.deps import Deps
from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import LeakAction, LeakReport
from ari.keys.ports import KeyTransaction

router = APIRouter(prefix="/api/leaks", tags=["Leaks"])

RESPONSE_SECONDS = 0.25
"""When every response is sent, so its timing doesn't reveal whether the key exists."""


class _ReportTransaction(AccountTransaction, KeyTransaction, Protocol):
    pass


@router.post(
    "",
    status_code=202,
    response_model=LeakReportedOut,
    summary="Report a leaked key",
    responses=document_errors("rate_limited", *BODY_ERRORS),
)
@policy(AuthMode.OPEN)
async def report_leak(body: LeakIn, request: Request) -> Response:
    """Anyone can report a key that they found; no API key is required. ARI notifies the owner and may disable or
    revoke the key (`ARI_LEAK_ACTION`). The response is the same whether or not the key exists. Limited per IP
    address."""
    context = context_of(request)
    deps = Deps(context.instance, Caller("system", context.origin("api")))
    report = LeakReport(body.token, body.source, body.url)
    stranger = networks_around(context.client_address) if context.key is None else None
    async with request.app.state.leak_queue.take_turn(stranger, RESPONSE_SECONDS):
        await deps.do(_count_and_report, report, context.instance.settings.leak_action)
    return respond({"status": "received"}, 202)


def _count_and_report(tx: _ReportTransaction, report: LeakReport, action: LeakAction) -> None:
    """Write and commit something in any case, so that the time of a commit says nothing about the key."""
    count_leak_report(tx)
    keys.report_leak(tx, report, action)
