"""The first run: the person who can read the terminal creates the owner account (security.md 24)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import setup
from ari.accounts.model import check_email
from ari.base import owner_mark
from ari.base.errors import Invalid, NotFound, Problem
from ari.http.body import form_of
from ari.http.context import visitor_deps_of
from ari.http.route_policy import AuthMode, policy
from ari.web.cookies import keep_link, keep_session
from ari.web.forms import Form, form_from
from ari.web.link_tokens import find_link_token
from ari.web.pages.settings_api.urls import HOME
from ari.web.pages.setup.urls import SETUP
from ari.web.render import Pages

_LINK_MISSING = "Paste the setup link from the terminal."
_LINK_GONE = (
    "This setup link doesn't work: it was already used, is older than an hour, or ARI or another node "
    "was started after it. "
    "Restart ARI to get a new link."
)


class SetupPages:
    """``/setup``, gone once there is an owner."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [Route(SETUP, self.show, methods=["GET"]), Route(SETUP, self.create, methods=["POST"])]

    @policy(AuthMode.VISITOR)
    async def show(self, request: Request) -> Response:
        """The form. The token is sent with it, never in a URL, and never comes back in a page."""
        if await visitor_deps_of(request).read(setup.has_owner):
            raise NotFound
        return self._form(request, Form())

    @policy(AuthMode.VISITOR)
    async def create(self, request: Request) -> Response:
        """Create the owner and sign in, or show the problems. Raises ``NotFound`` once there is an owner."""
        form = form_from(form_of(request), "token", "email", "password")
        token, deps = find_link_token(request, self._instance.settings, form), visitor_deps_of(request)
        shown = Form({"email": form.value("email")})
        if not await deps.read(setup.token_is_good, token):
            if await deps.read(setup.has_owner):
                raise NotFound
            return self._form(request, shown.with_problem("token", _LINK_GONE if token else _LINK_MISSING), 422)
        try:
            hashed = await self._check_and_hash(form.value("email"), form.value("password"))
        except Invalid as error:
            return self._form(request, shown.with_problems(error.problems), 422, token)
        session = await deps.do(setup.make_owner_and_sign_in, token, form.value("email"), hashed)
        owner_mark.remember(self._instance.settings.data_dir)
        response = self._pages.go(request, HOME)
        keep_session(response, self._instance.settings, session.token, session.device_token)
        keep_link(response, self._instance.settings, None)
        return response

    async def _check_and_hash(self, email: str, password: str) -> str:
        """The password's hash. Raises ``Invalid`` with the problems of both fields."""
        problems: list[Problem] = []
        hashed = ""
        try:
            check_email(email)
        except Invalid as error:
            problems += error.problems
        try:
            hashed = await self._instance.passwords.hash_new(password, email)
        except Invalid as error:
            problems += error.problems
        if problems:
            raise Invalid(*problems)
        return hashed

    def _form(self, request: Request, form: Form, status: int = 200, token: str | None = None) -> Response:
        """The form; a ``token`` that is valid is kept for the next try."""
        page = self._pages.page(request, "pages/setup/page.html", status=status, form=form, is_kept=token is not None)
        if status != 200:
            keep_link(page, self._instance.settings, token)
        return page
