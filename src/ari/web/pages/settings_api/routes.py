"""Settings > API: the table of keys."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import NotFound
from ari.base.ids import is_id
from ari.http.access import page
from ari.keys.model import ApiKey
from ari.keys.ports import Activity
from ari.storage.unit import Unit
from ari.usage.model import NO_USE
from ari.web import places
from ari.web.answering import signed_in
from ari.web.endpoints import Endpoints
from ari.web.render import Pages

PAGE_SIZE = 50
SHOWN: tuple[Activity, ...] = ("all", "active", "inactive")


@dataclass(frozen=True, slots=True)
class KeyList:
    """One page of the table; ``counts`` are of all keys, ``older`` is the key to go on from."""

    keys: list[ApiKey]
    counts: dict[Activity, int]
    older: str | None


class SettingsApiPages:
    """``/settings`` and its tab API."""

    def __init__(self, pages: Pages, endpoints: Endpoints) -> None:
        self._pages = pages
        self._endpoints = endpoints
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [Route("/", signed_in(self.home)), Route("/settings", signed_in(self.settings))]

    @page
    async def home(self, request: Request) -> Response:
        """The first page is the settings."""
        return self._pages.go(request, places.HOME)

    @page
    async def settings(self, request: Request) -> Response:
        """The tab API; the only tab there is."""
        tab = request.query_params.get("tab")
        if tab is None:
            return self._pages.go(request, places.HOME)
        if tab != "api":
            raise NotFound("There is no such tab.")
        show = request.query_params.get("show", "all")
        before = request.query_params.get("before")
        if show not in SHOWN or (before is not None and not is_id("key", before)):
            raise NotFound("There is no such part of the table.")
        now_ms = self._instance.now_ms()
        found = await self._instance.aread(lambda unit: key_list(unit, now_ms, show, before))
        template = "_table.html" if "hx-request" in request.headers else "page.html"
        return self._pages.page(
            request,
            f"pages/settings_api/{template}",
            found=found,
            totals=await self._instance.atotals([key.id for key in found.keys]),
            no_use=NO_USE,
            low_disk=self._instance.usage.low_disk,
            show=show,
            before=before,
            groups=await self._endpoints.groups(),
        )


def key_list(unit: Unit, now_ms: int, show: Activity, before: str | None) -> KeyList:
    """The keys after ``before``, newest first."""
    keys = unit.keys.page(now_ms, show, before, PAGE_SIZE + 1)
    active = unit.keys.count(now_ms, "active")
    every = unit.keys.count(now_ms, "all")
    older = keys[PAGE_SIZE - 1].id if len(keys) > PAGE_SIZE else None
    return KeyList(keys[:PAGE_SIZE], {"all": every, "active": active, "inactive": every - active}, older)
