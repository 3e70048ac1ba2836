"""``/confirm``: asks for the password again before a page that was opened by link, and for calls of the API."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.body import form_of
from ari.http.route_policy import AuthMode, policy
from ari.web.forms import form_from
from ari.web.pages.confirm.urls import CONFIRM
from ari.web.render import Pages


class ConfirmPages:
    """These routes are sensitive, so a request that reaches them has confirmed its password."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(CONFIRM, self.show, methods=["GET"]),
            Route(CONFIRM, self.confirm, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def show(self, request: Request) -> Response:
        """Redirect to the requested page; the password was confirmed recently or just now."""
        return _redirect(self._pages.return_url(request.query_params.get("next")))

    @policy(AuthMode.SESSION, sensitive=True)
    async def confirm(self, request: Request) -> Response:
        """Redirect to the requested page, within the dialog if there is one."""
        return _redirect(self._pages.return_url(form_from(form_of(request), "next").value("next")))


def _redirect(url: str) -> Response:
    # A plain redirect for htmx too: the browser follows it, and the dialog shows the page.
    return Response(status_code=303, headers={"location": url})
