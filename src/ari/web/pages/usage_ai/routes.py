"""Settings > Usage > AI: costs first, with what is left of budgets; and the list of all budgets."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.deadline import run_in_thread
from ari.base.errors import Invalid, NotFound, Problem
from ari.base.ids import is_id
from ari.http.context import deps_of
from ari.http.file_response import stream_file
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.change_budgets import get_budgets
from ari.usage.reports.queries import complete_until
from ari.web.pages.usage_ai import figures
from ari.web.pages.usage_ai.budget_bars import BudgetBar, read_owned_bars, read_shared_bars
from ari.web.pages.usage_ai.urls import BUDGETS, EXPORT, USAGE_AI
from ari.web.pages.usage_ai.view import read_ai_view, read_provider_titles
from ari.web.render import Pages
from ari.web.usage_query import find_keys, parse_usage_query

BARS_SHOWN = 20
"""The budgets of keys and consumers on the page: those of which most is used."""
OWNERS_COMPARED = 200
OWNERS_A_PAGE = 25


class UsageAiPages:
    """``/settings/usage/ai`` with its export, and ``/settings/usage/budgets``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(USAGE_AI, self.show, methods=["GET"]),
            Route(EXPORT, self.export, methods=["GET"]),
            Route(BUDGETS, self.list_budgets, methods=["GET"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The costs of a span, from rollups, and the budgets now."""
        deps = deps_of(request)
        query = await find_keys(deps, parse_usage_query(request, self._instance.now_ms(), USAGE_AI))
        until_ms = await deps.report(complete_until)
        return self._pages.page(
            request,
            "pages/usage_ai/page.html",
            query=query,
            complete_until_ms=until_ms,
            ai=await read_ai_view(deps, query, self._instance.settings.currency),
            shared=await self._read_shared(request),
            owned=await self._read_most_used(request),
            budgets_shown=BARS_SHOWN,
        )

    @policy(AuthMode.SESSION)
    async def export(self, request: Request) -> Response:
        """The figures of the page with this query. Raises ``Invalid``."""
        query = await find_keys(deps_of(request), parse_usage_query(request, self._instance.now_ms(), EXPORT))
        if query.problems:
            raise Invalid(*(Problem(name, sentence) for name, sentence in query.problems.items()))
        ai = await read_ai_view(deps_of(request), query, self._instance.settings.currency)
        pieces = figures.write_figures(ai, query.span.unit)
        return await stream_file(pieces, figures.MEDIA_TYPE, figures.FILE_NAME)

    @policy(AuthMode.SESSION)
    async def list_budgets(self, request: Request) -> Response:
        """The shared budgets, then those of consumers and keys, page by page. Raises ``NotFound`` for a wrong place."""
        before = request.query_params.get("before") or None
        if before is not None and not (is_id("key", before) or is_id("con", before)):
            raise NotFound
        found = await deps_of(request).read(keys.list_budget_owners, before, OWNERS_A_PAGE + 1)
        owners = found[:OWNERS_A_PAGE]
        records = self._instance.usage_records
        return self._pages.page(
            request,
            "pages/usage_ai/budgets.html",
            shared=await self._read_shared(request),
            owned=await run_in_thread(read_owned_bars, records, owners),
            before=before,
            next_before=owners[-1].id if len(found) > OWNERS_A_PAGE else None,
        )

    async def _read_shared(self, request: Request) -> list[BudgetBar]:
        deps = deps_of(request)
        rules, titles = await deps.read(get_budgets), await deps.read(read_provider_titles)
        return await run_in_thread(read_shared_bars, self._instance.usage_records, rules, titles)

    async def _read_most_used(self, request: Request) -> list[BudgetBar]:
        """The budgets of keys and consumers of which most is used, the largest share first."""
        records = self._instance.usage_records
        ids = await run_in_thread(records.list_most_used, OWNERS_COMPARED)
        owners = await deps_of(request).read(keys.find_budget_owners, ids)
        bars = [bar for bar in await run_in_thread(read_owned_bars, records, owners) if bar.state.used]
        return sorted(bars, key=lambda bar: -bar.share)[:BARS_SHOWN]
