"""``/api-docs``: what the API can do, to read and to try."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.web.answering import signed_in
from ari.web.endpoints import Endpoints
from ari.web.operations import pieces
from ari.web.places import API_DOCS
from ari.web.render import Pages


class ApiDocsPages:
    """The docs, for the owner and for whoever holds a key that may read them."""

    def __init__(self, pages: Pages, endpoints: Endpoints) -> None:
        self._pages = pages
        self._endpoints = endpoints

    def routes(self) -> list[BaseRoute]:
        """The address."""
        return [Route(API_DOCS, signed_in(self.show), methods=["GET"])]

    @policy(AuthMode.KEY_OR_SESSION, scope="api:read", inline_styles=True)
    async def show(self, request: Request) -> Response:
        """Every operation, to read at once; the reference, which is large, is loaded when one is opened in it."""
        docs = await self._endpoints.docs()
        by_session = context_of(request).signed_in is not None
        return self._pages.page(request, "pages/api_docs/page.html", docs=docs, pieces=pieces, by_session=by_session)
