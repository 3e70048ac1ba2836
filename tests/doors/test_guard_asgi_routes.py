"""Every guard of a route counts, however routes are nested, before any response, and under the route's name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Security, WebSocket
from fastapi.testclient import TestClient
from litestar import Litestar, Router, asgi, get
from litestar.testing import TestClient as LitestarClient
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.websockets import WebSocketDisconnect

from ari.base.errors import ConfigurationError
from ari.guard import litestar as for_litestar
from ari.guard import starlette as for_starlette
from ari.guard.asgi import App, Receive, Scope, Send
from ari.guard.fastapi import ApiKeys, Ari, Key
from ari.guard.testing import FakeKeys, fake_keys
from tests.support.guard import GuardedInstance, guarded_instance

Number = Annotated[int, Body(embed=True)]


class CopyScope:
    """A middleware that gives the app a copy of the scope, as many do."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(dict(scope), receive, send)


def fail() -> None:
    raise ValueError("the dependency fails")


def add_routes(app: FastAPI, ari: Ari, guards: list[Any]) -> None:
    """Routes with several guards."""

    def find_customer(key: Annotated[Key, Depends(ari.key("orders:read"))]) -> str:
        return key.name

    @app.post("/nested", dependencies=[Security(find_customer, scopes=["orders:write"])])
    def write_nested(x: Number) -> int:
        return x

    @app.get("/scopes", dependencies=[Security(ari.key("orders:read"), scopes=["orders:write"])])
    def read_scopes() -> str:
        return "read"

    @app.get("/any", dependencies=[Security(ari.key(any_key=True), scopes=["orders:write"])])
    def read_any() -> str:
        return "read"

    @app.get("/fails", dependencies=[Depends(fail), *guards])
    def read_fails() -> None:
        raise AssertionError("the handler must not run")

    @app.get(
        "/differ", dependencies=[Security(ari.key("orders:read", cost=2)), Security(ari.key(any_key=True, cost=3))]
    )
    def read_differ() -> None:
        raise AssertionError("the handler must not run")


def make_app(ari: Ari, copies: bool = False) -> FastAPI:
    """An app whose guards are at each place where FastAPI takes dependencies."""
    app = FastAPI()
    if copies:
        app.add_middleware(CopyScope)
    app.add_middleware(ApiKeys, ari=ari)
    guards = [Security(ari.key("orders:read"))]
    plain, inner, outer = APIRouter(), APIRouter(), APIRouter(prefix="/parent", dependencies=guards)

    @plain.post("/items/{item_id}")
    def write_item(item_id: int, x: Number) -> int:
        return x

    @plain.websocket("/socket")
    async def serve_socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    @inner.post("/items")
    def write_inner(x: Number, key: Annotated[Key, Security(ari.key("orders:write", cost=5))]) -> str:
        return key.name

    @app.post("/direct", dependencies=guards)
    def write_direct(x: Number) -> int:
        return x

    mounted = FastAPI(dependencies=guards)
    if copies:
        mounted.add_middleware(CopyScope)

    @mounted.post("/items")
    def write_mounted(x: Number) -> int:
        return x

    add_routes(app, ari, guards)
    app.include_router(plain, prefix="/included", dependencies=guards)
    outer.include_router(inner)
    app.include_router(outer)
    app.mount("/shops/{shop:int}/x", mounted)
    mounting = APIRouter()
    mounting.mount("/deep", mounted)
    app.include_router(mounting, prefix="/more")
    return app


GUARDED = (
    ("/included/items/7", "/included/items/{item_id}"),
    ("/parent/items", "/parent/items"),
    ("/direct", "/direct"),
    ("/shops/007/x/items", "/shops/{shop:int}/x/items"),
    ("/more/deep/items", "/more/deep/items"),
)


@pytest.fixture
def ari() -> Ari:
    return Ari.local("/nowhere")


@pytest.fixture
def fake(ari: Ari) -> Iterator[FakeKeys]:
    with fake_keys(ari) as keys:
        yield keys


@pytest.mark.parametrize("copies", [False, True], ids=["one-scope", "copied-scope"])
def test_an_invalid_body_is_decided_first(ari: Ari, fake: FakeKeys, copies: bool) -> None:
    """A stranger gets a 401; the 422 of a valid key is logged with the whole template, wherever the guard is."""
    secret = fake.create("orders:read", "orders:write")
    client = TestClient(make_app(ari, copies))
    for path, template in GUARDED:
        fake.requests.clear()
        assert client.post(path, json={}).status_code == 401
        for body, status in (({}, 422), ({"x": 1}, 200)):
            assert client.post(path, json=body, headers={"x-api-key": secret}).status_code == status
        assert [(call.route, call.status) for call in fake.requests] == [
            (template, 401),
            (template, 422),
            (template, 200),
        ]
    assert client.get("/nowhere").status_code == 404


@pytest.mark.parametrize("is_outside", [False, True])
def test_the_preflight_of_a_guarded_route_needs_no_key(ari: Ari, fake: FakeKeys, is_outside: bool) -> None:
    """A CORS middleware responds to it: browsers send it without the key. Around ``ApiKeys`` it marks refusals, too."""
    app = FastAPI()
    if is_outside:
        app.add_middleware(ApiKeys, ari=ari)
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"], allow_headers=["x-api-key"])
    if not is_outside:
        app.add_middleware(ApiKeys, ari=ari)

    @app.get("/orders", dependencies=[Security(ari.key("orders:read"))])
    def list_orders() -> str:
        return "orders"

    asked = {"origin": "https://shop.example", "access-control-request-method": "GET"}
    assert TestClient(app).options("/orders", headers=asked).status_code == 200
    refused = TestClient(app).get("/orders", headers=asked)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (401, is_outside)
    assert [call.status for call in fake.requests] == [401]


def test_included_websockets_have_their_template(ari: Ari, fake: FakeKeys) -> None:
    """With the prefix of the router, and without a key there is no handshake."""
    client = TestClient(make_app(ari))
    with client.websocket_connect("/included/socket", headers={"x-api-key": fake.create("orders:read")}):
        pass
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/included/socket"):
        pass
    assert [(call.route, call.status) for call in fake.requests] == [
        ("/included/socket", 101),
        ("/included/socket", 401),
    ]


def test_the_scopes_of_security_are_required(ari: Ari, fake: FakeKeys) -> None:
    """The OpenAPI document shows them, so they are enforced, also around a dependency that needs a key."""
    reader, writer = fake.create("orders:read"), fake.create("orders:read", "orders:write")
    client = TestClient(make_app(ari))
    for method, path in (("GET", "/scopes"), ("GET", "/any"), ("POST", "/nested")):
        for secret, status in ((reader, 403), (writer, 200)):
            found = client.request(method, path, headers={"x-api-key": secret}, json={"x": 1})
            assert found.status_code == status, (path, found.text)


def test_a_dependency_that_fails_first_is_logged(ari: Ari, fake: FakeKeys) -> None:
    """A stranger does not see the 500, and that of a valid key is in the log."""
    client = TestClient(make_app(ari), raise_server_exceptions=False)
    assert client.get("/fails").status_code == 401
    assert client.get("/fails", headers={"x-api-key": fake.create("orders:read")}).status_code == 500
    assert [(call.status, call.code) for call in fake.requests] == [(401, "missing"), (500, "ok")]


def test_the_status_of_an_error_handler_is_logged_around_the_whole_app(ari: Ari, fake: FakeKeys) -> None:
    """As the guide says: FastAPI runs a handler of ``Exception`` outside the app's middlewares."""
    app = make_app(ari)
    app.user_middleware.clear()
    app.add_exception_handler(Exception, lambda _request, _error: PlainTextResponse("teapot", 418))
    client = TestClient(ApiKeys(app, ari=ari), raise_server_exceptions=False)
    assert client.get("/fails").status_code == 401
    assert client.get("/fails", headers={"x-api-key": fake.create("orders:read")}).status_code == 418
    assert [(call.status, call.code) for call in fake.requests] == [(401, "missing"), (418, "ok")]


def test_guards_whose_costs_differ_fail(ari: Ari, fake: FakeKeys) -> None:
    """Whatever is consumed, it is never silently another cost than the code says."""
    with pytest.raises(ConfigurationError, match="they differ"):
        TestClient(make_app(ari)).get("/differ", headers={"x-api-key": fake.create("orders:read")})
    assert fake.requests == []


def test_a_refusal_of_the_second_guard_consumes_nothing(tmp_path: Path, database_url: str | None) -> None:
    """The row says why; an admitted request consumes the cost that a guard names, though it is not the first."""
    limits = [{"name": "default", "limit": 10, "window": "1h"}]
    with guarded_instance(tmp_path, database_url) as instance:
        app = make_app(Ari.local(instance.data_dir, instance.database_url))
        with TestClient(app) as client:
            for scopes in (("orders:read",), ("orders:read", "orders:write")):
                headers = {"x-api-key": instance.create_secret(*scopes, limits=limits)}
                client.post("/parent/items", json={"x": 1}, headers=headers)
        assert read_charges(instance) == [("insufficient_scope", 403, None), ("ok", 200, '{"default":5}')]


def read_charges(instance: GuardedInstance) -> list[tuple[str, int | None, str | None]]:
    """Code, status and what was consumed, of each row."""
    return [(row.code, row.status, row.consumed) for row in instance.read_rows()]


def test_starlette_decorators_count_together() -> None:
    """Decided once; costs that differ, and a guard after the handshake, stop the start."""
    ari = for_starlette.Ari.local("/nowhere")

    @ari.key("orders:write")
    @ari.key("orders:read", cost=5)
    async def read_both(request: Request) -> PlainTextResponse:
        return PlainTextResponse("both")

    with pytest.raises(ConfigurationError, match="they differ"):
        ari.key("orders:write", cost=2)(read_both)
    with pytest.raises(ConfigurationError, match="at the handshake"):

        class Socket(WebSocketEndpoint):
            @ari.key("orders:read")
            async def on_receive(self, websocket: Any, data: Any) -> None:
                """Too late."""

    mounted = Mount("/shops/{shop:path}/x", routes=[Route("/both", read_both)])
    app = Starlette(routes=[mounted], middleware=[Middleware(ApiKeys, ari=ari)])
    with fake_keys(ari) as fake:
        client = TestClient(app)
        for scopes, status in ((("orders:read",), 403), (("orders:read", "orders:write"), 200)):
            found = client.get("/shops/a/b/x/both", headers={"x-api-key": fake.create(*scopes)})
            assert found.status_code == status
        assert [(call.route, call.code) for call in fake.requests] == [
            ("/shops/{shop:path}/x/both", "insufficient_scope"),
            ("/shops/{shop:path}/x/both", "ok"),
        ]


def test_a_guard_after_the_response_began_admits_nobody() -> None:
    """Not even a valid key: the request could no longer be refused or logged."""
    ari = for_starlette.Ari.local("/nowhere")
    reached = []

    @ari.key("orders:read")
    async def read_name(request: Request) -> None:
        reached.append(request)

    async def stream_late(request: Request) -> StreamingResponse:
        async def write() -> Any:
            yield b"start"
            await read_name(request)

        return StreamingResponse(write())

    app = Starlette(routes=[Route("/late", stream_late)], middleware=[Middleware(ApiKeys, ari=ari)])
    with fake_keys(ari) as fake, pytest.raises(RuntimeError, match="after the response began"):
        TestClient(app).get("/late", headers={"x-api-key": fake.create("orders:read")})
    assert reached == []


def test_litestar_guards_count_together() -> None:
    """Those of a router and of its handler; a mounted ASGI app has the path of its mount in the log."""
    ari = for_litestar.Ari.local("/nowhere")

    @get("/both", guards=[ari.key("orders:write", cost=5)])
    async def read_both() -> str:
        return "both"

    @asgi("/raw", is_mount=True, copy_scope=True)
    async def serve_raw(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("raw")(scope, receive, send)

    router = Router("/v1", route_handlers=[read_both, serve_raw], guards=[ari.key("orders:read")])
    with (
        fake_keys(ari) as fake,
        LitestarClient(Litestar([router], plugins=[for_litestar.ApiKeysPlugin(ari)])) as client,
    ):
        reader, writer = fake.create("orders:read"), fake.create("orders:read", "orders:write")
        for path, secret in (("/v1/both", reader), ("/v1/both", writer), ("/v1/raw/a", reader)):
            client.get(path, headers={"x-api-key": secret})
        assert [(call.route, call.status) for call in fake.requests] == [
            ("/v1/both", 403),
            ("/v1/both", 200),
            ("/v1/raw", 200),
        ]
