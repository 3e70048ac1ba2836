"""Caches between ``ApiKeys`` and a guard open nothing: what they hold needs a key, and is logged, as any response."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial, wraps
from typing import Any, cast

import pytest
from fastapi import FastAPI, Security
from fastapi.testclient import TestClient
from litestar import Litestar, get
from litestar.testing import TestClient as LitestarClient
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from ari.guard import fastapi as for_fastapi
from ari.guard import litestar as for_litestar
from ari.guard.asgi import ApiKeys, App, Message, Receive, Scope, Send
from ari.guard.starlette import Ari
from ari.guard.testing import FakeKeys, fake_keys

Endpoint = Callable[..., Awaitable[Response]]


class Cache:
    """A middleware that keeps each page by its path, and responds with it to any method."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in self.kept and scope["method"] != "OPTIONS":
            for message in self.kept[path]:
                await send(message)
            return
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)
            await send(message)

        await self.app(dict(scope), receive, keep)
        if scope["method"] == "GET" and sent and sent[0]["status"] == 200:
            self.kept[path] = sent


def cache(endpoint: Endpoint) -> Endpoint:
    """A decorator that keeps the first response."""
    kept: list[Response] = []

    @wraps(endpoint)
    async def run(*args: Any, **options: Any) -> Response:
        if not kept:
            kept.append(await endpoint(*args, **options))
        return kept[0]

    return run


async def read_text(request: Request, text: str = "orders") -> Response:
    return PlainTextResponse(text, headers={"cache-control": "public, max-age=60"})


@pytest.fixture
def ari() -> Ari:
    return Ari.local("/nowhere")


@pytest.fixture
def fake(ari: Ari) -> Iterator[FakeKeys]:
    with fake_keys(ari) as keys:
        yield keys


def check_closed(client: Any, fake: FakeKeys, path: str, template: str | None = None) -> None:
    """Only a key with the scope gets the page, before and after the cache has it; only private caches may keep it."""
    fake.requests.clear()
    reader, writer = fake.create("orders:read"), fake.create("orders:write")
    assert client.get(path).status_code == 401
    for _ in range(2):
        found = client.get(path, headers={"x-api-key": reader})
        assert found.status_code == 200
        assert found.headers["cache-control"].endswith("private")
        assert "public" not in found.headers["cache-control"]
        assert found.headers["vary"] == "Authorization, X-Api-Key"
    assert [client.request(method, path).status_code for method in ("GET", "HEAD", "PUT")] == [401] * 3
    assert client.get(path, headers={"x-api-key": writer}).status_code == 403
    logged = [(call.route, call.status) for call in fake.requests]
    assert logged == [(template or path, status) for status in (401, 200, 200, 401, 401, 401, 403)]


def test_a_cache_above_the_decorator_of_starlette(ari: Ari, fake: FakeKeys) -> None:
    """Above a function, a method of a class, and one that a partial hides; as the route of a mounted app, too."""

    class Orders(HTTPEndpoint):
        @cache
        @ari.key("orders:read")
        async def get(self, request: Request) -> Response:
            return await read_text(request)

    inner = [Route("/{number:int}", cache(ari.key("orders:read")(read_text)))]
    routes = [
        Route("/function", cache(ari.key("orders:read")(read_text))),
        Route("/class", Orders),
        Route("/partial", partial(cache(ari.key("orders:read")(read_text)), text="partial")),
        Mount("/shop", routes=inner),
    ]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(ApiKeys, ari=ari)]))
    for path in ("/function", "/class", "/partial"):
        check_closed(client, fake, path)
    check_closed(client, fake, "/shop/7", "/shop/{number:int}")


def test_a_cache_in_a_middleware_of_starlette(ari: Ari, fake: FakeKeys) -> None:
    """Which gives the app a copy of the scope; open routes need no key, nor does another method."""

    class Orders(HTTPEndpoint):
        @ari.key("orders:read")
        async def get(self, request: Request) -> Response:
            return await read_text(request)

    guarded = ari.key("orders:read")(read_text)
    routes = [
        Route("/orders", guarded),
        Route("/class", Orders),
        Route("/partial", partial(guarded, text="partial")),
        Route("/open", read_text),
        Mount("/shop", routes=[Route("/{number:int}", guarded)]),
    ]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(ApiKeys, ari=ari), Middleware(Cache)]))
    for path in ("/orders", "/class", "/partial"):
        check_closed(client, fake, path)
    check_closed(client, fake, "/shop/7", "/shop/{number:int}")
    assert [client.get(path).status_code for path in ("/open", "/open", "/nowhere")] == [200, 200, 404]
    assert client.options("/orders").status_code == 405


def test_a_cache_in_a_middleware_of_litestar() -> None:
    """An open handler needs no key."""
    ari = for_litestar.Ari.local("/nowhere")

    @get(["/orders", "/orders/{number:int}"], guards=[ari.key("orders:read")])
    async def read_order() -> str:
        return "orders"

    @get("/open")
    async def read_open() -> str:
        return "open"

    app = Litestar([read_order, read_open], plugins=[for_litestar.ApiKeysPlugin(ari)], middleware=[cast("Any", Cache)])
    with fake_keys(ari) as fake, LitestarClient(app) as client:
        secret = fake.create("orders:read")
        for path, template in (("/orders", "/orders"), ("/orders/7", "/orders/{number}")):
            fake.requests.clear()
            found = [client.get(path, headers={"x-api-key": secret}) for _ in range(2)]
            assert [one.status_code for one in (*found, client.get(path))] == [200, 200, 401]
            assert [(call.route, call.status) for call in fake.requests] == [
                (template, 200),
                (template, 200),
                (template, 401),
            ]
        assert [client.get(path).status_code for path in ("/open", "/open", "/nowhere")] == [200, 200, 404]


def test_a_cache_in_a_middleware_of_fastapi() -> None:
    """Also for HEAD, which FastAPI's own routes for GET don't have, and though another method's route comes first."""
    ari = for_fastapi.Ari.local("/nowhere")
    app = FastAPI()
    app.add_middleware(Cache)
    app.add_middleware(ApiKeys, ari=ari)

    @app.post("/orders")
    def write_order() -> str:
        return "written"

    @app.get("/orders", dependencies=[Security(ari.key("orders:read"))])
    def list_orders() -> PlainTextResponse:
        return PlainTextResponse("orders", headers={"cache-control": "public"})

    with fake_keys(ari) as fake:
        client = TestClient(app)
        assert client.post("/orders").status_code == 200
        check_closed(client, fake, "/orders")
