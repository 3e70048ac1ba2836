"""The service's own tests: real requests and real rules, with keys that need no ARI."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ari.guard.testing import FakeKeys, fake_keys
from examples.guard_litestar.app import app, ari, orders

Client = TestClient[Litestar]


@pytest.fixture
def keys() -> Iterator[FakeKeys]:
    orders.clear()
    with fake_keys(ari) as found:
        yield found


@pytest.fixture
def client(keys: FakeKeys) -> Iterator[Client]:
    with TestClient(app) as found:
        yield found


def test_guards_of_a_controller_and_a_handler(client: Client, keys: FakeKeys) -> None:
    """Both must be satisfied; each request is a row with the route's template."""
    writer = {"x-api-key": keys.create("orders:read", "orders:write", name="shop")}
    reader = {"x-api-key": keys.create("orders:read")}
    assert client.post("/orders", headers=writer).json() == 1
    assert client.get("/orders/1", headers=reader).text == "shop"
    refused = client.post("/orders", headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert client.get("/orders").headers["content-type"] == "application/problem+json"
    assert client.get("/health").text == "ok"
    assert [(call.route, call.status) for call in keys.requests] == [
        ("/orders", 201),
        ("/orders/{number}", 200),
        ("/orders", 403),
        ("/orders", 401),
    ]


def test_a_handler_that_fails_is_a_500(client: Client, keys: FakeKeys) -> None:
    """Logged as such."""
    assert client.get("/orders/7", headers={"x-api-key": keys.create("*")}).status_code == 500
    assert [call.status for call in keys.requests] == [500]


def test_the_openapi_document_says_how_to_send_a_key(client: Client) -> None:
    """Generated clients and the docs page read it there."""
    document: dict[str, Any] = client.get("/schema/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"Bearer", "ApiKey"}
    security = document["paths"]["/orders"]["post"]["security"]
    assert security == [{"Bearer": ["orders:read", "orders:write"]}, {"ApiKey": ["orders:read", "orders:write"]}]
    assert "security" not in document["paths"]["/health"]["get"]
