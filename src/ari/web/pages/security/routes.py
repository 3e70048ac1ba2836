"""Settings > Security: the password, two-factor authentication, backups, sessions and recent account events."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts import backup_codes, sessions, setup
from ari.accounts.two_factor import FEW_CODES
from ari.base.errors import Invalid, RateLimited
from ari.http.body import form_of
from ari.http.context import deps_of, session_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.commands.enable_restored import find_restored
from ari.web.backup_summary import read_backup_summary
from ari.web.cookies import keep_device
from ari.web.forms import Form, form_from
from ari.web.pages.confirm.reauth import WRONG, Reauth
from ari.web.pages.security.urls import PASSWORD_CHANGED, SECURITY, SESSION_ENDED, SESSIONS_ENDED
from ari.web.pages.security.view import read_security
from ari.web.render import Pages


class SecurityPages:
    """``/settings/security``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._asker = Reauth(pages)

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(SECURITY, self.show, methods=["GET"]),
            Route(f"{SECURITY}/password", self.password_form, methods=["GET"]),
            Route(f"{SECURITY}/password", self.change_password, methods=["POST"]),
            Route(f"{SECURITY}/sessions/end-others", self.end_others, methods=["POST"]),
            Route(f"{SECURITY}/sessions/{{session_id}}/end", self.end_one, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The page."""
        deps = deps_of(request)
        account_security = await deps.read(read_security)
        return self._pages.page(
            request,
            "pages/security/page.html",
            account_security=account_security,
            own=session_of(request).session,
            all_codes=backup_codes.COUNT,
            few_codes=FEW_CODES,
            backups=await deps.read(read_backup_summary, self._instance.settings, self._instance.master_keys),
            restored=await deps.read(find_restored),
        )

    @policy(AuthMode.SESSION)
    async def password_form(self, request: Request) -> Response:
        """The form for the current and the new password."""
        return self._password_form(request, Form())

    @policy(AuthMode.SESSION)
    async def change_password(self, request: Request) -> Response:
        """Change the password, or show which of the two is wrong."""
        form = form_from(form_of(request), "current", "new")
        try:
            if not await self._asker.prove(request, form.value("current")):
                return self._password_form(request, Form(problems={"current": WRONG}), 422)
        except RateLimited as error:
            wait = {"retry-after": str(error.retry_after_seconds)}
            return self._password_form(request, Form(problems={"current": str(error)}), 429, wait)
        account = session_of(request).account
        try:
            hashed = await self._instance.passwords.hash_new(form.value("new"), account.email)
        except Invalid as error:
            return self._password_form(request, Form(problems={"new": str(error)}), 422)
        token = await deps_of(request).do(setup.change_password, account, hashed)
        response = self._pages.go(request, SECURITY, PASSWORD_CHANGED)
        keep_device(response, self._instance.settings, token)
        return response

    @policy(AuthMode.SESSION)
    async def end_one(self, request: Request) -> Response:
        """Sign another session out."""
        await deps_of(request).do(sessions.end_one, request.path_params["session_id"])
        return self._pages.go(request, SECURITY, SESSION_ENDED)

    @policy(AuthMode.SESSION)
    async def end_others(self, request: Request) -> Response:
        """Sign out every session except this one."""
        await deps_of(request).do(sessions.end_all, keep_own=True)
        return self._pages.go(request, SECURITY, SESSIONS_ENDED)

    def _password_form(
        self, request: Request, form: Form, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        return self._pages.page(request, "pages/security/password.html", status=status, headers=headers, form=form)
