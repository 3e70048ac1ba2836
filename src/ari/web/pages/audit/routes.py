"""Settings > Audit: all events with filters, their details, exports, and the verification of the chain."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.deadline import in_time
from ari.base.errors import Invalid, NotFound, Problem, RateLimited
from ari.base.event_export import FORMATS
from ari.base.event_search import find_events, get_event
from ari.base.events import EVENT_NAMES
from ari.base.ids import is_id
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.event_export import export_events
from ari.http.route_policy import AuthMode, policy
from ari.web.pages.audit import urls, view
from ari.web.pages.audit.query import RARE, AuditQuery, parse_audit_query
from ari.web.pages.usage_log.view import read_key_names
from ari.web.render import Pages
from ari.web.usage_query import ZONE_COOKIE

MAX_EVENTS_VERIFIED = 50_000
"""They take about a second of one core; ``ari doctor --audit`` verifies all."""


class AuditPages:
    """``/settings/audit``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._is_verifying = False

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(urls.AUDIT, self.show, methods=["GET"]),
            Route(urls.EXPORT, self.export, methods=["POST"]),
            Route(urls.VERIFY, self.verify, methods=["POST"]),
            Route(urls.page_of("{event_id}"), self.show_event, methods=["GET"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """One page of the events that match the filters."""
        query = _parse_query(request, dict(request.query_params))
        deps = deps_of(request)
        found = await deps.read(find_events, query.search(), query.values.get("before"), view.EVENTS_A_PAGE)
        return self._pages.page(
            request,
            "pages/audit/page.html",
            query=query,
            found=found,
            key_names=await deps.read(read_key_names, view.list_key_ids(found.events)),
            consumer_names=await deps.read(view.read_consumer_names, found.events),
            find_page=view.find_page,
            groups=view.NAME_GROUPS,
            doors=view.DOOR_NAMES,
            rare_filters=RARE,
            retention_days=self._instance.settings.event_retention_days,
        )

    @policy(AuthMode.SESSION)
    async def show_event(self, request: Request) -> Response:
        """Everything about one event. Raises ``NotFound``."""
        deps, event_id = deps_of(request), request.path_params["event_id"]
        if not is_id("evt", event_id):
            raise NotFound("Page not found.")
        event, chained = await deps.read(get_event, event_id)
        return self._pages.page(
            request,
            "pages/audit/event.html",
            event=event,
            hash=chained,
            meaning=EVENT_NAMES.get(event.name, "This version of ARI doesn't know this event."),
            key_names=await deps.read(read_key_names, view.list_key_ids([event])),
            consumer_names=await deps.read(view.read_consumer_names, [event]),
            find_page=view.find_page,
            format_value=view.format_value,
            find_time=view.find_time,
            detail_names=view.DETAIL_NAMES,
            doors=view.DOOR_NAMES,
        )

    @policy(AuthMode.SESSION, sensitive=True)
    async def export(self, request: Request) -> Response:
        """Every event that matches the page's filters, as a file. Raises ``Invalid``."""
        fields = {name: values[0] for name, values in form_of(request).items() if values}
        query = _parse_query(request, fields)
        if query.problems:
            raise Invalid(*(Problem(name, sentence) for name, sentence in query.problems.items()))
        form = next((form for form in FORMATS if form == fields.get("format")), None)
        if form is None:
            raise Invalid(Problem("format", "Choose csv or jsonl."))
        return await export_events(deps_of(request), query.search(), form)

    @policy(AuthMode.SESSION)
    async def verify(self, request: Request) -> Response:
        """Verify the newest events and the signature. Raises ``RateLimited`` while this process verifies already."""
        if self._is_verifying:
            raise RateLimited("The audit log is being verified. Try again in a moment.", 10)
        self._is_verifying = True
        work = asyncio.ensure_future(asyncio.to_thread(self._instance.check_audit_log, MAX_EVENTS_VERIFIED))
        work.add_done_callback(self._end_verification)
        found = await in_time(asyncio.shield(work))
        return self._pages.page(request, "pages/audit/verified.html", found=found)

    def _end_verification(self, _: object) -> None:
        """Called when the thread ends, which may be after its request."""
        self._is_verifying = False


def _parse_query(request: Request, fields: dict[str, str]) -> AuditQuery:
    return parse_audit_query(fields, request.cookies.get(ZONE_COOKIE))
