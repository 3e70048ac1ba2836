"""``/api-docs``: what the API can do, to read and to try."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.access import docs_page
from ari.http.call import call_of
from ari.web.answering import signed_in
from ari.web.endpoints import Endpoints
from ari.web.places import API_DOCS
from ari.web.render import Pages


class ApiDocsPages:
    """The reference, for the owner and for whoever holds a key that may read it."""

    def __init__(self, pages: Pages, endpoints: Endpoints) -> None:
        self._pages = pages
        self._endpoints = endpoints

    def routes(self) -> list[BaseRoute]:
        """The address."""
        return [Route(API_DOCS, signed_in(self.show), methods=["GET"])]

    @docs_page
    async def show(self, request: Request) -> Response:
        """The page; its script reads the description itself. Without scripting it lists the endpoints."""
        groups = await self._endpoints.groups()
        by_session = call_of(request).signed_in is not None
        return self._pages.page(request, "pages/api_docs/page.html", groups=groups, by_session=by_session)
