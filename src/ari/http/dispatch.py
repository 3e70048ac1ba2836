"""Runs the route that the guard authorized. No other router chooses, so no second route table can disagree (rule 1)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from ari.http.route_table import MatchedRoute

_AUTHORIZED = "ari.authorized"
_log = structlog.get_logger("ari.http")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Report = Callable[[], Awaitable[None]]
"""Writes the event ``unauthorized_route``."""


def authorize(scope: Scope, matched: MatchedRoute) -> None:
    """Let this route, and only it, run for the request of ``scope``. Raises ``ValueError`` if the path is another's."""
    scope["path_params"] = matched.path_params(scope["path"])
    scope[_AUTHORIZED] = matched


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
        matched: MatchedRoute | None = scope.pop(_AUTHORIZED, None)
        route = None if matched is None else matched.route
        if route is None:
            _log.error("a request reached the endpoints without being authorized")
            await self._report()
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        scope["route"], scope["endpoint"] = route, route.endpoint
        await route.app(scope, receive, send)
