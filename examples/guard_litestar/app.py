"""Orders over HTTP with Litestar; each request needs an ARI key. Run: ``litestar run`` or ``uvicorn app:app``."""

from typing import Any

from litestar import Controller, Litestar, Request, get, post
from litestar.params import FromPath

from ari.guard.litestar import ApiKeysPlugin, Ari, Key

ari = Ari.local()
orders: list[str] = []


class Orders(Controller):
    """The list of orders, by the name of the key that made each."""

    path = "/orders"
    guards = [ari.key("orders:read")]  # noqa: RUF012 - as Litestar has it

    @get()
    async def list_orders(self) -> list[str]:
        return orders

    @get("/{number:int}")
    async def read_order(self, number: FromPath[int]) -> str:
        return orders[number - 1]

    @post(guards=[ari.key("orders:write")])
    async def create_order(self, request: Request[None, Key, Any]) -> int:
        orders.append(request.auth.name)
        return len(orders)


@get("/health")
async def read_health() -> str:
    """Open to everybody: it has no guard."""
    return "ok"


app = Litestar([Orders, read_health], plugins=[ApiKeysPlugin(ari)])
