"""What mailed links lead to. Opening one changes nothing; its token comes with the form that is sent."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import mail_links
from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import context_of, visitor_deps_of
from ari.http.route_policy import AuthMode, policy
from ari.web import places
from ari.web.forms import Form, form_from
from ari.web.link_tokens import link_token
from ari.web.render import Pages


class MailLinkPages:
    """``/reset-password`` and ``/confirm-address``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(places.RESET, self.reset_form, methods=["GET"]),
            Route(places.RESET, self.reset, methods=["POST"]),
            Route(places.CONFIRM_ADDRESS, self.confirm_form, methods=["GET"]),
            Route(places.CONFIRM_ADDRESS, self.confirm, methods=["POST"]),
        ]

    @policy(AuthMode.VISITOR)
    async def reset_form(self, request: Request) -> Response:
        """Asks for a new password."""
        return self._page(request, "reset", Form())

    @policy(AuthMode.VISITOR)
    async def reset(self, request: Request) -> Response:
        """Sets it for whoever holds a link that works; the sign-in follows, with two-factor where that is on."""
        form, deps = form_from(form_of(request), "token", "password"), visitor_deps_of(request)
        token = link_token(form.value("token"))
        account = await deps.read(mail_links.account_behind, "reset", token)
        if account is None:
            return self._gone(request, "reset")
        try:
            hashed = await self._instance.passwords.hash_new(form.value("password"), account.email)
        except Invalid as error:
            return self._page(request, "reset", Form({"token": token}).with_problems(error.problems), 422)
        try:
            await deps.do(mail_links.reset, token, hashed)
        except NotFound:
            return self._gone(request, "reset")
        return self._pages.go(request, places.SIGN_IN, "password-reset")

    @policy(AuthMode.VISITOR)
    async def confirm_form(self, request: Request) -> Response:
        """Shows a button."""
        return self._page(request, "confirm_address", Form())

    @policy(AuthMode.VISITOR)
    async def confirm(self, request: Request) -> Response:
        """Makes the address to which the link was mailed the account's."""
        token = link_token(form_from(form_of(request), "token").value("token"))
        try:
            await visitor_deps_of(request).do(mail_links.confirm_address, token)
        except NotFound:
            return self._gone(request, "confirm_address")
        self._instance.mail_is_due.set()
        place = places.SIGN_IN if context_of(request).signed_in is None else places.SECURITY
        return self._pages.go(request, place, "email-changed")

    def _gone(self, request: Request, name: str) -> Response:
        return self._page(request, name, Form(problems={"token": mail_links.GONE}), 422)

    def _page(self, request: Request, name: str, form: Form, status: int = 200) -> Response:
        return self._pages.page(request, f"pages/mail_links/{name}.html", status=status, form=form)
