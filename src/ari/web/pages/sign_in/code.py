"""The second step of a sign-in: an authenticator code or a backup code."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import second_step
from ari.base.errors import NotFound, RateLimited
from ari.http.body import form_of
from ari.http.context import context_of, visitor_deps_of
from ari.http.cookies import device_cookie_name, half_cookie_name, read_cookie, session_cookie_name
from ari.http.route_policy import AuthMode, policy
from ari.web.cookies import keep_half, keep_session
from ari.web.forms import Form, form_from
from ari.web.pages.sign_in import urls
from ari.web.pages.sign_in.urls import CODE, CODE_LATE
from ari.web.render import Pages

WRONG_CODE = "That code is incorrect or already used. Wait for a new code and try again."
WRONG_BACKUP = "That backup code is incorrect or already used."


class CodePages:
    """``/sign-in/code``: for visitors who entered the correct password in the last five minutes."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(CODE, self.show, methods=["GET"]),
            Route(CODE, self.enter, methods=["POST"]),
        ]

    @policy(AuthMode.VISITOR)
    async def show(self, request: Request) -> Response:
        """The form. Without a recent password, redirect to sign-in."""
        wanted = self._pages.return_url(request.query_params.get("next"))
        if context_of(request).signed_in is not None:
            return self._pages.go(request, wanted)
        half = self._cookie(request, half_cookie_name(self._instance.settings))
        if not await visitor_deps_of(request).read(second_step.waits_for_code, half):
            return self._redirect_late(request, wanted)
        backup = request.query_params.get("with") == "backup"
        return self._form(request, Form({"next": wanted, "with": "backup" if backup else "app"}))

    @policy(AuthMode.VISITOR)
    async def enter(self, request: Request) -> Response:
        """Check the code within the limits and start the session."""
        form = form_from(form_of(request), "code", "next", "with")
        shown = Form({"next": form.value("next"), "with": form.value("with")})
        settings = self._instance.settings
        half, device, replaced = (
            self._cookie(request, name(settings))
            for name in (half_cookie_name, device_cookie_name, session_cookie_name)
        )
        try:
            session = await visitor_deps_of(request).do(
                second_step.finish_with_code, half, form.value("code"), device, replaced
            )
        except NotFound:
            return self._redirect_late(request, form.value("next"))
        except RateLimited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self._form(request, shown.with_problem("code", str(error)), 429, wait)
        if session is None:
            problem = WRONG_BACKUP if form.value("with") == "backup" else WRONG_CODE
            return self._form(request, shown.with_problem("code", problem), 422)
        response = self._pages.go(request, self._pages.return_url(form.value("next")))
        keep_session(response, settings, session.token, session.device_token)
        keep_half(response, settings, None)
        return response

    def _redirect_late(self, request: Request, wanted: str) -> Response:
        response = self._pages.go(request, urls.sign_in(self._pages.return_url(wanted)), CODE_LATE)
        keep_half(response, self._instance.settings, None)
        return response

    def _cookie(self, request: Request, name: str) -> str | None:
        return read_cookie(request.headers.getlist("cookie"), name)

    def _form(self, request: Request, form: Form, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return self._pages.page(
            request,
            "pages/sign_in/code.html",
            status=status,
            headers=headers,
            form=form,
            next=self._pages.return_url(form.value("next")),
            backup=form.value("with") == "backup",
        )
