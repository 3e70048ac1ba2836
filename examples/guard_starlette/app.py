"""Orders over HTTP and WebSocket with Starlette; each request needs an ARI key. Run: ``uvicorn app:app``."""

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ari.guard.starlette import ApiKeys, Ari, key_of

ari = Ari.local()
orders: list[str] = []


class Orders(HTTPEndpoint):
    """The list of orders, by the name of the key that made each."""

    @ari.key("orders:read")
    async def get(self, request: Request) -> JSONResponse:
        return JSONResponse(orders)

    @ari.key("orders:write")
    async def post(self, request: Request) -> JSONResponse:
        orders.append(key_of(request).name)
        return JSONResponse(len(orders), status_code=201)


@ari.key("orders:read")
def export_orders(request: Request) -> StreamingResponse:
    """A streamed response; the request is logged before its first byte."""
    return StreamingResponse(f"{order}\n" for order in orders)


@ari.key("orders:read")
async def watch_orders(socket: WebSocket) -> None:
    """Decided at the handshake: without a key there is no connection."""
    await socket.accept()
    await socket.send_json(orders)
    await socket.close()


app = Starlette(
    routes=[
        Route("/orders", Orders),
        Mount("/exports", routes=[Route("/{year:int}", export_orders)]),
        WebSocketRoute("/watch", watch_orders),
    ],
    middleware=[Middleware(ApiKeys, ari=ari)],
)
