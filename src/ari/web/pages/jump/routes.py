"""``/settings/jump``: a list of pages, keys and consumers that narrows with a text, which Ctrl+K opens."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.web.pages.jump.destinations import find_destinations
from ari.web.pages.jump.urls import JUMP
from ari.web.render import Pages

_TEXT_LENGTH = 100


class JumpPages:
    """The list, as a page and in the dialog."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The address."""
        return [Route(JUMP, self.show, methods=["GET"])]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """What fits the text."""
        text = "".join(letter for letter in request.query_params.get("q", "") if letter.isprintable())
        text = text.strip()[:_TEXT_LENGTH]
        found = await deps_of(request).read(find_destinations, text)
        return self._pages.page(request, "pages/jump/page.html", found=found, text=text)
