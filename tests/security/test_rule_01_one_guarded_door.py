"""security.md 1: the guard wraps the whole app, closed but for a written list; odd paths are refused."""

from typing import Any

import pytest
from starlette.routing import BaseRoute

from ari.http.route_policy import AuthMode, policy_of
from ari.server import build_app
from tests.support import raw
from tests.support.instances import opened

PROBES = {"/api/health", "/api/ready"}
REPORTS = {"/api/leaks", "/api/leaks/github"}
OPEN = PROBES | REPORTS | {"/static/{name}", "/errors", "/errors/{code}"}
"""The written list of open routes."""
FOR_PROXIES = {"/api/forward-auth", "/api/forward-auth/{original:path}"}
"""Routes for trusted proxies, whose handler authenticates both the proxy and its client."""
VISITORS = {"/sign-in", "/sign-in/code", "/setup", "/forgot-password", "/reset-password", "/confirm-address"}
"""Paths that respond without a session."""


def _routes(data_dir: Any) -> list[BaseRoute]:
    with opened(data_dir, None) as instance:
        app: Any = build_app(instance).app
        return list(app.routes)


def test_every_route_is_closed_but_the_written_list(data_dir: Any) -> None:
    """A new route that says nothing is closed; opening one means changing this list."""
    kinds: list[tuple[str, AuthMode]] = []
    revoking: list[str] = []
    for route in _routes(data_dir):
        path, endpoint = getattr(route, "path", None), getattr(route, "endpoint", None)
        assert path is not None, f"{route!r} is no route that the guard knows"
        assert endpoint is not None, f"{path} has no endpoint that declares its policy"
        kinds.append((path, policy_of(endpoint).auth))
        if policy_of(endpoint).revokes_self:
            revoking.append(path)
    assert revoking == ["/api/me/revoke"], "of a disabled key, or from other addresses, no other route takes requests"
    assert {path for path, kind in kinds if kind is AuthMode.OPEN} == OPEN
    assert {path for path, kind in kinds if kind is AuthMode.VISITOR} == VISITORS
    assert {path for path, kind in kinds if kind is AuthMode.FORWARD_AUTH} == FOR_PROXIES
    assert len(kinds) > 25


def test_without_credentials_every_api_route_responds_with_401(shared_owner: Any) -> None:
    """All routes and methods of the description, over HTTP."""
    _, admin = shared_owner.create_key("admin", scopes=["*"])
    described = shared_owner.api(admin).get("/api/openapi.json").json()["paths"]
    client = shared_owner.api()
    for path, operations in described.items():
        for method in operations:
            answer = client.request(method.upper(), path.replace("{key_id}", "key_1"))
            expected = 200 if path in PROBES else 401
            if path in REPORTS:
                expected = (
                    404 if path == "/api/leaks/github" else 422
                )  # without ARI_GITHUB_KEYS_URL there is no receiver
            assert answer.status_code == expected, (method, path)
    assert client.get("/api/nothing-here").status_code == 401
    assert client.get("/api").status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        b"//api/me",
        b"/api//me",
        b"/api/../api/me",
        b"/api/./me",
        b"/api%2fme",
        b"/api%2Fme",
        b"/api%5cme",
        b"/api/%00",
        b"/..%2fapi",
    ],
)
def test_paths_with_two_meanings_are_refused(shared_owner: Any, target: bytes) -> None:
    """400, with and without a key."""
    _, secret = shared_owner.create_key("k", scopes=["*"])
    assert raw.get(shared_owner.server.port, target).status == 400
    assert raw.get(shared_owner.server.port, target, b"x-api-key: " + secret.encode()).status == 400


def test_websockets_are_refused(shared_owner: Any) -> None:
    """Before they are accepted."""
    answer = raw.get(
        shared_owner.server.port,
        b"/api/me",
        b"upgrade: websocket",
        b"connection: upgrade",
        b"sec-websocket-version: 13",
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    assert answer.status == 401


def test_a_dead_key_beats_a_live_session(shared_owner: Any) -> None:
    """With a key present the cookie is not read."""
    key, secret = shared_owner.create_key("k")
    session = shared_owner.session()
    assert session.get("/api/me").json()["type"] == "account"
    shared_owner.cli("keys", "revoke", "--yes", key["id"], check=True)
    answer = session.get("/api/me", headers={"x-api-key": secret})
    assert (answer.status_code, answer.json()["code"]) == (401, "revoked")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/api/me/"])
def test_the_frameworks_own_routes_are_off(shared_owner: Any, path: str) -> None:
    """No docs routes, no slash redirects."""
    _, secret = shared_owner.create_key("k", scopes=["*"])
    assert shared_owner.api(secret).get(path).status_code == 404
