"""Change the email address in Settings > Security: a link goes to the new address, a notice to the old one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import mail_links
from ari.base.errors import Invalid, NotFound, RateLimited
from ari.http.body import form_of
from ari.http.context import context_of, deps_of, visitor_deps_of
from ari.http.route_policy import AuthMode, policy
from ari.notifications.model import MailConfig
from ari.web.forms import Form, form_from
from ari.web.link_tokens import link_token
from ari.web.pages.mail_links.link_emails import LinkTransaction, queue_link
from ari.web.pages.security.urls import ADDRESS, ADDRESS_ASKED, CONFIRM_ADDRESS, EMAIL_CHANGED, SECURITY
from ari.web.pages.sign_in.urls import SIGN_IN
from ari.web.render import Pages


class AddressPages:
    """``/settings/security/address``, and ``/confirm-address`` for the emailed link."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(ADDRESS, self.show, methods=["GET"]),
            Route(ADDRESS, self.ask, methods=["POST"]),
            Route(CONFIRM_ADDRESS, self.confirm_form, methods=["GET"]),
            Route(CONFIRM_ADDRESS, self.confirm, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def show(self, request: Request) -> Response:
        """The form for the new address; without email, how to change it from the command line."""
        return self._form(request, Form())

    @policy(AuthMode.SESSION, sensitive=True)
    async def ask(self, request: Request) -> Response:
        """Email the link."""
        form = form_from(form_of(request), "email")
        if not self._instance.mail.config.can_link:
            return self._form(request, form)
        try:
            await deps_of(request).do(queue_address_link, self._instance.mail.config, form.value("email"))
        except Invalid as error:
            return self._form(request, form.with_problems(error.problems), 422)
        except RateLimited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self._form(request, form.with_problem("email", str(error)), 429, wait)
        self._instance.mail_is_due.set()
        return self._pages.go(request, SECURITY, ADDRESS_ASKED)

    @policy(AuthMode.VISITOR)
    async def confirm_form(self, request: Request) -> Response:
        """A page with one button."""
        return self._confirm_page(request, Form())

    @policy(AuthMode.VISITOR)
    async def confirm(self, request: Request) -> Response:
        """Change the account's email address to the one that received the link."""
        token = link_token(form_from(form_of(request), "token").value("token"))
        try:
            await visitor_deps_of(request).do(mail_links.confirm_address, token)
        except NotFound:
            return self._confirm_page(request, Form(problems={"token": mail_links.GONE}), 422)
        self._instance.mail_is_due.set()
        url = SIGN_IN if context_of(request).signed_in is None else SECURITY
        return self._pages.go(request, url, EMAIL_CHANGED)

    def _confirm_page(self, request: Request, form: Form, status: int = 200) -> Response:
        return self._pages.page(request, "pages/security/confirm_address.html", status=status, form=form)

    def _form(self, request: Request, form: Form, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return self._pages.page(
            request,
            "pages/security/address.html",
            status=status,
            headers=headers,
            form=form,
            by_mail=self._instance.mail.config.can_link,
        )


def queue_address_link(tx: LinkTransaction, config: MailConfig, email: str) -> None:
    """Queue the email that confirms a new address."""
    queue_link(tx, config, mail_links.ask_for_address(tx, email), CONFIRM_ADDRESS)
