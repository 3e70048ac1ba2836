"""``/api/leaks``: report a leaked key, without a key of one's own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Protocol

import structlog
from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from ari import keys
from ari.accounts.attempt_counts import count_leak_report
from ari.accounts.networks import networks_around
from ari.accounts.ports import AccountTransaction
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.leak_shapes import GitHubAlertIn, GitHubLabelsOut, LeakIn, LeakReportedOut
from ari.api.responses import respond
from ari.api.validation import parse_body
from ari.base.caller import Caller
from ari.base.errors import Forbidden, NotFound, Unavailable
from ari.deps import Deps
from ari.http.body import check_large_json, read_body
from ari.http.context import RequestContext, context_of
from ari.http.responses import Response as FastResponse
from ari.http.responses import json_response
from ari.http.route_policy import MAX_BODY_BYTES, AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.keys import LeakAction, LeakReport
from ari.keys.github_alerts import is_signed
from ari.keys.ports import AlertKeys, ImportTransaction

router = APIRouter(prefix="/api/leaks", tags=["Leaks"])

MAX_SLOW_REPORTS = 10
_log = structlog.get_logger("ari.api")
MAX_ALERT_BYTES = 1024 * 1024
_ALERTS = TypeAdapter(list[GitHubAlertIn])
_UNSIGNED = "The signature is missing or not GitHub's."
_SIGNATURE_HEADERS = (b"github-public-key-identifier", b"github-public-key-signature")

RESPONSE_SECONDS = 0.25
"""When every response is sent, so its timing doesn't reveal whether the key exists."""


class _ReportTransaction(AccountTransaction, ImportTransaction, Protocol):
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
    revoke the key (`ARI_LEAK_ACTION`, or the leak action of the key's kind). The response is the same whether or not
    the key exists. Limited per IP address."""
    context = context_of(request)
    deps = Deps(context.instance, Caller("system", context.origin("api")))
    report = LeakReport(body.token, body.source, body.url)
    stranger = networks_around(context.client_address) if context.key is None else None
    action = context.instance.settings.leak_action
    async with request.app.state.leak_queue.take_turn(stranger, RESPONSE_SECONDS):
        await deps.do(_count_and_report, report, action)
        request.app.state.slow_reports.start(deps, report, action)
    return respond({"status": "received"}, 202)


async def _receive_github_alerts(context: RequestContext, services: Services) -> FastResponse:
    if context.instance.github_keys is None:
        raise NotFound("This instance doesn't receive alerts of GitHub.")
    await context.record.commit_before_handler()
    content = await _read_signed(context, services, context.instance.github_keys)
    alerts = parse_body(_ALERTS, await check_large_json(context.head, content))
    reports = [LeakReport(one.token, f"GitHub ({one.source})" if one.source else "GitHub", one.url) for one in alerts]
    deps = Deps(context.instance, Caller("system", context.origin("api")))
    known = await deps.do(keys.report_leaks, reports, context.instance.settings.leak_action)
    return json_response([_label(alert, bool(found)) for alert, found in zip(alerts, known, strict=True)])


async def _read_signed(context: RequestContext, services: Services, public_keys: AlertKeys) -> bytes:
    """The body that GitHub signed; nothing else is parsed.

    Raises ``Forbidden`` for any other, before it is read if the headers show that; ``Unavailable`` if that can't be
    checked now, or too many strangers send large bodies.
    """
    head = context.head
    key_id, signature = (head.text(name) for name in _SIGNATURE_HEADERS)
    public_key = await public_keys.find(key_id) if key_id and signature else None
    if public_key is None or not signature:
        raise Forbidden(_UNSIGNED)
    length = head.text(b"content-length") or ""
    if length.isascii() and length.isdigit() and int(length) <= MAX_BODY_BYTES:
        content = await read_body(head, context.receive)
    else:
        await services.large_bodies.take(networks_around(context.client_address))
        try:
            content = await read_body(head, context.receive, MAX_ALERT_BYTES)
        finally:
            services.large_bodies.give_back()
    if not is_signed(content, signature, public_key):
        raise Forbidden(_UNSIGNED)
    return content


@router.post(
    "/github",
    response_model=GitHubLabelsOut,
    summary="Receive GitHub alerts",
    responses=document_errors("not_found", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.OPEN, fast=FastRoute(_receive_github_alerts, streams=True))
def receive_github_alerts(body: list[GitHubAlertIn]) -> None:
    """For GitHub's secret scanning partner program: its signature is checked with the public keys at
    `ARI_GITHUB_KEYS_URL`. 404 unless that is set. Each key is treated as in a report of `POST /api/leaks`. The body can
    be up to 1 MiB."""


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


class SlowReports:
    """Reports whose text may be an imported key that is known by a salted hash only.

    Its check takes up to seconds, so it is made after the response. The time of a response never depends on the key.
    """

    def __init__(self, rehash: Callable[[bytes], Awaitable[bool]]) -> None:
        self._rehash = rehash
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, deps: Deps, report: LeakReport, action: LeakAction) -> None:
        """Check the report, unless too many are being checked."""
        if len(self._tasks) < MAX_SLOW_REPORTS:
            task = asyncio.create_task(self._check(deps, report, action))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def wait(self) -> None:
        """Wait for all reports that were started."""
        await asyncio.gather(*self._tasks)

    async def _check(self, deps: Deps, report: LeakReport, action: LeakAction) -> None:
        try:
            for word in await deps.read(keys.list_salted_words, report.token):
                if await self._rehash(word):
                    found = replace(report, token=word.decode("utf-8", "surrogatepass"))
                    await deps.do(keys.report_leak, found, action)
        except Unavailable as error:
            _log.warning("a report of a leaked key could not be checked", reason=str(error))
