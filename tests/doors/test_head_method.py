"""HEAD wherever GET is supported (RFC 9110 §9.3.2): same status and headers, no body, a row in the log."""

from typing import Any

from tests.support import raw
from tests.support.routes import routes_of_app

_VARIES = {"transfer-encoding", "date", "set-cookie", "x-request-id", "content-length", "content-security-policy"}


def test_head_is_get_without_its_body(owner: Any) -> None:
    """Every route with GET, by nobody, by a key that may do everything, and by a session."""
    _, secret = owner.create_key("k", scopes=["*"])
    callers = [owner.api(), owner.api(secret), owner.session()]
    paths = [path for path, methods, _ in routes_of_app() if "GET" in methods and "/api/ai/" not in path]
    assert len(paths) > 40
    for path in paths:
        for client in callers:
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert _keep_steady_headers(head) == _keep_steady_headers(got), path
    fixed = owner.api(secret)
    assert (
        fixed.head("/api/openapi.json").headers["content-length"]
        == fixed.get("/api/openapi.json").headers["content-length"]
    )


def _keep_steady_headers(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in _VARIES}


def test_nothing_follows_the_head_and_the_log_has_it(shared_owner: Any) -> None:
    """As bytes: a body after a HEAD would be taken for the next response."""
    key, secret = shared_owner.create_key("k", scopes=["usage:read", "api:read"])
    port, credential = shared_owner.server.port, b"x-api-key: " + secret.encode()
    for path in (b"/api/me", b"/api/openapi.json", b"/api/usage/export", b"/api/health"):
        response = raw.request(port, b"HEAD", path, credential)
        assert (response.status, response.body) == (200, b""), path
    api = shared_owner.api(secret)
    rows = api.get(f"/api/keys/{key['id']}/usage").json().get("items")
    if rows is None:
        rows = [row for row in api.get("/api/usage?limit=100").json()["items"] if row["key_id"] == key["id"]]
    assert sorted(row["path"] for row in rows if row["method"] == "HEAD") == [
        "/api/health", "/api/me", "/api/openapi.json", "/api/usage/export",
    ]  # fmt: skip
