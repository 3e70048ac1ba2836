"""A service that embeds the guard, for ``embedded.py``: ``uvicorn --workers 2 tests.proof.embedding_app:app``."""

from typing import Annotated

from fastapi import FastAPI, Security

from ari.guard.fastapi import ApiKeys, Ari, Key

ari = Ari.local()
app = FastAPI()
app.add_middleware(ApiKeys, ari=ari)
AnyKey = Annotated[Key, Security(ari.key(any_key=True))]


@app.get("/orders")
async def list_orders(key: AnyKey) -> str:
    """A safe request: decided and logged before the handler runs, since the key has limits."""
    return key.id


@app.post("/orders")
async def create_order(key: AnyKey) -> str:
    """An unsafe one: its row is completed later."""
    return key.id


@app.get("/health")
async def read_health() -> str:
    """Open."""
    return "ok"
