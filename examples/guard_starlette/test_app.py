"""The service's own tests: real requests and real rules, with keys that need no ARI."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ari.guard.testing import FakeKeys, fake_keys
from examples.guard_starlette.app import app, ari, orders


@pytest.fixture
def keys() -> Iterator[FakeKeys]:
    orders.clear()
    with fake_keys(ari) as found:
        yield found


@pytest.fixture
def client(keys: FakeKeys) -> Iterator[TestClient]:
    with TestClient(app) as found:
        yield found


def test_methods_of_an_endpoint_have_their_own_scopes(client: TestClient, keys: FakeKeys) -> None:
    """And each request is a row with the route's template."""
    reader = {"x-api-key": keys.create("orders:read")}
    writer = {"x-api-key": keys.create("orders:write", name="shop")}
    assert client.post("/orders", headers=writer).status_code == 201
    assert client.get("/orders", headers=reader).json() == ["shop"]
    assert client.post("/orders", headers=reader).json()["code"] == "insufficient_scope"
    assert client.get("/orders").status_code == 401
    assert client.get("/exports/2026", headers=reader).text == "shop\n"
    assert [call.route for call in keys.requests] == ["/orders"] * 4 + ["/exports/{year:int}"]


def test_a_socket_opens_with_a_key_only(client: TestClient, keys: FakeKeys) -> None:
    """The refusal comes before the handshake is accepted."""
    with client.websocket_connect("/watch", headers={"x-api-key": keys.create("orders:read")}) as socket:
        assert socket.receive_json() == []
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/watch"):
        pass
    assert [(call.route, call.status) for call in keys.requests] == [("/watch", 101), ("/watch", 401)]
