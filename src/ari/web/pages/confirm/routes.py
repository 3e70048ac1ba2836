"""``/confirm``: gives the password again before something that was only opened, or for calls of the API."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.body import form_of
from ari.http.route_policy import AuthMode, policy
from ari.web.forms import form_from
from ari.web.pages.confirm.urls import CONFIRM
from ari.web.render import Pages


class ConfirmPages:
    """Being marked sensitive is all they need: who is let through has confirmed."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(CONFIRM, self.show, methods=["GET"]),
            Route(CONFIRM, self.go_on, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def show(self, request: Request) -> Response:
        """Asks, unless the password was given of late; then goes on."""
        return self._on(self._pages.return_url(request.query_params.get("next")))

    @policy(AuthMode.SESSION, sensitive=True)
    async def go_on(self, request: Request) -> Response:
        """Goes on to the page that was wanted; in a dialog, within it."""
        return self._on(self._pages.return_url(form_from(form_of(request), "next").value("next")))

    def _on(self, place: str) -> Response:
        # A plain redirect also for htmx: the browser follows it, and the dialog gets what was wanted.
        return Response(status_code=303, headers={"location": place})
