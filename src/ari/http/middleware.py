"""The door: plain ASGI around the whole app. Every request passes here, and its table is the only router.

The rules are those of ``docs/explain/security.md``; ``exchange.py`` follows one request through them.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import HOUR_MS
from ari.base.errors import AriError
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.http.edge_checks import EdgeChecks
from ari.http.expiry_stamper import ExpiryStamper
from ari.http.head_cache import HeadCache
from ari.http.request_handler import RequestHandler
from ari.http.responses import ErrorPage
from ari.http.route_table import RouteTable
from ari.http.security_headers import SecurityHeaders
from ari.instance import Instance
from ari.keys import manage
from ari.keys.model import ApiKey
from ari.storage.lookups.keys import HotFinder

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_MAX_REMEMBERED = 1_000


class Middleware:
    """Wraps an ASGI app; decides who calls and what they may, and logs what keys did."""

    def __init__(self, app: App, instance: Instance, routes: Iterable[Any], error_page: ErrorPage) -> None:
        self.app = app
        self.instance = instance
        self.settings = instance.settings
        self.table = RouteTable(routes)
        self.gate = EdgeChecks(instance.settings)
        self.heads = HeadCache()
        self.error_page = error_page
        self.answer_headers = SecurityHeaders(instance.settings)
        self.finder: HotFinder
        self._stamping = ExpiryStamper(instance.astamp_expired)
        self._exposed: dict[str, int] = {}
        self._unauthorized_at_ms = -HOUR_MS

    async def start(self) -> None:
        """Open what the hot path needs."""
        self.finder = self.instance.finder = await self.instance.database.open_finder()
        await self.instance.usage.start()

    async def stop(self) -> None:
        """Write what is still buffered and close."""
        await self.instance.usage.stop()
        await self.finder.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await RequestHandler(self, scope, receive, send).run()
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            raise RuntimeError(f"ARI serves no {scope['type']} connections")

    async def stamp_expired(self, seen_at_ms: int) -> None:
        """Stamp what is seen expired, so that a clock set back revives nothing; failing that, the refusal stands."""
        await self._stamping.stamped(seen_at_ms)

    async def report_unauthorized(self) -> None:
        """Write the event ``unauthorized_route``, at most once an hour in each process."""
        now_ms = self.instance.now_ms()
        if now_ms - self._unauthorized_at_ms < HOUR_MS:
            return
        self._unauthorized_at_ms = now_ms
        event = Event(new_id("evt", now_ms), now_ms, "unauthorized_route", SYSTEM.actor, None, SYSTEM.origin)
        await self.instance.acommand(SYSTEM, lambda unit, _: unit.events.append_bounded(event))

    async def report_exposed(self, key: ApiKey, origin: Origin) -> None:
        """Write the event ``key_exposed``, at most once an hour for each key."""
        now_ms = self.instance.now_ms()
        if now_ms - self._exposed.get(key.id, -HOUR_MS) < HOUR_MS:
            return
        if len(self._exposed) >= _MAX_REMEMBERED:
            self._exposed.clear()
        self._exposed[key.id] = now_ms
        caller = Caller("system", origin)
        try:
            await self.instance.acommand(caller, lambda unit, by: manage.expose(unit, by, now_ms, key))
        except AriError:
            self._exposed.pop(key.id, None)  # the next request writes it
            raise
