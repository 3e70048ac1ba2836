"""Callers get types: the type checker reads this file, and each value is what it says."""

from datetime import datetime
from typing import Any, assert_type

import httpx2

from ari.client.async_client import AsyncAriClient
from ari.client.generated import models
from ari.client.generated.sync_client import AriClient

KEY: dict[str, Any] = {
    "id": "key_1",
    "name": "a",
    "hint": "a…b",
    "scopes": ["api:read"],
    "status": "active",
    "created_by": "cli",
    "created_at": "2027-01-31T12:00:00.000Z",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
    "disabled": False,
    "may_rotate": False,
    "limits": [],
    "credits": None,
    "request_count": 0,
    "refused_count": 0,
    "kind": None,
    "environment": "live",
    "consumer": None,
    "tags": [],
    "metadata": {},
    "addresses": [],
    "models": None,
    "budgets": [],
}


def _respond(request: httpx2.Request) -> httpx2.Response:
    if request.method == "POST":
        return httpx2.Response(201, json={"key": KEY, "secret": "ari_k_secret"})
    return httpx2.Response(200, json={"items": [KEY], "next_cursor": None, "total": 1, "complete_until": None})


def test_the_blocking_client_is_typed() -> None:
    """Results, items of lists and their fields."""
    with AriClient("https://h", key="ari_k_x", transport=httpx2.MockTransport(_respond)) as client:
        created = client.keys.create("a", limits=[{"limit": 5, "window": "1h"}], expires="90d")
        assert_type(created, models.CreatedOut)
        assert isinstance(created, models.CreatedOut)
        for key in client.keys.list(status="active"):
            assert_type(key, models.KeyOut)
            assert_type(key.expires_at, datetime | None)
            assert isinstance(key.created_at, datetime)
        pages = list(client.keys.list().pages())
        assert_type(pages, list[models.KeyListOut])
        assert pages[0].total == 1


async def _use(client: AsyncAriClient) -> models.CreatedOut:
    async with client:
        async for key in client.keys.list():
            assert_type(key, models.KeyOut)
        created = await client.keys.create("a")
        assert_type(created, models.CreatedOut)
        return created


def test_the_asynchronous_client_is_typed() -> None:
    """The same types, to be awaited."""
    import asyncio

    client = AsyncAriClient("https://h", key="ari_k_x", transport=httpx2.MockTransport(_respond))
    assert asyncio.run(_use(client)).secret == "ari_k_secret"
