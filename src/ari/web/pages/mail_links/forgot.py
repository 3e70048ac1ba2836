"""Forgot your password: request the email with the link, or see how to reset it from the command line."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import sign_in
from ari.accounts.networks import networks_around
from ari.base.errors import RateLimited
from ari.http.body import form_of
from ari.http.context import visitor_deps_of
from ari.http.cookies import device_cookie_name, read_cookie
from ari.http.route_policy import AuthMode, policy
from ari.http.stranger_queue import StrangerQueue
from ari.web.forms import Form, form_from
from ari.web.pages.mail_links.link_emails import queue_reset_link
from ari.web.pages.mail_links.urls import FORGOT
from ari.web.render import Pages

RESPONSE_SECONDS = 0.5
"""When every response is sent, so its timing doesn't reveal whether the account exists."""


class ForgotPages:
    """``/forgot-password``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._turns = StrangerQueue()

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(FORGOT, self.show, methods=["GET"]),
            Route(FORGOT, self.ask, methods=["POST"]),
        ]

    @policy(AuthMode.VISITOR)
    async def show(self, request: Request) -> Response:
        """The form; without email, the command."""
        return self._page(request, Form())

    @policy(AuthMode.VISITOR)
    async def ask(self, request: Request) -> Response:
        """Email the link if the account exists. The response is the same if it doesn't."""
        form, deps = form_from(form_of(request), "email"), visitor_deps_of(request)
        if not self._instance.mail.config.can_link:
            return self._page(request, form)
        device = read_cookie(request.headers.getlist("cookie"), device_cookie_name(self._instance.settings))
        known = await deps.read(sign_in.is_known, form.value("email"), device)
        stranger = None if known else networks_around(deps.caller.origin.client_address)
        try:
            async with self._turns.take_turn(stranger, RESPONSE_SECONDS):
                await deps.do(queue_reset_link, self._instance.mail.config, form.value("email"), device)
                self._instance.mail_is_due.set()
        except RateLimited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self._page(request, form.with_problem("email", str(error)), 429, wait)
        return self._page(request, form, sent=True)

    def _page(
        self,
        request: Request,
        form: Form,
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        sent: bool = False,
    ) -> Response:
        return self._pages.page(
            request,
            "pages/mail_links/forgot.html",
            status=status,
            headers=headers,
            form=form,
            sent=sent,
            by_mail=self._instance.mail.config.can_link,
        )
