"""Orders over HTTP with FastAPI; each request needs an ARI key. Run: ``fastapi run app.py`` or ``uvicorn app:app``."""

from typing import Annotated

from fastapi import FastAPI, Security
from pydantic import BaseModel

from ari.guard.fastapi import ApiKeys, Ari, Key

ari = Ari.local()
app = FastAPI(title="Orders")
app.add_middleware(ApiKeys, ari=ari)

Reader = Annotated[Key, Security(ari.key("orders:read"))]
Writer = Annotated[Key, Security(ari.key("orders:write", cost=5))]


class Order(BaseModel):
    """An order and the name of the key that made it."""

    number: int
    made_by: str


orders: list[Order] = []


@app.get("/orders")
async def list_orders(key: Reader) -> list[Order]:
    """All orders; a key of a consumer sees only its own."""
    return [order for order in orders if key.consumer is None or order.made_by == key.name]


@app.post("/orders", status_code=201)
async def create_order(key: Writer) -> Order:
    """Consumes five units of the key's limits."""
    orders.append(Order(number=len(orders) + 1, made_by=key.name))
    return orders[-1]


@app.get("/health")
async def read_health() -> str:
    """Open to everybody: it has no guard."""
    return "ok"
