"""Settings > Notifications: what the owner is told by mail, how mail goes out, and what became of each mail."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.base.ids import is_id
from ari.http.body import form_of
from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.notifications import manage
from ari.web.forms import form_from
from ari.web.pages.notifications.urls import MAIL_TESTED, NOTIFICATIONS
from ari.web.pages.notifications.view import NOTICE, badge_of, mail_facts, said_of, titles
from ari.web.render import Pages


class NotificationPages:
    """``/settings/notifications``, its switches and the test mail."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(NOTIFICATIONS, self.show, methods=["GET"]),
            Route(f"{NOTIFICATIONS}/switch", self.switch, methods=["POST"]),
            Route(f"{NOTIFICATIONS}/test", self.test, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The page."""
        before = request.query_params.get("before", "")
        after = before if is_id(NOTICE, before) else None
        await self._instance.alook_for_mail_key()
        facts = await self._instance.aread(lambda unit: mail_facts(unit, after))
        return self._pages.page(
            request,
            "pages/notifications/page.html",
            facts=facts,
            mail_config=self._instance.mail_config,
            narrowed=after is not None,
            badge_of=badge_of,
            said_of=said_of,
            titles=titles(),
        )

    @policy(AuthMode.SESSION)
    async def switch(self, request: Request) -> Response:
        """Switches a kind on or off; asks for the password first, since silence hides what happens."""
        form, caller = form_from(form_of(request), "kind", "on"), context_of(request).caller
        assert caller is not None  # the guard lets nobody else in
        kind, on = form.value("kind"), form.value("on") == "on"
        try:
            await self._instance.acommand(caller, lambda tx, _: manage.switch(tx, kind, on))
        except NotFound:
            return self._pages.go(request, NOTIFICATIONS)
        return self._pages.go(request, f"{NOTIFICATIONS}#{kind}")

    @policy(AuthMode.SESSION, sensitive=True)
    async def test(self, request: Request) -> Response:
        """Sends the test mail; what came of it is kept, and the page that follows shows it."""
        caller = context_of(request).caller
        assert caller is not None  # the guard lets nobody else in
        await self._instance.asend_test_mail(caller)
        return self._pages.go(request, NOTIFICATIONS, MAIL_TESTED)
