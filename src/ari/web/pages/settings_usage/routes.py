"""Settings > Usage: requests with all keys, and attempts without a valid one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.usage.reports import ai_summary, summary
from ari.web.ai_use import build_ai_view
from ari.web.charts import draw_bars
from ari.web.pages.settings_usage.urls import USAGE
from ari.web.pages.usage_log.routes import UsageLogPages
from ari.web.pages.usage_log.view import read_key_names, read_usage_log
from ari.web.render import Pages
from ari.web.usage_query import parse_usage_query


class SettingsUsagePages:
    """``/settings/usage`` with its log."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [Route(USAGE, self.show, methods=["GET"]), *UsageLogPages(self._pages, USAGE).routes()]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The numbers of a span, all from rollups, and the log."""
        now_ms = self._instance.now_ms()
        query = parse_usage_query(request, now_ms, USAGE)
        deps = deps_of(request)
        found = await deps.report(summary.of_all, query.span)
        used = await deps.report(ai_summary.of_span, query.span)
        ids = [one.key_id for one in found.top.shown]
        ai_names = await deps.read(keys.get_names, [one.name for one in used.keys])
        return self._pages.page(
            request,
            "pages/settings_usage/page.html",
            query=query,
            found=found,
            chart=draw_bars(found.counts),
            ai=build_ai_view(used, ai_names),
            names=await deps.read(read_key_names, ids),
            log=await read_usage_log(request, query, None, now_ms, ever=True),
            retention_days=self._instance.settings.usage_retention_days,
            top=summary.TOP,
            low_disk=self._instance.usage.low_disk,
        )
