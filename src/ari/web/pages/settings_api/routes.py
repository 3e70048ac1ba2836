"""Settings > API: the table of keys, and the recommendations above it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.commands.enable_restored import find_restored
from ari.keys.listing import SHOWN
from ari.usage.reports.listing import LONGEST_TEXT
from ari.usage.reports.queries import complete_until
from ari.web.backup_summary import read_backup_summary
from ari.web.forms import form_from
from ari.web.pages.api_docs.endpoints import Endpoints
from ari.web.pages.settings_api.urls import DISMISS, DISMISSED, HOME, NOT_DISMISSED, PAGE_SIZES, SETTINGS, parse_view
from ari.web.pages.settings_api.view import MAX_COUNTED, dismiss, find_advice, read_table
from ari.web.render import Pages

_OTHER_TABS = ("integrations", "usage", "notifications", "audit", "security")
SHOW_NAMES = {
    "all": "All statuses",
    "active": "Active",
    "soon": "Expires within 7 days",
    "never-used": "Never used",
    "unused": "Unused for 30 days",
    "disabled": "Disabled",
    "inactive": "Inactive",
    "expired": "Expired",
    "revoked": "Revoked",
}
SORT_NAMES = {
    "-created": "Newest first",
    "created": "Oldest first",
    "name": "By name",
    "-used": "Recently used first",
    "used": "Least recently used first",
    "expires": "Expiring soonest",
    "-requests": "Most requests first",
}


class SettingsApiPages:
    """``/settings`` and its tab API."""

    def __init__(self, pages: Pages, endpoints: Endpoints) -> None:
        self._pages = pages
        self._endpoints = endpoints
        self._instance = pages.instance
        assert SHOW_NAMES.keys() == set(SHOWN)

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route("/", self.home, methods=["GET"]),
            Route(SETTINGS, self.settings, methods=["GET"]),
            Route(DISMISS, self.dismiss, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def home(self, request: Request) -> Response:
        """Redirect to Settings > API."""
        return self._pages.go(request, HOME)

    @policy(AuthMode.SESSION)
    async def settings(self, request: Request) -> Response:
        """The tab API, the only one at this path; for htmx, only the table."""
        asked = request.query_params
        if asked.get("tab") is None:
            return self._pages.go(request, HOME)
        if asked["tab"] in _OTHER_TABS:
            return self._pages.go(request, f"/settings/{asked['tab']}")
        if asked["tab"] != "api":
            raise NotFound
        view = parse_view(asked)
        if view is None:
            raise NotFound
        deps, usage = deps_of(request), self._instance.key_use
        fragment = "hx-request" in request.headers
        until_ms = await deps.report(complete_until)
        findings = [] if fragment else await deps.read(find_advice, usage)
        return self._pages.page(
            request,
            f"pages/settings_api/{'_table' if fragment else 'page'}.html",
            table=await deps.read(read_table, usage, view),
            findings=findings,
            backups=None
            if fragment
            else await deps.read(read_backup_summary, self._instance.settings, self._instance.master_keys),
            restored=None if fragment else await deps.read(find_restored),
            complete_until_ms=until_ms,
            low_disk=self._instance.usage.low_disk,
            view=view,
            show_names=SHOW_NAMES,
            sort_names=SORT_NAMES,
            page_sizes=PAGE_SIZES,
            max_counted=MAX_COUNTED,
            longest_text=LONGEST_TEXT,
            groups=await self._endpoints.groups(),
        )

    @policy(AuthMode.SESSION)
    async def dismiss(self, request: Request) -> Response:
        """Dismiss one recommendation, unless it has changed since the page was shown."""
        form = form_from(form_of(request), "kind", "mark")
        usage = self._instance.key_use
        done = await deps_of(request).do(dismiss, usage, form.value("kind"), form.value("mark"))
        return self._pages.go(request, HOME, DISMISSED if done else NOT_DISMISSED)
