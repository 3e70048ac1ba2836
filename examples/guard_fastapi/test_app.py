"""The service's own tests: real requests and real rules, with keys that need no ARI."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from ari.guard.fastapi import Key
from ari.guard.testing import FakeKeys, fake_keys
from examples.guard_fastapi.app import app, ari, orders


@pytest.fixture
def keys() -> Iterator[FakeKeys]:
    orders.clear()
    with fake_keys(ari) as found:
        yield found


@pytest.fixture
def client(keys: FakeKeys) -> Iterator[TestClient]:
    with TestClient(app) as found:
        yield found


def test_a_key_may_do_what_its_scopes_allow(client: TestClient, keys: FakeKeys) -> None:
    """Reading takes one scope, writing the other."""
    reader = {"x-api-key": keys.create("orders:read")}
    writer = {"authorization": f"Bearer {keys.create('orders:write', name='shop')}"}
    assert client.post("/orders", headers=writer).json() == {"number": 1, "made_by": "shop"}
    assert client.get("/orders", headers=reader).json() == [{"number": 1, "made_by": "shop"}]
    refused = client.post("/orders", headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert refused.headers["content-type"] == "application/problem+json"
    assert [(call.route, call.status, call.code) for call in keys.requests] == [
        ("/orders", 201, "ok"),
        ("/orders", 200, "ok"),
        ("/orders", 403, "insufficient_scope"),
    ]


def test_a_consumer_sees_its_own_orders(client: TestClient, keys: FakeKeys) -> None:
    """The key says whose it is."""
    headers = {"x-api-key": keys.create("*", name="acme", consumer="cus_1")}
    client.post("/orders", headers={"x-api-key": keys.create("*", name="other")})
    client.post("/orders", headers=headers)
    assert [order["made_by"] for order in client.get("/orders", headers=headers).json()] == ["acme"]


def test_requests_without_a_valid_key_are_refused(client: TestClient, keys: FakeKeys) -> None:
    """Missing, revoked, or ARI is down; the open route works all the same."""
    assert client.get("/orders").status_code == 401
    secret = keys.create("orders:read")
    with keys.refuse_all("unavailable"):
        assert client.get("/orders", headers={"x-api-key": secret}).status_code == 503
        assert client.get("/health").json() == "ok"
    keys.revoke(secret)
    assert client.get("/orders", headers={"x-api-key": secret}).json()["code"] == "revoked"


def test_a_dependency_can_be_overridden(client: TestClient) -> None:
    """FastAPI's own way, without any key in the request."""
    app.dependency_overrides[ari.key("orders:read")] = lambda: Key(id="key_1", name="nobody")
    try:
        assert client.get("/orders").json() == []
    finally:
        app.dependency_overrides.clear()


def test_the_openapi_document_says_how_to_send_a_key(client: TestClient) -> None:
    """Generated clients and the docs page read it there."""
    document = client.get("/openapi.json").json()
    assert document["paths"]["/orders"]["get"]["security"] == [{"Bearer": ["orders:read"]}, {"ApiKey": ["orders:read"]}]
    assert "security" not in document["paths"]["/health"]["get"]
