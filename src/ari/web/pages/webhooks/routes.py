"""Settings > Webhooks: the list, one webhook with its deliveries, and what can be done with it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import Conflict, RateLimited
from ari.base.ids import is_id
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.web.forms import form_from
from ari.web.pages.webhooks import view
from ari.web.pages.webhooks.urls import (
    REPLAYED,
    WEBHOOK,
    WEBHOOK_DELETED,
    WEBHOOK_OFF,
    WEBHOOK_ON,
    WEBHOOK_TESTED,
    WEBHOOKS,
    show,
)
from ari.web.render import Pages
from ari.webhooks import management, replay
from ari.webhooks.management import WebhookChange
from ari.webhooks.model import DeliveryState

_FAILED = "failed"


class WebhookPages:
    """``/settings/webhooks`` and what is done with one webhook; ``form_routes.py`` has its forms."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(WEBHOOKS, self.show_all, methods=["GET"]),
            Route(WEBHOOK, self.show, methods=["GET"]),
            Route(f"{WEBHOOK}/switch", self.switch, methods=["POST"]),
            Route(f"{WEBHOOK}/test", self.test, methods=["POST"]),
            Route(f"{WEBHOOK}/replay", self.replay, methods=["POST"]),
            Route(f"{WEBHOOK}/delete", self.delete_form, methods=["GET"]),
            Route(f"{WEBHOOK}/delete", self.delete, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show_all(self, request: Request) -> Response:
        """Every webhook."""
        found = await deps_of(request).read(management.list_webhooks)
        return self._pages.page(request, "pages/webhooks/page.html", found=found, view=view)

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """One webhook with its deliveries, newest first, all or only the failed ones."""
        return await self._show(request)

    @policy(AuthMode.SESSION)
    async def switch(self, request: Request) -> Response:
        """Turn it on or off."""
        webhook_id, on = _id_of(request), form_from(form_of(request), "on").value("on") == "on"
        try:
            await deps_of(request).do(management.change_webhook, webhook_id, WebhookChange(on=on))
        except Conflict as error:
            return await self._show(request, str(error), 409)
        return self._pages.go(request, show(webhook_id), WEBHOOK_ON if on else WEBHOOK_OFF)

    @policy(AuthMode.SESSION)
    async def test(self, request: Request) -> Response:
        """Send a test; the page that follows shows its result."""
        webhook_id, instance = _id_of(request), self._instance
        base, deps = instance.settings.public_url, deps_of(request)
        try:
            await replay.send_test(deps, instance.webhook_sender, webhook_id, base, instance.clock, instance.tracer)
        except (Conflict, RateLimited) as error:
            return await self._show(request, str(error), 409 if isinstance(error, Conflict) else 429)
        return self._pages.go(request, show(webhook_id), WEBHOOK_TESTED)

    @policy(AuthMode.SESSION)
    async def replay(self, request: Request) -> Response:
        """Queue one delivery again, or all failed ones."""
        webhook_id, delivery_id = _id_of(request), form_from(form_of(request), "delivery").value("delivery")
        try:
            if delivery_id:
                await deps_of(request).do(replay.replay, webhook_id, delivery_id)
            else:
                await replay.replay_failed(deps_of(request), webhook_id)
        except Conflict as error:
            return await self._show(request, str(error), 409)
        self._instance.webhooks_are_due.set()
        return self._pages.go(request, show(webhook_id), REPLAYED)

    @policy(AuthMode.SESSION)
    async def delete_form(self, request: Request) -> Response:
        """The question before deleting."""
        webhook = await deps_of(request).read(management.get_webhook, _id_of(request))
        return self._pages.page(request, "pages/webhooks/delete.html", webhook=webhook)

    @policy(AuthMode.SESSION)
    async def delete(self, request: Request) -> Response:
        """Delete it with its deliveries."""
        await deps_of(request).do(management.remove_webhook, _id_of(request))
        return self._pages.go(request, WEBHOOKS, WEBHOOK_DELETED)

    async def _show(self, request: Request, refusal: str = "", status: int = 200) -> Response:
        asked = request.query_params
        before = asked.get("before", "")
        after = before if is_id("msg", before) else None
        state: DeliveryState | None = "failed" if asked.get("state") == _FAILED else None
        overview = await deps_of(request).read(view.read_overview, _id_of(request), after, state)
        return self._pages.page(
            request,
            "pages/webhooks/webhook.html",
            status=status,
            overview=overview,
            webhook=overview.webhook,
            view=view,
            narrowed=after is not None,
            state=state or "",
            refusal=refusal,
        )


def _id_of(request: Request) -> str:
    webhook_id: str = request.path_params["webhook_id"]
    return webhook_id
