"""One FastAPI route: bare, behind ARI's middleware, and with ``ari.guard``, to measure what each adds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Security
from pydantic import BaseModel

from ari.base.settings import load_settings
from ari.guard.fastapi import ApiKeys, Ari, Key
from ari.http.middleware import Middleware
from ari.http.route_policy import AuthMode, policy
from ari.instance import Instance
from ari.web import error_page

PATH = "/api/things/{thing_id}"
ORDERS_PATH = "/orders"
FIRST = datetime(2026, 11, 29, tzinfo=UTC)


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


class Order(BaseModel):
    """One of the orders that a realistic route returns."""

    number: int
    customer: str
    paid: bool
    placed_at: datetime
    total_cents: int


ORDERS = [
    {"number": n, "customer": f"Customer {n}", "paid": n % 3 > 0, "placed_at": FIRST, "total_cents": 999 * n}
    for n in range(20)
]
Size = Annotated[int, Query(ge=1, le=100)]


async def list_orders(size: Size = 20, customer: str | None = None) -> list[dict[str, Any]]:
    """A page of a list, with validated parameters and a validated response of 1.9 kB."""
    return [order for order in ORDERS[:size] if customer is None or order["customer"] == customer]


def orders() -> FastAPI:
    """A route as services have them, bare."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route(ORDERS_PATH, list_orders, response_model=list[Order], methods=["GET"])
    return app


def guarded_orders() -> FastAPI:
    """The same with ``ari.guard``, on the data of the environment."""
    ari = Ari.local()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(ApiKeys, ari=ari)

    @app.get(ORDERS_PATH, response_model=list[Order])
    async def list_guarded(
        _: Annotated[Key, Security(ari.key(any_key=True))], size: Size = 20, customer: str | None = None
    ) -> list[dict[str, Any]]:
        return await list_orders(size, customer)

    return app
