"""The first run: whoever read the terminal makes the owner's account (security.md 24)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import setup, sign_in
from ari.accounts.model import check_email
from ari.accounts.sign_in import NewSession
from ari.base.caller import SYSTEM
from ari.base.errors import Invalid, NotFound, Problem
from ari.base.events import Origin
from ari.http.body import form_of
from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.storage import owner_mark
from ari.storage.transaction import Transaction
from ari.web import places
from ari.web.cookies import keep_session
from ari.web.forms import Form, form_from
from ari.web.link_tokens import link_token
from ari.web.render import Pages

SETUP = "/setup"
_GONE = "Page not found."
_LINK_GONE = (
    "This setup link doesn't work: it was already used, is older than an hour, or ARI was restarted. "
    "Restart ARI to get a new link."
)


class SetupPages:
    """``/setup``, gone once there is an owner."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [Route(SETUP, self.show, methods=["GET"]), Route(SETUP, self.make, methods=["POST"])]

    @policy(AuthMode.VISITOR)
    async def show(self, request: Request) -> Response:
        """The form; the token comes with it, never before it."""
        if await self._instance.aread(setup.has_owner):
            raise NotFound(_GONE)
        return self._form(request, Form())

    @policy(AuthMode.VISITOR)
    async def make(self, request: Request) -> Response:
        """Make the owner and sign in. Without a good token there is nothing here."""
        form = form_from(form_of(request), "token", "email", "password")
        token, now_ms = link_token(form.value("token")), self._instance.now_ms()
        if not await self._instance.aread(lambda unit: setup.token_is_good(unit, token, now_ms)):
            raise NotFound(_LINK_GONE)
        shown = Form({"token": token, "email": form.value("email")})
        try:
            hashed = await self._checked(form.value("email"), form.value("password"))
        except Invalid as error:
            return self._form(request, shown.with_problems(error.problems), 422)
        origin = context_of(request).origin("web")
        session = await self._instance.acommand(
            SYSTEM, lambda unit, _: self._make(unit, origin, token, form.value("email"), hashed)
        )
        owner_mark.remember(self._instance.settings.data_dir)
        answer = self._pages.go(request, places.HOME)
        keep_session(answer, self._instance.settings, session.token, session.device_token)
        return answer

    async def _checked(self, email: str, password: str) -> str:
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

    def _make(self, unit: Transaction, origin: Origin, token: str, email: str, hashed: str) -> NewSession:
        now_ms = self._instance.now_ms()
        owner = setup.make_owner(unit, origin, now_ms, token, email, hashed)
        return sign_in.open_session(unit, owner, origin, now_ms)

    def _form(self, request: Request, form: Form, status: int = 200) -> Response:
        return self._pages.page(request, "pages/setup/page.html", status=status, form=form)
