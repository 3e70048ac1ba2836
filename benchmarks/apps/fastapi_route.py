"""One FastAPI route, bare and behind ARI's middleware, to measure what the middleware adds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from ari.base.settings import load_settings
from ari.http.middleware import Middleware
from ari.http.route_policy import AuthMode, policy
from ari.instance import Instance
from ari.web import error_page

PATH = "/api/things/{thing_id}"


@policy(AuthMode.KEY_OR_SESSION, scope=None)
async def read_thing(thing_id: str) -> dict[str, Any]:
    """The same five fields as the bare app."""
    return {"id": thing_id, "name": "a thing", "size": 3, "tags": ["x"], "ok": True}


def bare() -> FastAPI:
    """The route as FastAPI serves it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route(PATH, read_thing, methods=["GET"])
    return app


def guarded() -> Middleware:
    """The same route, verified and logged."""
    instance = Instance.open(load_settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await guard.start()
        yield
        await guard.stop()
        instance.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_api_route(PATH, read_thing, methods=["GET"])
    guard = Middleware(app, instance, app.routes, error_page(instance))
    return guard
