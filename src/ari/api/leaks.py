"""``/api/leaks``: report a leaked key, without a key of one's own."""

from hashlib import sha256
from typing import Protocol

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari import keys
from ari.accounts.attempt_counts import count_leak_report
from ari.accounts.networks import networks_around
from ari.accounts.ports import AccountTransaction
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.leak_shapes import GitHubAlertIn, GitHubLabelsOut, LeakIn, LeakReportedOut
from ari.api.responses import respond
from ari.base.caller import Caller
from ari.base.errors import Forbidden, NotFound
from ari.deps import Deps
from ari.http.context import RequestContext, context_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import LeakAction, LeakReport
from ari.keys.github_alerts import is_signed
from ari.keys.ports import AlertKeys, KeyTransaction

router = APIRouter(prefix="/api/leaks", tags=["Leaks"])

_SIGNATURE_HEADERS = (b"github-public-key-identifier", b"github-public-key-signature")

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


@router.post(
    "/github",
    response_model=GitHubLabelsOut,
    summary="Receive GitHub alerts",
    responses=document_errors("not_found", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.OPEN)
async def receive_github_alerts(body: list[GitHubAlertIn], request: Request) -> Response:
    """For GitHub's secret scanning partner program: its signature is checked with the public keys at
    `ARI_GITHUB_KEYS_URL`. 404 unless that is set. Each key is treated as in a report of `POST /api/leaks`."""
    context = context_of(request)
    if context.instance.github_keys is None:
        raise NotFound("This instance doesn't receive alerts of GitHub.")
    await _require_signature(context, context.instance.github_keys, await request.body())
    reports = [LeakReport(one.token, f"GitHub ({one.source})" if one.source else "GitHub", one.url) for one in body]
    deps = Deps(context.instance, Caller("system", context.origin("api")))
    known = await deps.do(keys.report_leaks, reports, context.instance.settings.leak_action)
    return respond([_label(alert, is_key) for alert, is_key in zip(body, known, strict=True)])


async def _require_signature(context: RequestContext, public_keys: AlertKeys, body: bytes) -> None:
    """Raise ``Forbidden`` unless GitHub signed these bytes, ``Unavailable`` if that can't be checked now."""
    key_id, signature = (context.head.text(name) for name in _SIGNATURE_HEADERS)
    public_key = await public_keys.find(key_id) if key_id and signature else None
    if public_key is None or not signature or not is_signed(body, signature, public_key):
        raise Forbidden("The signature is missing or not GitHub's.")


def _label(alert: GitHubAlertIn, is_key: bool) -> dict[str, str]:
    """GitHub's feedback format. The token itself is not repeated."""
    return {
        "token_hash": sha256(alert.token.encode()).hexdigest(),
        "token_type": alert.type,
        "label": "true_positive" if is_key else "false_positive",
    }


def _count_and_report(tx: _ReportTransaction, report: LeakReport, action: LeakAction) -> None:
    """Write and commit something in any case, so that the time of a commit says nothing about the key."""
    count_leak_report(tx)
    keys.report_leak(tx, report, action)
