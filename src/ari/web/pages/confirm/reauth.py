"""Sensitive actions ask for the password again, then continue (security.md 29).

A command raises ``ReauthRequired``, or an endpoint is marked ``sensitive``. Instead of an error the page asks, in the
dialog where the form stood in one; its form holds the fields that were sent and posts them, with the password, to the
same address. A page that was only opened is opened again.
"""

from dataclasses import replace
from functools import wraps
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import second_step, sign_in
from ari.base.errors import RateLimited, ReauthRequired, Unavailable
from ari.deps import Deps
from ari.http.body import form_of
from ari.http.context import context_of, deps_of, session_of
from ari.http.cookies import device_cookie_name, read_cookie
from ari.http.route_policy import AuthMode, policy_of
from ari.web.forms import Form
from ari.web.pages.confirm.urls import CONFIRM
from ari.web.pages.settings_api.urls import HOME
from ari.web.render import Pages
from ari.web.session_guard import PageEndpoint, redirect_ended_session

FIELD = "confirm_password"
PROVIDER_KEY = "provider_key"
WEBHOOK_URL = "webhook_url"
"""Fields of secrets: they are never carried through the question, which would show them (security.md 31)."""
_NOT_CARRIED = ("csrf", FIELD, PROVIDER_KEY, WEBHOOK_URL)
WRONG = "Incorrect password."
_DIALOG = "dialog-body"


class ReauthGuard:
    """Asks for the password before every sensitive page or command."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._asker = Reauth(pages)

    def route(self, route: BaseRoute) -> BaseRoute:
        """The same route; a page for a session can ask for the password."""
        if not isinstance(route, Route) or policy_of(route.endpoint).auth is not AuthMode.SESSION:
            return route
        return Route(route.path, self._around(route.endpoint), methods=list(route.methods or ()))

    def _around(self, endpoint: PageEndpoint) -> PageEndpoint:
        is_sensitive = policy_of(endpoint).sensitive

        @wraps(endpoint)
        async def respond(request: Request) -> Response:
            given = form_of(request).pop(FIELD, None)
            if given is not None:
                refusal = await self._asker.check(request, given[0])
                if refusal is not None:
                    return refusal
            try:
                if is_sensitive:
                    self._asker.require(request)
                return await endpoint(request)
            except ReauthRequired:
                return self._asker.ask(request, Form(), 403)

        return redirect_ended_session(respond)


class Reauth:
    """Asks for the password, and checks it within the limits of the sign-in."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def require(self, request: Request) -> None:
        """Raise ``ReauthRequired`` unless the session confirmed its password recently."""
        deps_of(request).caller.require_confirmed(self._instance.now_ms())

    async def check(self, request: Request, password: str) -> Response | None:
        """``None`` for the right password, else the question again."""
        try:
            right = await self.prove(request, password)
        except RateLimited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self.ask(request, Form(problems={FIELD: str(error)}), 429, wait)
        return None if right else self.ask(request, Form(problems={FIELD: WRONG}), 422)

    async def prove(self, request: Request, password: str) -> bool:
        """Check the password; a right one confirms the session. Raises ``RateLimited``, ``CallerRevoked``."""
        call, deps, instance = context_of(request), deps_of(request), self._instance
        present = session_of(request)
        device = read_cookie(request.headers.getlist("cookie"), device_cookie_name(instance.settings))
        attempt = await deps.do(sign_in.begin, present.account.email, device)
        try:
            verdict = await instance.passwords.verify(attempt.password_hash, password)
        except Unavailable:
            await Deps(instance).do(sign_in.withdraw, attempt)
            raise
        done_ms = instance.now_ms()
        right = await deps.do(second_step.confirm, attempt, verdict)
        if right:
            call.signed_in = replace(present, session=replace(present.session, confirmed_at_ms=done_ms))
        return right

    def ask(self, request: Request, form: Form, status: int, headers: dict[str, str] | None = None) -> Response:
        """The question in place of the response."""
        place = request.url.path
        in_place = "hx-request" in request.headers and request.headers.get("hx-target") != _DIALOG
        if in_place and request.method == "POST":
            headers = {**(headers or {}), "hx-retarget": f"#{_DIALOG}", "hx-reswap": "innerHTML"}
        elif in_place:
            came_from = self._pages.page_behind(request) or HOME
            return self._pages.go(request, f"{CONFIRM}?next={quote(came_from, safe='')}")
        if request.method == "POST":
            carried = {name: values for name, values in form_of(request).items() if name not in _NOT_CARRIED}
            back = self._pages.page_behind(request) or HOME
            action = quote(place, safe="/")
        else:
            query = f"?{request.url.query}" if request.url.query else ""
            carried, back, action = {"next": [self._pages.return_url(place + query)]}, HOME, CONFIRM
        return self._pages.page(
            request,
            "pages/confirm/page.html",
            status=status,
            headers=headers,
            form=form,
            action=action,
            carried=carried,
            back=back,
        )
