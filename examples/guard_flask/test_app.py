"""The service's own tests: real requests and real rules, with keys that need no ARI."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from ari.guard.testing import FakeKeys, fake_keys
from examples.guard_flask.app import app, ari, orders


@pytest.fixture
def keys() -> Iterator[FakeKeys]:
    orders.clear()
    with fake_keys(ari) as found:
        yield found


@pytest.fixture
def client(keys: FakeKeys) -> FlaskClient:
    return app.test_client()


def test_views_have_their_own_scopes(client: FlaskClient, keys: FakeKeys) -> None:
    """And each request is a row with the rule of its URL."""
    reader = {"x-api-key": keys.create("orders:read", "exports:read")}
    writer = {"x-api-key": keys.create("orders:write", name="shop")}
    assert client.post("/orders", headers=writer).json == {"order": 1}
    assert client.get("/orders/1", headers=reader).text == "shop"
    assert client.get("/orders/2", headers=reader).status_code == 404
    assert client.get("/exports/2026", headers=reader).text == "2026 shop\n"
    assert client.get("/exports/2026", headers=writer).get_json()["code"] == "insufficient_scope"
    assert client.get("/health").text == "ok"
    assert [(call.method, call.route, call.status) for call in keys.requests] == [
        ("POST", "/orders", 201),
        ("GET", "/orders/<int:number>", 200),
        ("GET", "/orders/<int:number>", 404),
        ("GET", "/exports/<int:year>", 200),
        ("GET", "/exports/<int:year>", 403),
    ]


def test_keys_that_are_refused(client: FlaskClient, keys: FakeKeys) -> None:
    """Without a key, with a revoked one, and while ARI is unavailable."""
    missing = client.get("/orders")
    assert (missing.status_code, missing.content_type) == (401, "application/problem+json")
    headers = {"x-api-key": keys.create("orders:read")}
    keys.revoke(headers["x-api-key"])
    assert client.get("/orders", headers=headers).get_json()["code"] == "revoked"
    with keys.refuse_all("unavailable"):
        assert client.get("/orders", headers=headers).status_code == 503
