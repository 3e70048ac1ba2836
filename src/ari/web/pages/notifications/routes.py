"""Settings > Notifications: which emails the owner gets, how email is sent, and the delivery history."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.base.ids import is_id
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.notifications import switches, test_email
from ari.web.forms import form_from
from ari.web.pages.notifications.urls import MAIL_TESTED, NOTIFICATION_SWITCHED, NOTIFICATIONS
from ari.web.pages.notifications.view import NOTICE, badge_of, explain, read_notifications, titles
from ari.web.render import Pages

_SWITCH = "pages/notifications/_switch.html"


class NotificationPages:
    """``/settings/notifications``, its switches and the test email."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
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
        deps = deps_of(request)
        await self._instance.mail.refresh(deps)
        overview = await deps.read(read_notifications, after)
        return self._pages.page(
            request,
            "pages/notifications/page.html",
            overview=overview,
            mail_config=self._instance.mail.config,
            narrowed=after is not None,
            badge_of=badge_of,
            explain=explain,
            titles=titles(),
        )

    @policy(AuthMode.SESSION)
    async def switch(self, request: Request) -> Response:
        """Turn a notification on or off; its own row gets itself back with a toast.

        Asks for the password first: without notifications, changes go unnoticed.
        """
        form = form_from(form_of(request), "kind", "on")
        kind, on = form.value("kind"), form.value("on") == "on"
        try:
            if form.value("on") not in ("on", "off"):
                raise NotFound
            one = await deps_of(request).do(switches.switch, kind, on)
        except NotFound:
            return self._pages.go(request, NOTIFICATIONS)
        if request.headers.get("hx-target") == kind:
            said = json.dumps({"ari:done": {"text": f"{one.kind.title}: {'on' if on else 'off'}."}})
            return self._pages.page(request, _SWITCH, one=one, headers={"hx-trigger": said})
        if "hx-request" in request.headers:  # its form is in a dialog: the password was needed
            return self._pages.go(request, NOTIFICATIONS, NOTIFICATION_SWITCHED)
        return self._pages.go(request, f"{NOTIFICATIONS}#{kind}")

    @policy(AuthMode.SESSION, sensitive=True)
    async def test(self, request: Request) -> Response:
        """Send the test email; its result is stored, and the page that follows shows it."""
        await test_email.send_test_email(deps_of(request), self._instance.mail, self._instance.clock)
        return self._pages.go(request, NOTIFICATIONS, MAIL_TESTED)
