"""Settings > Usage: requests with all keys, and attempts without a valid one."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.deps import Deps
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.usage.model import GroupCount, split_source
from ari.usage.reports import summary
from ari.usage.reports.queries import complete_until
from ari.web.charts import BarChart, draw_bars, find_highest
from ari.web.pages.settings_usage.urls import USAGE
from ari.web.pages.usage_log.routes import UsageLogPages
from ari.web.pages.usage_log.view import read_key_names, read_usage_log
from ari.web.render import Pages
from ari.web.usage_query import UsageQuery, find_keys, parse_usage_query

MAX_CHARTS = 4
"""The consumers or tags with a chart."""


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
        deps = deps_of(request)
        query = await find_keys(deps, parse_usage_query(request, now_ms, USAGE))
        key_ids = None if query.group is None else query.group.key_ids
        until_ms = await deps.report(complete_until)
        found = await deps.report(summary.of_some, query.span, key_ids)
        ids = [one.key_id for one in found.top.shown]
        callers = [key_id for one in found.addresses if (key_id := split_source(one.address)[1])]
        known = await deps.read(read_key_names, callers)
        return self._pages.page(
            request,
            "pages/settings_usage/page.html",
            query=query,
            found=found,
            chart=draw_bars(found.counts),
            groups=await _read_groups(deps, query, key_ids),
            names=await deps.read(read_key_names, ids),
            verifiers={key_id: known.get(key_id) for key_id in callers},
            log=await read_usage_log(request, query, None, now_ms, ever=True),
            retention_days=self._instance.settings.usage_retention_days,
            top=summary.TOP,
            complete_until_ms=until_ms,
            low_disk=self._instance.usage.low_disk,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer or tag that the page groups by. Only the first few have a chart, all on one scale."""

    title: str
    count: GroupCount
    chart: BarChart | None


async def _read_groups(deps: Deps, query: UsageQuery, key_ids: tuple[str, ...] | None) -> list[Group] | None:
    """The groups with the most requests; ``None`` if the page doesn't group."""
    if query.group_by is None:
        return None
    of_keys = await deps.read(keys.list_groups_of_keys, query.group_by)
    groups = await deps.report(summary.count_groups, query.span, key_ids, of_keys)
    names = await deps.read(keys.name_groups, query.group_by, [one.name for one in groups])
    charted = [one.name for one in groups[:MAX_CHARTS]]
    parts = await deps.report(summary.of_groups, query.span, key_ids, of_keys, charted) if charted else {}
    highest = find_highest(parts.values()) if parts else 0
    charts = {name: draw_bars(counts, highest) for name, counts in parts.items()}
    return [Group(names.get(one.name, one.name), one, charts.get(one.name)) for one in groups]
