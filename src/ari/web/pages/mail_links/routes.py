"""The pages that emailed links open. Opening one changes nothing; the token is sent with the form and is in no page."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import mail_links
from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import visitor_deps_of
from ari.http.route_policy import AuthMode, policy
from ari.web.cookies import keep_link
from ari.web.forms import Form, form_from
from ari.web.link_tokens import find_link_token
from ari.web.pages.mail_links.urls import PASSWORD_RESET, RESET
from ari.web.pages.sign_in.urls import SIGN_IN
from ari.web.render import Pages


class MailLinkPages:
    """``/reset-password``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(RESET, self.reset_form, methods=["GET"]),
            Route(RESET, self.reset, methods=["POST"]),
        ]

    @policy(AuthMode.VISITOR)
    async def reset_form(self, request: Request) -> Response:
        """The form for a new password."""
        return self._page(request, Form())

    @policy(AuthMode.VISITOR)
    async def reset(self, request: Request) -> Response:
        """Set the password if the link is valid, then redirect to sign-in, which still asks for the second factor."""
        form, deps = form_from(form_of(request), "token", "password"), visitor_deps_of(request)
        token = find_link_token(request, self._instance.settings, form)
        account = await deps.read(mail_links.account_behind, "reset", token)
        if account is None:
            return self._show_invalid_link(request)
        try:
            hashed = await self._instance.passwords.hash_new(form.value("password"), account.email)
        except Invalid as error:
            return self._page(request, Form().with_problems(error.problems), 422, token)
        try:
            await deps.do(mail_links.reset, token, hashed)
        except NotFound:
            return self._show_invalid_link(request)
        response = self._pages.go(request, SIGN_IN, PASSWORD_RESET)
        keep_link(response, self._instance.settings, None)
        return response

    def _show_invalid_link(self, request: Request) -> Response:
        return self._page(request, Form(problems={"token": mail_links.GONE}), 422)

    def _page(self, request: Request, form: Form, status: int = 200, token: str | None = None) -> Response:
        """The form; a ``token`` that is valid is kept for the next try."""
        is_kept = token is not None
        page = self._pages.page(request, "pages/mail_links/reset.html", status=status, form=form, is_kept=is_kept)
        if status != 200:
            keep_link(page, self._instance.settings, token)
        return page
