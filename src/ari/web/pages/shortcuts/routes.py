"""``/shortcuts``: the list of keyboard shortcuts, and their switch."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.http.route_policy import AuthMode, policy
from ari.web.pages.shortcuts.urls import SHORTCUTS
from ari.web.render import Pages

KEYS = (
    ("c", "Create an API key (on Settings > API)"),
    ("Ctrl K", "Jump to a page, key or consumer (on a Mac: ⌘K)"),
    ("/", "Search keys"),
    ("?", "Show keyboard shortcuts"),
    ("Esc", "Close a dialog or menu, or cancel editing"),
)


class ShortcutsPages:
    """The help that ``?`` opens."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The address."""
        return [Route(SHORTCUTS, self.show, methods=["GET"])]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The list."""
        return self._pages.page(request, "pages/shortcuts/page.html", shortcut_keys=KEYS)
