"""``/metrics``, for Prometheus and others: with a key here, and without one on an address of its own."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ari.api.metrics_text import MetricsText
from ari.base.settings import Settings
from ari.http.client_address import parse_address, within
from ari.http.route_policy import AuthMode, policy

PATH = "/metrics"
router = APIRouter()

_Messages = Callable[..., Awaitable[Any]]


@router.get(PATH, include_in_schema=False)
@policy(AuthMode.KEY, scope="metrics:read")
async def read_metrics(request: Request) -> Response:
    """The metrics of this instance."""
    text: MetricsText = request.app.state.metrics
    return await _respond(text, request.headers.get("accept", ""))


class MetricsApp:
    """An ASGI app that serves nothing but ``/metrics``, to each client in ``ARI_ALLOWED_IPS``, without a key."""

    def __init__(self, text: MetricsText, settings: Settings) -> None:
        self._text = text
        self._allowed = settings.allowed_ips

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Messages, send: _Messages) -> None:
        """Respond to a request."""
        request = Request(scope, receive)
        if scope["type"] != "http":
            return
        await (await self._find_response(request))(scope, receive, send)

    async def _find_response(self, request: Request) -> Response:
        peer = parse_address(request.client.host) if request.client else None
        if self._allowed and (peer is None or not within(peer, self._allowed)):
            return Response("This IP address isn't allowed.\n", 403, media_type="text/plain")
        if request.url.path != PATH:
            return Response("Only /metrics is here.\n", 404, media_type="text/plain")
        if request.method not in ("GET", "HEAD"):
            return Response("Use GET.\n", 405, {"allow": "GET, HEAD"}, media_type="text/plain")
        response = await _respond(self._text, request.headers.get("accept", ""))
        return Response(b"", headers=dict(response.headers)) if request.method == "HEAD" else response


async def _respond(text: MetricsText, accept: str) -> Response:
    body, media_type = await text.render(accept)
    return Response(body, headers={"content-type": media_type, "cache-control": "no-store"})
