"""The account menu: theme and shortcuts, signing out here or everywhere."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import sessions
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.cookies import SHORTCUTS_COOKIE, THEME_COOKIE, THEMES
from ari.http.route_policy import AuthMode, policy
from ari.web import places
from ari.web.cookies import forget_session
from ari.web.forms import form_from
from ari.web.render import Pages

_YEAR_SECONDS = 365 * 24 * 3600


class AccountPages:
    """What the menu's buttons do."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route("/preferences", self.prefer, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/sign-out-everywhere", self.ask, methods=["GET"]),
            Route("/sign-out-everywhere", self.sign_out_everywhere, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def prefer(self, request: Request) -> Response:
        """Keep the theme or the shortcuts in a cookie; scripts read and set the same ones."""
        form = form_from(form_of(request), "theme", "shortcuts", "next")
        answer = self._pages.go(request, places.known_place(form.value("next")))
        for name, value, known in (
            (THEME_COOKIE, form.value("theme"), THEMES),
            (SHORTCUTS_COOKIE, form.value("shortcuts"), ("on", "off")),
        ):
            if value in known:
                secure = self._instance.settings.secure
                answer.set_cookie(name, value, _YEAR_SECONDS, samesite="lax", secure=secure)
        return answer

    @policy(AuthMode.SESSION)
    async def sign_out(self, request: Request) -> Response:
        """End this session."""
        await deps_of(request).do(sessions.end)
        return self._out(request, "signed-out")

    @policy(AuthMode.SESSION)
    async def ask(self, request: Request) -> Response:
        """Asks before ending every session."""
        return self._pages.page(request, "pages/account/sign_out_everywhere.html")

    @policy(AuthMode.SESSION)
    async def sign_out_everywhere(self, request: Request) -> Response:
        """End every session of the account."""
        await deps_of(request).do(sessions.end_all)
        return self._out(request, "signed-out-everywhere")

    def _out(self, request: Request, done: str) -> Response:
        answer = self._pages.go(request, places.SIGN_IN, done)
        forget_session(answer, self._instance.settings)
        return answer
