"""Settings > Usage: what all keys were used for, and who came without one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.route_policy import AuthMode, policy
from ari.keys.manage import key_names
from ari.usage.reports import ai_summary, summary
from ari.web.ai_use import view_of
from ari.web.asked import asked_of
from ari.web.charts import chart_of
from ari.web.pages.exporting import exported
from ari.web.pages.settings_usage.urls import USAGE
from ari.web.render import Pages


class SettingsUsagePages:
    """``/settings/usage`` and its export."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(USAGE, self.show, methods=["GET"]),
            Route(f"{USAGE}/export", self.export, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The numbers of a span; all of them from rollups."""
        asked = asked_of(request, self._instance.now_ms(), USAGE)
        found = await self._instance.areport(lambda reader: summary.of_all(reader, asked.span))
        used = await self._instance.areport(lambda reader: ai_summary.of_span(reader, asked.span))
        ids = [one.key_id for one in found.top.shown]
        asking = [one.name for one in used.keys]
        ai_names = await self._instance.aread(lambda unit: key_names(unit, asking))
        names = await self._instance.aread(lambda unit: key_names(unit, ids))
        keys = await self._instance.aread(lambda unit: {key_id: unit.keys.get(key_id) for key_id in ids})
        return self._pages.page(
            request,
            "pages/settings_usage/page.html",
            asked=asked,
            found=found,
            chart=chart_of(found.counts),
            ai=view_of(used, ai_names),
            names=names,
            keys=keys,
            top=summary.TOP,
            low_disk=self._instance.usage.low_disk,
        )

    @policy(AuthMode.SESSION, sensitive=True)
    async def export(self, request: Request) -> Response:
        """The rows of the span as a file."""
        return await exported(self._instance, request, USAGE, None)
