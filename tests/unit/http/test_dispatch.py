"""security.md 1: only the authorized endpoint runs, and the row of an unsafe request is committed before it acts."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.responses import Response
from starlette.routing import Route

from ari.http.dispatch import Dispatcher, authorize, run_handler
from ari.http.responses import Response as WholeResponse
from ari.http.route_policy import AuthMode, FastRoute, RoutePolicy, policy
from ari.http.route_table import NO_ROUTE, MatchedRoute, RouteTable
from tests.support import asgi
from tests.support.contexts import a_context, a_key
from tests.support.instances import settings_for


class Services:
    """Only what a fault's response asks for."""

    def __init__(self, data_dir: Any) -> None:
        self.settings = settings_for(data_dir, None)


class Recorder:
    """Notes when a row is committed."""

    def __init__(self, order: list[str]) -> None:
        self.order = order

    async def write(self, _: object) -> None:
        self.order.append("row")


async def _refuse_call(*_: object) -> Any:
    raise AssertionError("nothing else is asked")


def _dispatch(scope: MutableMapping[str, Any], reports: list[str]) -> int:
    async def report() -> None:
        reports.append("unauthorized")

    return asyncio.run(asgi.call(_Keep(Dispatcher(_refuse_call, report), scope), "GET", b"/a/1", [])).status


class _Keep:
    """Calls an app with its own scope in place of the one that ``asgi.call`` makes."""

    def __init__(self, app: Any, scope: MutableMapping[str, Any]) -> None:
        self.app, self.scope = app, scope

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        await self.app(self.scope, receive, send)


@policy(AuthMode.OPEN)
async def _endpoint(request: Any) -> Response:
    return Response(status_code=204 if request.path_params == {"name": "1"} else 500)


ROUTES = RouteTable([Route("/a/{name}", _endpoint), Route("/b/{name}", _endpoint)])


def test_only_an_authorized_request_reaches_an_endpoint() -> None:
    """Any other is a bug in ARI: 404, and an event that the owner sees."""
    reports: list[str] = []
    scope = asgi.scope_of("GET", b"/a/1", [])
    assert _dispatch(dict(scope), reports) == 404
    assert reports == ["unauthorized"]
    authorize(scope, ROUTES.match("GET", "/a/1"))
    assert _dispatch(scope, reports) == 204
    assert _dispatch(scope, reports) == 404, "an authorization is used once"


def test_a_route_is_not_authorized_for_the_path_of_another() -> None:
    """Two routes that read a path differently cannot disagree."""
    with pytest.raises(ValueError, match="not one of this route"):
        authorize(asgi.scope_of("GET", b"/a/1", []), ROUTES.match("GET", "/b/1"))


@pytest.mark.parametrize(("method", "reads_only"), [("POST", False), ("POST", True), ("GET", False)])
def test_the_row_of_an_unsafe_request_is_committed_first(method: str, reads_only: bool) -> None:
    """Promise 2: what a handler changed is in the log even if the process dies right after it."""
    order: list[str] = []

    async def handler(*_: object) -> WholeResponse:
        order.append("handler")
        return WholeResponse(200, [], b"")

    route = MatchedRoute("/x", RoutePolicy(AuthMode.KEY, fast=FastRoute(handler, reads_only=reads_only)))
    context = a_context(method, "/x", key=a_key(), route=route, recorder=Recorder(order))
    context.form = {}
    context.record.begin(context.head, "/x", None, a_key(), "ok")
    services: Any = None
    assert asyncio.run(run_handler(_refuse_call, {}, context, services)) == WholeResponse(200, [], b"")
    assert order == (["row", "handler"] if method == "POST" and not reads_only else ["handler"])


def test_there_is_no_endpoint_to_run(data_dir: Any) -> None:
    """An unknown path is 404, and a method that a route lacks 405 with the methods that it has (RFC 9110 §15.5.6)."""
    services: Any = Services(data_dir)
    found = asyncio.run(run_handler(_refuse_call, {}, a_context(route=NO_ROUTE), services))
    assert found is not None
    assert found.status == 404
    other = MatchedRoute("/x", RoutePolicy(AuthMode.OPEN), allow=("GET", "HEAD"))
    found = asyncio.run(run_handler(_refuse_call, {}, a_context("POST", route=other), services))
    assert found is not None
    assert (found.status, dict(found.headers)[b"allow"]) == (405, b"GET, HEAD")
