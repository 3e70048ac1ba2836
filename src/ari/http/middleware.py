"""The ASGI entry of every request. Its route table is the only router (``docs/explain/security.md``, rule 1)."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from ari import keys
from ari.accounts.work_queue import WorkQueue
from ari.deps import Deps
from ari.http.context import Receive, Send
from ari.http.dispatch import App, Scope
from ari.http.edge_checks import EdgeChecks
from ari.http.expiry_stamper import ExpiryStamper
from ari.http.request_handler import RequestHandler
from ari.http.route_table import RouteTable
from ari.http.secret_rehasher import SecretRehasher
from ari.http.security_events import SecurityEvents
from ari.http.security_headers import SecurityHeaders
from ari.http.services import ErrorPage, Services
from ari.http.slow_requests import SlowRequests
from ari.http.traced_requests import TracedRequestHandler
from ari.instance import Instance
from ari.usage.route_names import RouteNames

MAX_LARGE_BODIES = 4
"""Large bodies that strangers send at once, and strangers that wait to send one."""


class Middleware:
    """Wraps an ASGI app: authenticates, authorizes and logs each request before the app runs it.

    Serves between ``start`` and ``stop``, on one event loop.
    """

    def __init__(self, app: App, instance: Instance, routes: Iterable[Any], error_page: ErrorPage) -> None:
        self.app = app
        self.table = RouteTable(routes)
        self.error_page = error_page
        self.events = SecurityEvents(instance)
        self.services: Services
        self._instance = instance
        self._handler: RequestHandler | None = None

    async def start(self) -> None:
        """Open the connections of the hot path."""
        instance = self._instance
        instance.readiness.lookup = lookup = await instance.open_lookup()
        await instance.usage.start()
        self.services = Services(
            settings=instance.settings,
            clock=instance.clock,
            lookup=lookup,
            recorder=instance.usage,
            expiry_stamper=ExpiryStamper(partial(Deps(instance).do, keys.stamp_expired)),
            rehasher=SecretRehasher(Deps(instance)),
            edge_checks=EdgeChecks(instance.settings),
            security_headers=SecurityHeaders(instance.settings),
            events=self.events,
            route_names=RouteNames(instance.settings.forward_auth_routes),
            large_bodies=WorkQueue(MAX_LARGE_BODIES, MAX_LARGE_BODIES),
            slow_requests=SlowRequests(instance.settings.slow_request_ms),
            error_page=self.error_page,
        )
        parts = self.app, self.table, instance, self.services
        tracer = instance.tracer
        self._handler = RequestHandler(*parts) if tracer is None else TracedRequestHandler(*parts, tracer)

    def list_requests(self) -> list[tuple[str, str, str, float]]:
        """The requests in progress: method, route, ID, and their age in seconds. May be called in any thread."""
        return [] if self._handler is None else self._handler.list_running()

    async def rehash(self, text: bytes) -> bool:
        """As ``SecretRehasher`` does. Raises ``Unavailable``."""
        return await self.services.rehasher.rehash(text)

    async def stop(self) -> None:
        """Write what is still buffered and close."""
        self.services.slow_requests.end_window()
        await self._instance.usage.stop()
        self.services.rehasher.close()
        await self.services.lookup.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            assert self._handler is not None, "it was started"
            await self._handler.handle(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            raise RuntimeError(f"ARI serves no {scope['type']} connections")
