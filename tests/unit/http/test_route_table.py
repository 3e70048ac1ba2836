"""Promise 4: the guard's table is the only router, and every route declares who may call it."""

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from ari.http.route_policy import AuthMode, UndeclaredRoute, policy
from ari.http.route_table import NO_ROUTE, RouteTable


async def _silent(request: Request) -> Response:
    return Response()


@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def _respond(request: Request) -> Response:
    return Response()


@policy(AuthMode.OPEN)
async def _open(request: Request) -> Response:
    return Response()


@policy(AuthMode.SESSION)
async def _page(request: Request) -> Response:
    return Response()


TABLE = RouteTable(
    [
        Route("/api/keys/{key_id}", _respond),
        Route("/api/health", _open),
        Route("/settings", _page, methods=["GET"]),
    ]
)


@pytest.mark.parametrize(
    "route",
    [
        Route("/api/silent", _silent),
        Mount("/mounted", routes=[Route("/inside", _open)]),
        WebSocketRoute("/socket", _open),
        Route("/any-method", _open, methods=[]),
    ],
)
def test_a_route_without_a_declared_policy_prevents_the_start(route: object) -> None:
    """So do mounted apps, whose inner routes the table would not see."""
    with pytest.raises(UndeclaredRoute):
        RouteTable([route])


def test_one_path_and_method_has_one_route() -> None:
    """Two could differ in who may call them."""
    with pytest.raises(UndeclaredRoute, match="declared twice"):
        RouteTable([Route("/a", _open), Route("/a", _page)])


@pytest.mark.parametrize("ending", ["\n", "\r", "\x00", " ", "/", "\u2028"])
@pytest.mark.parametrize("path", ["/settings", "/api/health"])
def test_a_path_matches_whole(path: str, ending: str) -> None:
    """A pattern that ends in ``$`` also matches before a final newline."""
    assert TABLE.match("GET", path + ending) is NO_ROUTE


def test_head_is_get_without_a_body() -> None:
    """RFC 9110 §9.3.2: the same route, with the same access."""
    for path in ("/api/health", "/settings", "/api/keys/key_1"):
        assert TABLE.match("HEAD", path) == TABLE.match("GET", path)


def test_templates_are_found() -> None:
    """The log stores the template, not the ids in it."""
    found = TABLE.match("GET", "/api/keys/key_1")
    assert (found.template, found.policy.scope) == ("/api/keys/{key_id}", "keys:read")
    assert TABLE.match("GET", "/api/keys/a/b") is NO_ROUTE
    assert TABLE.match("GET", "/settings").policy.auth is AuthMode.SESSION


def test_a_wrong_method_learns_the_right_ones() -> None:
    """405 with Allow."""
    assert TABLE.match("POST", "/settings").allow == ("GET", "HEAD")
