"""``ari.guard.fastapi``, local: a guarded FastAPI app refuses, logs and describes its keys as ARI does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Security, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from starlette.websockets import WebSocketDisconnect

from ari import keys
from ari.base.clock import HOUR_MS
from ari.base.errors import ConfigurationError
from ari.guard.fastapi import ApiKeys, Ari, Key
from ari.keys import token
from ari.storage.tables import usage_attempts
from ari.usage import fold_loop
from ari.usage.scope_use import SERVICE_USE, WATCHED_MS, read_used_routes
from tests.support.guard import GuardedInstance, guarded_instance
from tests.support.processes import eventually
from tests.support.server import Clock


def make_app(ari: Ari) -> FastAPI:
    """An app with a route of each kind."""
    app = FastAPI()
    app.add_middleware(ApiKeys, ari=ari)
    router = APIRouter(prefix="/v1")

    @router.get("/orders/{order_id}")
    async def read_order(order_id: int, key: Annotated[Key, Security(ari.key("orders:read"))]) -> dict[str, Any]:
        return {"id": order_id, "key": key.id, "may_write": key.has("orders:write")}

    @router.post("/orders")
    async def write_order(key: Annotated[Key, Security(ari.key("orders:write"))], order: dict[str, int]) -> str:
        return key.name

    @router.get("/failing")
    async def fail(key: Annotated[Key, Security(ari.key("orders:read"))]) -> None:
        raise ValueError("the handler fails")

    @router.get("/stream")
    async def stream(key: Annotated[Key, Security(ari.key("orders:read"))]) -> StreamingResponse:
        return StreamingResponse(iter([b"one", b"two"]))

    @router.get("/undeclared")
    async def read_undeclared(key: Annotated[Key, Security(ari.key("nobody:knows"))]) -> None:
        raise AssertionError("the handler must not run")

    @router.get("/both", dependencies=[Security(ari.key("orders:read"))])
    async def read_both(key: Annotated[Key, Security(ari.key("orders:write"))]) -> str:
        return key.id

    @app.get("/open")
    async def read_open() -> str:
        return "open"

    @app.websocket("/socket")
    async def serve_socket(socket: WebSocket, key: Annotated[Key, Security(ari.key("orders:read"))]) -> None:
        await socket.accept()
        await socket.send_text(key.id)
        await socket.close()

    mounted = FastAPI()

    @mounted.get("/items/{item_id}")
    async def read_item(item_id: str, key: Annotated[Key, Security(ari.key("orders:read"))]) -> str:
        return item_id

    app.include_router(router)
    app.mount("/shops/{shop}", mounted)
    return app


@pytest.fixture
def instance(tmp_path: Path, database_url: str | None) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path, database_url) as found:
        yield found


@pytest.fixture
def client(instance: GuardedInstance) -> Iterator[TestClient]:
    app = make_app(Ari.local(instance.data_dir, instance.database_url))
    with TestClient(app, raise_server_exceptions=False) as found:
        yield found


def test_requests_are_decided_and_logged(instance: GuardedInstance, client: TestClient) -> None:
    """With the route's template, the path and the status of the service's own response; on both databases."""
    made = instance.create_key("reader", "orders:read")
    headers = {"x-api-key": made.secret, "user-agent": "shop/1", "x-request-id": "order-7"}
    found = client.get("/v1/orders/7", headers=headers)
    assert found.json() == {"id": 7, "key": made.key.id, "may_write": False}
    assert found.headers["cache-control"] == "private"
    assert client.get("/v1/orders/x", headers=headers).status_code == 422
    assert client.post("/v1/orders", headers=headers, json={}).status_code == 403
    assert client.get("/open", headers=headers).status_code == 200
    first, second, refused = instance.read_rows()
    assert (first.code, first.method, first.route, first.path, first.status, first.source) == (
        "ok",
        "GET",
        "/v1/orders/{order_id}",
        "/v1/orders/7",
        200,
        "guard",
    )
    assert (first.key_id, first.user_agent, first.request_id) == (made.key.id, "shop/1", "order-7")
    assert first.bytes == len(found.content)
    assert (second.code, second.status) == ("ok", 422)
    assert (refused.code, refused.route, refused.status) == ("insufficient_scope", "/v1/orders", 403)


def test_refusals_are_those_of_ari(instance: GuardedInstance, client: TestClient) -> None:
    """Problem details with code and challenges; the detail never has the text of a key."""
    missing = client.get("/v1/orders/7")
    assert (missing.status_code, missing.headers["content-type"]) == (401, "application/problem+json")
    assert missing.json()["code"] == "missing"
    assert missing.headers.get_list("www-authenticate") == [
        'Bearer realm="ari"',
        'ApiKey realm="ari", header="x-api-key"',
    ]
    malformed = client.get("/v1/orders/7", headers={"x-api-key": "ari_k_nonsense"})
    assert malformed.json()["code"] == "malformed"
    assert "nonsense" not in malformed.text
    lacking = client.post("/v1/orders", headers={"x-api-key": instance.create_secret("orders:read")}, json={})
    assert lacking.json()["scope"] == "orders:write"
    assert 'error="insufficient_scope"' in lacking.headers["www-authenticate"]
    one, other = instance.create_secret(), instance.create_secret()
    twice = client.get("/v1/orders/7", headers={"x-api-key": one, "authorization": f"Bearer {other}"})
    assert (twice.status_code, twice.json()["code"]) == (400, "invalid_request")
    in_url = client.get(f"/v1/orders/7?key={one}")
    assert (in_url.status_code, in_url.json()["code"]) == (400, "key_in_url")
    assert client.head("/v1/orders/7").status_code == 401
    assert client.head("/v1/orders/7", headers={"x-api-key": one}).status_code == 405


def test_a_revoked_key_is_refused_by_the_next_request(instance: GuardedInstance, client: TestClient) -> None:
    """No cache may say yes."""
    made = instance.create_key()
    headers = {"authorization": f"Bearer {made.secret}"}
    assert client.get("/v1/orders/1", headers=headers).status_code == 200
    instance.deps.do_sync(keys.revoke, made.key.id)
    assert client.get("/v1/orders/1", headers=headers).json()["code"] == "revoked"


def test_limits_are_decided_before_the_handler(instance: GuardedInstance, client: TestClient) -> None:
    """The third of two requests is refused, with what remains in the headers; a refusal consumes nothing."""
    made = instance.create_key(limits=[{"name": "default", "limit": 2, "window": "1h"}])
    headers = {"x-api-key": made.secret}
    found = [client.get("/v1/orders/1", headers=headers) for _ in range(3)]
    assert [one.status_code for one in found] == [200, 200, 429]
    assert [one.headers["ratelimit"].partition(";t=")[0] for one in found] == [
        '"default";r=1',
        '"default";r=0',
        '"default";r=0',
    ]
    assert int(found[2].headers["retry-after"]) > 0
    assert found[2].json()["limit"] == "default"
    assert [(row.code, row.status, row.consumed) for row in instance.read_rows()] == [
        ("ok", 200, '{"default":1}'),
        ("ok", 200, '{"default":1}'),
        ("rate_limited", 429, None),
    ]


def test_a_handler_that_fails_is_logged_as_a_500(instance: GuardedInstance, client: TestClient) -> None:
    """Its response is the framework's."""
    headers = {"x-api-key": instance.create_secret()}
    assert client.get("/v1/failing", headers=headers).text == "Internal Server Error"
    assert client.get("/v1/stream", headers=headers).content == b"onetwo"
    assert instance.read_facts() == [("ok", "GET", "/v1/failing", 500), ("ok", "GET", "/v1/stream", 200)]


def test_an_undeclared_scope_is_the_services_fault(
    instance: GuardedInstance, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A 500, though the key holds every scope, and a sentence in the service's log."""
    found = client.get("/v1/undeclared", headers={"x-api-key": instance.create_secret("*")})
    assert (found.status_code, found.json()["code"]) == (500, "internal")
    assert "The guard of GET /v1/undeclared is wrong. This scope isn't declared." in caplog.text
    assert f"Request ID: {found.json()['request_id']}" in caplog.text
    assert found.json()["type"] == "about:blank"


def test_two_guards_on_a_route(instance: GuardedInstance, client: TestClient) -> None:
    """Both scopes are needed; the request is one row."""
    assert client.get("/v1/both", headers={"x-api-key": instance.create_secret()}).status_code == 200
    assert client.get("/v1/both", headers={"x-api-key": instance.create_secret("orders:read")}).status_code == 403
    assert [row.status for row in instance.read_rows()] == [200, 403]


def test_websockets_are_decided_at_the_handshake(instance: GuardedInstance, client: TestClient) -> None:
    """Without a key there is no connection."""
    made = instance.create_key()
    with client.websocket_connect("/socket", headers={"x-api-key": made.secret}) as socket:
        assert socket.receive_text() == made.key.id
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket"):
        pass
    assert instance.read_facts() == [("ok", "GET", "/socket", 101)]


def test_routes_of_mounted_apps(instance: GuardedInstance, client: TestClient) -> None:
    """The template has the mount's path, and no caller's text."""
    client.get("/shops/acme/items/7", headers={"x-api-key": instance.create_secret()})
    assert instance.read_facts() == [("ok", "GET", "/shops/{shop}/items/{item_id}", 200)]


def test_the_openapi_document_has_the_schemes(instance: GuardedInstance, client: TestClient) -> None:
    """Both ways to send a key, with the scopes of each route, also after that route was requested."""
    headers = {"x-api-key": instance.create_secret()}
    assert [client.post("/v1/orders", headers=headers, json={}).status_code for _ in range(2)] == [200, 200]
    document = client.get("/openapi.json").json()
    assert {name: one["type"] for name, one in document["components"]["securitySchemes"].items()} == {
        "Bearer": "http",
        "ApiKey": "apiKey",
    }
    wanted = [{"Bearer": ["orders:write"]}, {"ApiKey": ["orders:write"]}]
    assert document["paths"]["/v1/orders"]["post"]["security"] == wanted


def test_a_guarded_route_without_the_middleware_fails() -> None:
    """It is never open."""
    ari = Ari.local("/nowhere")
    app = make_app(ari)
    app.user_middleware.clear()
    with pytest.raises(RuntimeError, match="the app lacks the middleware ApiKeys"):
        TestClient(app).get("/v1/orders/1")


def test_a_missing_instance_stops_the_start(tmp_path: Path) -> None:
    """One sentence, and nothing is created."""
    app = make_app(Ari.local(tmp_path / "typo"))
    with pytest.raises(ConfigurationError, match="No ARI data in"), TestClient(app):
        pass
    assert not (tmp_path / "typo").exists()


def test_a_client_without_a_lifespan(tmp_path: Path) -> None:
    """Each request of such a test client has its own event loop; all are decided and logged."""
    with guarded_instance(tmp_path) as instance:
        client = TestClient(make_app(Ari.local(instance.data_dir)))
        headers = {"x-api-key": instance.create_secret()}
        assert [client.get(f"/v1/orders/{n}", headers=headers).status_code for n in range(3)] == [200] * 3
        assert len(instance.read_rows()) == 3


def test_a_body_that_fastapi_refuses_is_logged_too(instance: GuardedInstance, client: TestClient) -> None:
    """FastAPI reads the body before it runs the guard; a stranger learns nothing about it."""
    headers = {"x-api-key": instance.create_secret(), "content-type": "application/json"}
    assert client.post("/v1/orders", content="{", headers=headers).status_code == 422
    assert client.post("/v1/orders", content="{", headers={"content-type": "application/json"}).status_code == 401
    lacking = headers | {"x-api-key": instance.create_secret("orders:read")}
    assert client.post("/v1/orders", content="{", headers=lacking).status_code == 403
    assert instance.read_facts() == [
        ("ok", "POST", "/v1/orders", 422),
        ("insufficient_scope", "POST", "/v1/orders", 403),
    ]


def test_a_log_that_cannot_be_written_is_a_503(instance: GuardedInstance, client: TestClient) -> None:
    """Neither a response nor an action without its row: an unsafe request does not reach its handler."""
    headers = {"x-api-key": instance.create_secret()}
    assert client.get("/v1/orders/1", headers=headers).status_code == 200
    with instance.break_log():
        for found in (
            client.get("/v1/orders/1", headers=headers),
            client.post("/v1/orders", headers=headers, json={}),
            client.get("/v1/failing", headers=headers),
        ):
            assert (found.status_code, found.json()["code"]) == (503, "unavailable")
            assert int(found.headers["retry-after"]) > 0
    assert client.get("/v1/orders/1", headers=headers).status_code == 200


def test_expired_keys_and_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's address comes from a trusted proxy only; a key seen expired stays so when the clock steps back."""
    clock = Clock(tmp_path / "clock")
    monkeypatch.setenv("ARI_TEST_CLOCK_FILE", str(clock.path))
    with guarded_instance(tmp_path) as instance:
        bound = instance.create_secret("orders:read", addresses=("203.0.113.0/24",))
        forwarded = {"x-api-key": bound, "x-forwarded-for": "203.0.113.7"}
        for proxies, status in (((), 403), (("198.51.100.0/24",), 200)):
            ari = Ari.local(instance.data_dir, trusted_proxies=proxies)
            with TestClient(make_app(ari), client=("198.51.100.1", 5)) as client:
                assert client.get("/v1/orders/1", headers=forwarded).status_code == status
        headers = {"x-api-key": instance.create_secret("orders:read", expires="1h")}
        with TestClient(make_app(Ari.local(instance.data_dir))) as client:
            assert client.get("/v1/orders/1", headers=headers).status_code == 200
            for seconds in (3_601, -3_601):
                clock.advance(seconds)
                assert client.get("/v1/orders/1", headers=headers).json()["code"] == "expired"
        assert [row.client_address for row in instance.read_rows()][:2] == ["198.51.100.1", "203.0.113.7"]


def test_advice_about_scopes_knows_the_guards_requests(instance: GuardedInstance, client: TestClient) -> None:
    """A scope of the service is never called unused because its routes look like ARI's."""
    made = instance.create_key()
    client.get("/v1/orders/1", headers={"x-api-key": made.secret})
    instance.instance.database.usage.fold_all()
    later_ms = instance.instance.now_ms() + WATCHED_MS + HOUR_MS
    assert read_used_routes(instance.instance.reports, made.key.id, later_ms) == [SERVICE_USE]
    assert read_used_routes(instance.instance.reports, "key_other", later_ms) == []


def test_requests_without_a_key_are_counted_as_ari_counts_them(instance: GuardedInstance, client: TestClient) -> None:
    """Missing, unknown, malformed, in the URL and contradictory ones, by address: an attack on the app is seen."""
    stranger, other = token.mint(), token.mint()
    client.get("/v1/orders/7")
    client.get("/v1/orders/7", headers={"x-api-key": stranger})
    client.get("/v1/orders/7", headers={"x-api-key": "x"})
    client.get(f"/v1/orders/7?key={stranger}")
    client.get("/v1/orders/7", headers={"x-api-key": stranger, "authorization": f"Bearer {other}"})
    assert instance.read_rows() == []
    with instance.instance.database.log.connect() as connection:
        reason, count = usage_attempts.c.reason, func.sum(usage_attempts.c.count)
        found = {row[0]: int(row[1]) for row in connection.execute(select(reason, count).group_by(reason))}
        assert found == {"missing": 1, "unknown": 3, "malformed": 1}


def test_equal_guards_are_one_dependency() -> None:
    """So ``app.dependency_overrides`` finds a guard by its arguments, and another ``Ari``'s is another."""
    ari, other = Ari.local(), Ari.local()
    assert ari.key("orders:read") is ari.key("orders:read")
    assert ari.key("orders:read") != ari.key("orders:read", cost=2)
    assert ari.key("orders:read") != ari.key("orders:write")
    assert ari.key("orders:read") != other.key("orders:read")


def test_an_app_folds_only_while_no_other_process_does(
    instance: GuardedInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lead is its own while it serves, unless another process has it; it is free again afterwards."""
    monkeypatch.setattr(fold_loop, "CHECK_SECONDS", 0.001)
    usage = instance.instance.database.usage
    with TestClient(make_app(Ari.local(instance.data_dir, database_url=instance.database_url))):
        eventually(lambda: not usage.is_lead_free())
    assert usage.acquire_lead()
    with TestClient(make_app(Ari.local(instance.data_dir, database_url=instance.database_url))) as client:
        headers = {"x-api-key": instance.create_secret("orders:read")}
        assert client.get("/v1/orders/1", headers=headers).status_code == 200
        assert usage.acquire_lead()
    usage.release_lead()
    assert usage.is_lead_free()
