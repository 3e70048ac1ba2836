"""Remove the scopes that a key has not used in 90 days, as far as the log proves it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, list_route_scopes, policy
from ari.keys import KeyChange
from ari.keys.model import ApiKey
from ari.usage.scope_use import GAPS, ScopeUse, find_unused_scopes, read_history, read_used_routes
from ari.web.forms import form_from
from ari.web.pages.key import urls
from ari.web.pages.key.urls import KEY, NARROWED, NOT_NARROWED
from ari.web.render import Pages


class UnusedScopesPages:
    """``/settings/keys/{id}/unused-scopes``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        url = f"{KEY}/unused-scopes"
        return [Route(url, self.show, methods=["GET"]), Route(url, self.remove, methods=["POST"])]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The scopes that the key can do without, or why the log proves nothing."""
        key, use = await self._find(request)
        gap = None if use.gap is None else GAPS[use.gap]
        return self._pages.page(request, "pages/key/unused_scopes.html", key=key, use=use, gap=gap)

    @policy(AuthMode.SESSION)
    async def remove(self, request: Request) -> Response:
        """Keep the shown scopes, if the log still proves that the key needs no others."""
        shown = tuple(form_from(form_of(request), "kept").value("kept").split())
        key, use = await self._find(request)
        back = urls.page(key.id)
        if not use.unused or use.kept != shown:
            return self._pages.go(request, back, NOT_NARROWED)
        await deps_of(request).do(keys.change, key.id, KeyChange(scopes=use.kept))
        return self._pages.go(request, back, NARROWED)

    async def _find(self, request: Request) -> tuple[ApiKey, ScopeUse]:
        deps, now_ms = deps_of(request), self._instance.now_ms()
        key_id: str = request.path_params["key_id"]
        history = await deps.read(read_history, key_id, self._instance.settings.event_retention_days)
        routes = await deps.report(read_used_routes, key_id, now_ms)
        return history.key, find_unused_scopes(history, routes, list_route_scopes(request.app.routes), now_ms)
