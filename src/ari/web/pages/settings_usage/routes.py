"""Settings > Usage: requests with all keys, and attempts without a valid one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.usage.reports import ai_summary, summary
from ari.web.ai_use import build_ai_view
from ari.web.charts import draw_bars
from ari.web.pages.export import export_response
from ari.web.pages.settings_usage.urls import USAGE
from ari.web.render import Pages
from ari.web.usage_query import parse_usage_query


class SettingsUsagePages:
    """``/settings/usage`` and its export."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(USAGE, self.show, methods=["GET"]),
            Route(f"{USAGE}/export", self.export, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The numbers of a span, all from rollups."""
        query = parse_usage_query(request, self._instance.now_ms(), USAGE)
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
            names=await deps.read(keys.get_names, ids),
            keys=await deps.read(find_keys, ids),
            top=summary.TOP,
            low_disk=self._instance.usage.low_disk,
        )

    @policy(AuthMode.SESSION, sensitive=True)
    async def export(self, request: Request) -> Response:
        """The rows of the span as a file."""
        return await export_response(self._instance, request, USAGE, None)


def find_keys(tx: KeyTransaction, key_ids: list[str]) -> dict[str, ApiKey | None]:
    """The keys with these ids; ``None`` for a deleted one."""
    return {key_id: tx.keys.get(key_id) for key_id in key_ids}
