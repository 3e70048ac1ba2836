"""Forward-auth over real sockets, on each database: what proxies send reaches ARI's server as it is, and is logged."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import raw
from tests.support.owner import Owner, start_owner
from tests.support.server import ServerProcess

PATH = b"/api/forward-auth"


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """A server that Envoy asks, on SQLite."""
    data_dir = tmp_path_factory.mktemp("envoy") / "data"
    data_dir.mkdir(mode=0o700)
    settings = {
        "ARI_FORWARD_AUTH": "envoy",
        "ARI_TRUSTED_PROXIES": "127.0.0.1",
        "ARI_FORWARD_AUTH_ROUTES": "/orders/{id},/files/*",
    }
    owner = start_owner(ServerProcess(data_dir, settings=settings))
    owner.make_keys_over_http()
    yield owner
    owner.close()
    owner.server.kill()


def rows_of(owner: Owner, key_id: str) -> list[dict[str, Any]]:
    reader = owner.api(owner.create_key("reader", scopes=["usage:read"])[1])
    return list(reader.get(f"/api/keys/{key_id}/usage", params={"source": "proxy"}).json()["items"])


def test_a_limit_holds_and_each_request_is_logged_once(make_owner: Any, database: Any) -> None:
    """On both databases; the row of a refused request names the route of the API as well."""
    settings = {"ARI_FORWARD_AUTH": "traefik", "ARI_TRUSTED_PROXIES": "127.0.0.1"}
    owner = make_owner(database_url=database.url, settings=settings)
    owner.make_keys_over_http()
    key, secret = owner.create_key("limited", limits=[{"name": "default", "limit": 2, "window": "1h"}])
    client = owner.api(secret, headers={"x-forwarded-method": "POST", "x-forwarded-uri": "/orders/7?page=2"})
    answers = [client.get(f"{PATH.decode()}?any_key=true&cost={cost}") for cost in (1, 0, 1, 1)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["x-ari-key-id"] for one in answers[:3]] == [key["id"]] * 3
    assert answers[3].json()["code"] == "rate_limited"
    rows = rows_of(owner, key["id"])
    assert [(row["code"], row["status"], row["consumed"]) for row in rows] == [
        ("rate_limited", 429, {}),
        ("ok", 200, {"default": 1}),
        ("ok", 200, {}),
        ("ok", 200, {"default": 1}),
    ]
    assert {(row["method"], row["path"], row["route"]) for row in rows} == {("POST", "/orders/7", "/orders/*")}


@pytest.mark.parametrize(
    ("target", "path", "route"),
    [
        (b"/orders/7?any_key=false&scope=x", "/orders/7", "/orders/{id}"),
        (b"//orders//7", "//orders//7", "(other)"),
        (b"/files/a%2Fb%5c/../c", "/files/a%2Fb%5c/../c", "/files/*"),
        (b"/../keys", "/../keys", "(other)"),
        (b"", "/", "(other)"),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"PROPFIND"])
def test_a_request_line_of_envoy_is_logged_as_the_clients(
    envoy: Owner, method: bytes, target: bytes, path: str, route: str
) -> None:
    """Any method, and paths that ARI's own API refuses: they belong to another API, and reach nothing here."""
    key, secret = envoy.create_key(f"{method!r} {path}"[:40], scopes=["usage:read"])
    headers = (b"x-api-key: " + secret.encode(), b"x-forwarded-for: 203.0.113.9", b"content-length: 0")
    options = PATH + b"/scope=usage:read&cost=0"
    answer = raw.request(envoy.server.port, method, options + target, *headers, host=b"api.example.net")
    assert (answer.status, answer.body, answer.headers["x-ari-key-id"]) == (200, b"", [key["id"]])
    [row] = rows_of(envoy, key["id"])
    assert (row["method"], row["path"], row["route"]) == (method.decode(), path, route)
    assert (row["client_address"], row["source"]) == ("203.0.113.9", "proxy")


@pytest.mark.parametrize(
    "target",
    [
        b"/api/forward-auth/../me",
        b"/api/forward-auth/%2e%2e/me",
        b"/api/forward%2Dauth/any_key=true/x",
        b"/api//forward-auth/any_key=true/x",
        b"/API/forward-auth/any_key=true/x",
        b"/api/forward-auth;x/any_key=true/x",
        b"/api/forward-authx/any_key=true/x",
    ],
)
def test_no_other_spelling_reaches_a_yes(envoy: Owner, target: bytes) -> None:
    """Neither of forward-auth nor, through it, of ARI's own API."""
    _, secret = envoy.create_key("spelling", scopes=["*"])
    answer = raw.get(envoy.server.port, target, b"x-api-key: " + secret.encode())
    assert answer.status in (400, 403, 404)
    assert b'"type":"api_key"' not in answer.body


def test_a_session_is_nobody_here(envoy: Owner) -> None:
    """The cookie of the owner's browser, which a proxy on the same host may pass on, opens no API."""
    answer = envoy.session().get("/api/forward-auth/any_key=true/orders")
    assert (answer.status_code, answer.json()["code"]) == (401, "missing")


def test_a_head_that_is_too_large_is_never_a_yes(envoy: Owner) -> None:
    """The server closes the connection or ARI refuses it; proxies take both for a no."""
    _, secret = envoy.create_key("large", scopes=["usage:read"])
    pad = [b"x-pad-%d: " % number + b"x" * 4_000 for number in range(10)]
    lines = [b"GET " + PATH + b"/scope=usage:read/ HTTP/1.1", b"host: ari", b"x-api-key: " + secret.encode(), *pad]
    answer = raw.send(envoy.server.port, b"\r\n".join([*lines, b"", b""]))
    assert answer is None or answer.status >= 400


def test_the_controller_of_kubernetes_is_understood(make_owner: Any) -> None:
    """The headers that ``nginx.tmpl`` of kubernetes/ingress-nginx sets, in its order, with the client's own."""
    owner = make_owner(settings={"ARI_FORWARD_AUTH": "ingress-nginx", "ARI_TRUSTED_PROXIES": "127.0.0.1"})
    key, secret = owner.create_key("ingress", scopes=["usage:read"])
    set_by_template = (
        b"X-Request-ID: 5c3f2b8f0f3f4d1b8a7e6d5c4b3a2910",
        b"X-Original-URL: https://api.example.net/orders/7?page=2",
        b"X-Original-Method: PUT",
        b"X-Sent-From: nginx-ingress-controller",
        b"X-Real-IP: 203.0.113.7",
        b"X-Forwarded-For: 203.0.113.7",
        b"X-Auth-Request-Redirect: /orders/7?page=2",
    )
    own = (b"User-Agent: curl/8.5.0", b"Accept: */*")
    target, host = PATH + b"?scope=usage:read", b"ari.default.svc.cluster.local"
    sent = (*set_by_template, *own, b"X-Api-Key: " + secret.encode())
    answer = raw.get(owner.server.port, target, *sent, host=host)
    assert (answer.status, answer.headers["x-ari-key-scopes"]) == (200, ["usage:read"])
    refused = raw.get(owner.server.port, target, *set_by_template, *own, host=host)
    assert (refused.status, refused.headers["x-ari-status"], refused.body) == (401, ["401"], b"")
    foreign = raw.get(owner.server.port, target, *sent, b"X-Original-URI: /spoofed", host=host)
    assert (foreign.status, b"/spoofed" in foreign.body) == (403, False)
    [row] = rows_of(owner, key["id"])
    assert (row["method"], row["path"], row["client_address"]) == ("PUT", "/orders/7", "203.0.113.7")
    assert (row["user_agent"], row["request_id"]) == ("curl/8.5.0", "5c3f2b8f0f3f4d1b8a7e6d5c4b3a2910")
