"""The account menu: theme, keyboard shortcuts, signing out here or everywhere."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import sessions
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.cookies import SHORTCUTS_COOKIE, THEME_COOKIE, THEMES
from ari.http.route_policy import AuthMode, policy
from ari.web.cookies import forget_session
from ari.web.forms import form_from
from ari.web.navigation import Toast
from ari.web.pages.account.urls import (
    PREFERENCES,
    SIGN_OUT,
    SIGN_OUT_EVERYWHERE,
    SIGNED_OUT,
    SIGNED_OUT_EVERYWHERE,
)
from ari.web.pages.sign_in.urls import SIGN_IN
from ari.web.render import Pages

_YEAR_SECONDS = 365 * 24 * 3600


class AccountPages:
    """The actions of the menu."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(PREFERENCES, self.save_preferences, methods=["POST"]),
            Route(SIGN_OUT, self.sign_out, methods=["POST"]),
            Route(SIGN_OUT_EVERYWHERE, self.ask, methods=["GET"]),
            Route(SIGN_OUT_EVERYWHERE, self.sign_out_everywhere, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def save_preferences(self, request: Request) -> Response:
        """Save the theme or the shortcuts in a cookie, which scripts also read and set."""
        form = form_from(form_of(request), "theme", "shortcuts", "next")
        response = self._pages.go(request, self._pages.return_url(form.value("next")))
        for name, value, known in (
            (THEME_COOKIE, form.value("theme"), THEMES),
            (SHORTCUTS_COOKIE, form.value("shortcuts"), ("on", "off")),
        ):
            if value in known:
                secure = self._instance.settings.secure
                response.set_cookie(name, value, _YEAR_SECONDS, samesite="lax", secure=secure)
        return response

    @policy(AuthMode.SESSION)
    async def sign_out(self, request: Request) -> Response:
        """End this session."""
        await deps_of(request).do(sessions.end)
        return self._redirect_signed_out(request, SIGNED_OUT)

    @policy(AuthMode.SESSION)
    async def ask(self, request: Request) -> Response:
        """Ask before ending every session."""
        return self._pages.page(request, "pages/account/sign_out_everywhere.html")

    @policy(AuthMode.SESSION)
    async def sign_out_everywhere(self, request: Request) -> Response:
        """End every session of the account."""
        await deps_of(request).do(sessions.end_all)
        return self._redirect_signed_out(request, SIGNED_OUT_EVERYWHERE)

    def _redirect_signed_out(self, request: Request, toast: Toast) -> Response:
        response = self._pages.go(request, SIGN_IN, toast)
        forget_session(response, self._instance.settings)
        return response
