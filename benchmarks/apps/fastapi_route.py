"""One FastAPI route: bare, behind ARI's middleware, and with ``ari.guard``, to measure what each adds."""

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
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
FIRST = "2026-11-29T12:00:00Z"


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


Size = Annotated[int, Query(ge=1, le=100)]


class OrderTable:
    """10,000 orders in SQLite, as a service would have them."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.Lock()
        self._connection.execute(
            "CREATE TABLE orders (number INTEGER PRIMARY KEY, customer TEXT, paid INT, placed_at TEXT, total_cents INT)"
        )
        rows = ((n, f"Customer {n % 100}", n % 3 > 0, FIRST, 999 * n) for n in range(10_000))
        self._connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)

    def list_newest(self, size: Size = 20) -> list[dict[str, Any]]:
        """A page of the list; FastAPI runs this in a thread, since it waits for a database."""
        with self._lock:
            found = self._connection.execute("SELECT * FROM orders ORDER BY number DESC LIMIT ?", (size,)).fetchall()
        return [dict(row) for row in found]


def orders() -> FastAPI:
    """A route as services have them: parameters and response validated, rows from a database; bare."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route(ORDERS_PATH, OrderTable().list_newest, response_model=list[Order], methods=["GET"])
    return app


def guarded_orders() -> FastAPI:
    """The same with ``ari.guard``, on the data of the environment."""
    ari, table = Ari.local(trusted_proxies=["127.0.0.1/32"]), OrderTable()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(ApiKeys, ari=ari)

    @app.get(ORDERS_PATH, response_model=list[Order])
    def list_guarded(_: Annotated[Key, Security(ari.key(any_key=True))], size: Size = 20) -> list[dict[str, Any]]:
        return table.list_newest(size)

    return app
