"""``/api-docs``: the list of endpoints, and the bundled reference in which they can be tried."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.web.pages.api_docs.endpoints import Endpoints
from ari.web.pages.api_docs.urls import API_DOCS, GROUP
from ari.web.render import Pages
from ari.web.session_guard import redirect_ended_session


class ApiDocsPages:
    """The API docs, for the owner and for keys with ``api:read``."""

    def __init__(self, pages: Pages, endpoints: Endpoints) -> None:
        self._pages = pages
        self._endpoints = endpoints

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(API_DOCS, redirect_ended_session(self.show), methods=["GET"]),
            Route(GROUP, self.group, methods=["GET"]),
        ]

    @policy(AuthMode.KEY_OR_SESSION, scope="api:read", inline_styles=True)
    async def show(self, request: Request) -> Response:
        """Every endpoint; the reference, which is large, is loaded when one is opened."""
        groups = await self._endpoints.groups()
        by_session = context_of(request).signed_in is not None
        return self._pages.page(request, "pages/api_docs/page.html", groups=groups, by_session=by_session)

    @policy(AuthMode.SESSION)
    async def group(self, request: Request) -> Response:
        """The endpoints of one group, for the list on Settings > API. Raises ``NotFound``."""
        groups, number = await self._endpoints.groups(), request.path_params["number"]
        if number >= len(groups):
            raise NotFound("No such group.")
        return self._pages.page(request, "pages/api_docs/_endpoints.html", endpoints=groups[number].endpoints)
