"""Sign in with an email address and a password."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import setup, sign_in
from ari.accounts.networks import networks_around
from ari.accounts.password import CROWDED
from ari.accounts.sign_in import HalfSignedIn, NewSession
from ari.base.errors import RateLimited, Unavailable
from ari.http.body import form_of
from ari.http.context import context_of, visitor_deps_of
from ari.http.cookies import device_cookie_name, read_cookie, session_cookie_name
from ari.http.route_policy import AuthMode, policy
from ari.web.cookies import keep_half, keep_session
from ari.web.forms import Form, form_from
from ari.web.pages.setup.urls import SETUP
from ari.web.pages.sign_in import urls
from ari.web.pages.sign_in.urls import SIGN_IN
from ari.web.render import Pages

WRONG = "Incorrect email or password."


class SignInPages:
    """``/sign-in``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._has_owner = False

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(SIGN_IN, self.show, methods=["GET"]),
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
        ]

    @policy(AuthMode.VISITOR)
    async def show(self, request: Request) -> Response:
        """The form. Redirects to the setup while there is no owner, and signed-in users to the page they want."""
        wanted = self._pages.return_url(request.query_params.get("next"))
        if context_of(request).signed_in is not None:
            return self._pages.go(request, wanted)
        self._has_owner = self._has_owner or await visitor_deps_of(request).read(
            setup.has_owner
        )  # an owner is never removed
        if not self._has_owner:
            return self._pages.go(request, SETUP)
        return self._form(request, Form({"next": wanted}))

    @policy(AuthMode.VISITOR)
    async def sign_in(self, request: Request) -> Response:
        """Check the password within the limits and start a session."""
        form = form_from(form_of(request), "email", "password", "next")
        email = form.value("email")
        # Without an @ it may be the password, typed one field too early: not shown again.
        shown = Form({"email": email if "@" in email else "", "next": form.value("next")})
        try:
            session = await self._check(request, form.value("email"), form.value("password"))
        except RateLimited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self._form(request, shown.with_problem("form", str(error)), 429, wait)
        if session is None:
            return self._form(request, shown.with_problem("form", WRONG), 422)
        wanted = self._pages.return_url(form.value("next"))
        if isinstance(session, HalfSignedIn):
            response = self._pages.go(request, urls.code(wanted))
            keep_half(response, self._instance.settings, session.token)
            return response
        response = self._pages.go(request, wanted)
        keep_session(response, self._instance.settings, session.token, session.device_token)
        return response

    async def _check(self, request: Request, email: str, password: str) -> NewSession | HalfSignedIn | None:
        settings, deps = self._instance.settings, visitor_deps_of(request)
        cookies = request.headers.getlist("cookie")
        device = read_cookie(cookies, device_cookie_name(settings))
        replaced = read_cookie(cookies, session_cookie_name(settings))
        has_room = self._instance.passwords.has_room(networks_around(deps.caller.origin.client_address))
        if not has_room and not await deps.read(sign_in.is_known, email, device):
            # Refuse before writing anything, so a flood of attempts costs the database nothing.
            raise Unavailable(CROWDED, retry_after_seconds=1)
        attempt = await deps.do(sign_in.begin, email, device)
        try:
            verdict = await self._instance.passwords.verify(attempt.password_hash, password, attempt.stranger)
        except Unavailable:
            await deps.do(sign_in.withdraw, attempt)
            raise
        return await deps.do(sign_in.finish, attempt, verdict, replaced)

    def _form(self, request: Request, form: Form, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        wanted = self._pages.return_url(form.value("next"))
        return self._pages.page(
            request, "pages/sign_in/page.html", status=status, headers=headers, form=form, next=wanted
        )
