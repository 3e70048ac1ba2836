"""``/errors`` lists all codes; ``/errors/{code}`` is the page that a problem's ``type`` names (RFC 9457 §3.1.1)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.http.problem import DOCS_PATH
from ari.http.route_policy import AuthMode, policy
from ari.keys.reasons import REASONS, REQUEST_ERRORS
from ari.web.pages.error_code.caller_advice import ADVICE
from ari.web.render import Pages


class ErrorCodePages:
    """Explains each error code."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(DOCS_PATH, self.show_all, methods=["GET"]),
            Route(f"{DOCS_PATH}/{{code}}", self.show, methods=["GET"]),
        ]

    @policy(AuthMode.OPEN)
    async def show_all(self, request: Request) -> Response:
        """Every code with its status and sentence."""
        groups = {"Refused API keys": REASONS, "Refused requests": REQUEST_ERRORS}
        return self._pages.page(request, "pages/error_code/list.html", groups=groups, base=DOCS_PATH)

    @policy(AuthMode.OPEN)
    async def show(self, request: Request) -> Response:
        """One code. Raises ``NotFound`` for an unknown one."""
        reason = (REASONS | REQUEST_ERRORS).get(request.path_params["code"])
        if reason is None:
            raise NotFound
        advice = ADVICE.get(reason.code)
        return self._pages.page(request, "pages/error_code/page.html", reason=reason, advice=advice, base=DOCS_PATH)
