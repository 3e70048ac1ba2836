"""Finding a route's access: what says nothing is closed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ari.http.access import CLOSED, NO_ROUTE, AccessTable, Kind, needs, open_to_all, page


async def _silent(request: Request) -> Response:
    return Response()


@needs("keys:read")
async def _reading(request: Request) -> Response:
    return Response()


@open_to_all
async def _open(request: Request) -> Response:
    return Response()


@page
async def _page(request: Request) -> Response:
    return Response()


TABLE = AccessTable(
    [
        Route("/api/silent", _silent),
        Route("/api/keys/{key_id}", _reading),
        Route("/api/health", _open),
        Route("/settings", _page, methods=["GET"]),
    ]
)


def test_a_route_that_says_nothing_is_closed() -> None:
    """Only what may do everything opens it."""
    assert TABLE.match("GET", "/api/silent").access is CLOSED
    assert CLOSED.scope == "*"


def test_templates_are_found() -> None:
    """The log stores the template, not the ids in it."""
    found = TABLE.match("GET", "/api/keys/key_1")
    assert (found.template, found.access.scope) == ("/api/keys/{key_id}", "keys:read")
    assert TABLE.match("GET", "/api/keys/a/b") is NO_ROUTE
    assert TABLE.match("GET", "/settings").access.kind is Kind.PAGE


def test_a_wrong_method_is_told_which_are_right() -> None:
    """405 with Allow."""
    assert TABLE.match("POST", "/settings").allow == ("GET", "HEAD")
