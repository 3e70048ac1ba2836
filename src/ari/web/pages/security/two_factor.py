"""Two-factor authentication in Settings > Security: set up, turn off, generate backup codes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import second_step, totp, two_factor
from ari.accounts.ports import AccountTransaction
from ari.base.errors import Conflict, Invalid, RateLimited
from ari.http.body import form_of
from ari.http.context import deps_of, session_of
from ari.http.cookies import device_cookie_name, read_cookie
from ari.http.route_policy import AuthMode, policy
from ari.web.forms import Form, form_from, new_form_id, use_once
from ari.web.pages.confirm.reauth import WRONG, Reauth
from ari.web.pages.security.urls import BACKUP_CODES, SECURITY, TURN_OFF, TWO_FACTOR, TWO_FACTOR_OFF
from ari.web.pages.sign_in.code import WRONG_CODE
from ari.web.qr import qr_code
from ari.web.render import Pages


class TwoFactorPages:
    """``/settings/security/two-factor`` and ``/settings/security/backup-codes``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._asker = Reauth(pages)

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(TWO_FACTOR, self.set_up, methods=["GET"]),
            Route(TWO_FACTOR, self.turn_on, methods=["POST"]),
            Route(TURN_OFF, self.off_form, methods=["GET"]),
            Route(TURN_OFF, self.turn_off, methods=["POST"]),
            Route(BACKUP_CODES, self.codes_form, methods=["GET"]),
            Route(BACKUP_CODES, self.new_codes, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def set_up(self, request: Request) -> Response:
        """Show a new secret; it takes effect only when one of its codes is entered."""
        if await self._is_on(request):
            return self._pages.go(request, SECURITY)
        return self._set_up(request, Form({"secret": totp.new_secret()}))

    @policy(AuthMode.SESSION)
    async def turn_on(self, request: Request) -> Response:
        """Turn it on and show the backup codes, in this response only."""
        form = form_from(form_of(request), "secret", "code")
        try:
            codes = await deps_of(request).do(two_factor.turn_on, form.value("secret"), form.value("code"))
        except Invalid as error:
            is_valid = totp.secret_bytes(form.value("secret")) is not None
            shown = Form({"secret": form.value("secret") if is_valid else totp.new_secret()})
            return self._set_up(request, shown.with_problems(error.problems), 422)
        except Conflict:
            return self._pages.go(request, SECURITY)
        return self._codes(request, codes, turned_on=True)

    @policy(AuthMode.SESSION)
    async def off_form(self, request: Request) -> Response:
        """The form for the password and a code."""
        if not await self._is_on(request):
            return self._pages.go(request, SECURITY)
        return self._off_form(request, Form())

    @policy(AuthMode.SESSION)
    async def turn_off(self, request: Request) -> Response:
        """Turn it off if the password and the code are correct."""
        form = form_from(form_of(request), "password", "code")
        problem, wait = "password", 0
        try:
            if not await self._asker.prove(request, form.value("password")):
                return self._off_form(request, Form(problems={"password": WRONG}), 422)
            problem = "code"
            if not await self._turn_off(request, form.value("code")):
                return self._off_form(request, Form(problems={"code": WRONG_CODE}), 422)
        except RateLimited as error:
            wait = error.retry_after_seconds
            return self._off_form(request, Form(problems={problem: str(error)}), 429, {"retry-after": str(wait)})
        return self._pages.go(request, SECURITY, TWO_FACTOR_OFF)

    @policy(AuthMode.SESSION, sensitive=True)
    async def codes_form(self, request: Request) -> Response:
        """Ask before the current codes stop working."""
        if not await self._is_on(request):
            return self._pages.go(request, SECURITY)
        form_id = new_form_id(self._instance.now_ms())
        return self._pages.page(request, "pages/security/new_codes.html", form_id=form_id)

    @policy(AuthMode.SESSION, sensitive=True)
    async def new_codes(self, request: Request) -> Response:
        """Generate backup codes and show them, in this response only; a form generates codes once."""
        form_id = form_from(form_of(request), "form").value("form")
        try:
            codes = await deps_of(request).do(_renew_codes, form_id)
        except Conflict:
            codes = None
        if codes is None:
            return self._pages.go(request, SECURITY)
        return self._codes(request, codes, turned_on=False)

    async def _turn_off(self, request: Request, code: str) -> bool:
        known = read_cookie(request.headers.getlist("cookie"), device_cookie_name(self._instance.settings))
        account = session_of(request).account
        return await deps_of(request).do(second_step.turn_off_with_code, account, code, known)

    async def _is_on(self, request: Request) -> bool:
        return await deps_of(request).read(two_factor.is_on, session_of(request).account.id)

    def _set_up(self, request: Request, form: Form, status: int = 200) -> Response:
        secret = form.value("secret")
        address = totp.address(secret, session_of(request).account.email, self._pages.host)
        return self._pages.page(
            request,
            "pages/security/set_up.html",
            status=status,
            form=form,
            secret=secret,
            qr=qr_code(address),
        )

    def _off_form(
        self, request: Request, form: Form, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        return self._pages.page(request, "pages/security/turn_off.html", status=status, headers=headers, form=form)

    def _codes(self, request: Request, codes: list[str], *, turned_on: bool) -> Response:
        return self._pages.page(request, "pages/security/codes.html", status=201, codes=codes, turned_on=turned_on)


def _renew_codes(tx: AccountTransaction, form_id: str) -> list[str] | None:
    """New backup codes, or ``None`` if this form has already generated some."""
    if use_once(tx, form_id) != "first":
        return None
    return two_factor.renew_backup_codes(tx)
