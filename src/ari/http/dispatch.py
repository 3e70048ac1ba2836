"""Run the route that was authorized. No other router chooses, so no second route table can disagree (rule 1)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from ari.http.body import ClientGone, read_json
from ari.http.context import Message, Receive, RequestContext, Send, attach
from ari.http.fault_response import fault_response
from ari.http.head_method import head_only
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.http.route_table import NO_ROUTE, MatchedRoute
from ari.http.services import Services
from ari.keys.reasons import REQUEST_ERRORS

_AUTHORIZED = "ari.authorized"
_log = structlog.get_logger("ari.http")

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Report = Callable[[], Awaitable[None]]
"""Writes the event ``unauthorized_route``."""


async def run_handler(app: App, scope: Scope, context: RequestContext, services: Services) -> Response | None:
    """The response of the authorized route; ``None`` once it has been sent. Raises ``ClientGone``.

    Unless the route only reads, the row of an unsafe request is committed before its handler acts. If it consumes from
    limits, it is committed first in any case: safe requests are refused in place of their response.
    """
    head, route = context.head, context.route
    if route.allow:
        headers = [(b"allow", ", ".join(route.allow).encode())]
        return fault_response(context, services, Fault(REQUEST_ERRORS["method_not_allowed"], headers=headers))
    if route is NO_ROUTE:
        return fault_response(context, services, Fault(REQUEST_ERRORS["not_found"]))
    fast = route.policy.fast
    if not head.is_safe and not (fast is not None and fast.streams):
        if fast is None or not fast.reads_only or context.record.is_charged:
            await context.record.commit_before_handler()
        if context.form is None:
            await read_json(context)
    if fast is not None:
        return await fast.handler(context, services)
    attach(scope, context)
    authorize(scope, route)
    is_gone = False

    async def receive() -> Message:
        nonlocal is_gone
        message = await context.receive()
        is_gone = is_gone or message["type"] == "http.disconnect"
        return message

    await app(scope, receive, head_only(context.send) if head.method == "HEAD" else context.send)
    if is_gone and not context.started:
        raise ClientGone
    return None


def authorize(scope: Scope, route: MatchedRoute) -> None:
    """Let this route, and only it, run for the request of ``scope``. Raises ``ValueError`` if the path is another's."""
    scope["path_params"] = route.path_params(scope["path"])
    scope[_AUTHORIZED] = route


class Dispatcher:
    """An ASGI app in place of the framework's router: the authorized endpoint, or 404 and an event.

    ``router`` runs only the lifespan. A request that was not authorized can only come from a defect in ARI.
    """

    def __init__(self, router: App, report: Report) -> None:
        self._router = router
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._router(scope, receive, send)
            return
        authorized: MatchedRoute | None = scope.pop(_AUTHORIZED, None)
        route = None if authorized is None else authorized.route
        if route is None:
            _log.error("a request reached the endpoints without being authorized")
            await self._report()
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        scope["route"], scope["endpoint"] = route, route.endpoint
        await route.app(scope, receive, send)
