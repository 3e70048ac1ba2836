"""Changing the e-mail address in Settings > Security: a link goes to the new one, a word to the old one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import Invalid, Limited
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.web import places
from ari.web.forms import Form, form_from
from ari.web.pages.mail_links.posting import mail_address_link
from ari.web.render import Pages


class AddressPages:
    """``/settings/security/address``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(places.ADDRESS, self.show, methods=["GET"]),
            Route(places.ADDRESS, self.ask, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def show(self, request: Request) -> Response:
        """Asks for the new address; without mail, says how to change it at the command line."""
        return self._form(request, Form())

    @policy(AuthMode.SESSION, sensitive=True)
    async def ask(self, request: Request) -> Response:
        """Mails the link."""
        form = form_from(form_of(request), "email")
        if not self._instance.office.can_link:
            return self._form(request, form)
        try:
            await deps_of(request).do(mail_address_link, self._instance.office, form.value("email"))
        except Invalid as error:
            return self._form(request, form.with_problems(error.problems), 422)
        except Limited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self._form(request, form.with_problem("email", str(error)), 429, wait)
        self._instance.mail_is_due.set()
        return self._pages.go(request, places.SECURITY, "address-asked")

    def _form(self, request: Request, form: Form, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return self._pages.page(
            request,
            "pages/security/address.html",
            status=status,
            headers=headers,
            form=form,
            by_mail=self._instance.office.can_link,
        )
