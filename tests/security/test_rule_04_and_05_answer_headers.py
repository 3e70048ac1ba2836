"""security.md 4 and 5: nothing is cached, nothing is shared with other origins."""

from typing import Any

import pytest

VARY = {"cookie", "authorization", "x-api-key", "hx-request"}


@pytest.mark.parametrize(
    "path", ["/api/me", "/api/nothing", "/api/health", "/sign-in", "/settings", "/nothing", "/api//x"]
)
@pytest.mark.parametrize("with_key", [False, True])
def test_every_response_carries_the_headers(shared_owner: Any, path: str, with_key: bool) -> None:
    """Refusals and 404 too."""
    client = shared_owner.api(shared_owner.create_key("k")[1] if with_key else None)
    answer = client.get(path, headers={"Origin": "https://evil.example"})
    assert answer.headers["cache-control"] == "no-store"
    assert {name.strip().lower() for name in answer.headers["vary"].split(",")} >= VARY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    if not path.startswith("/api/"):
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_preflights_open_nothing(shared_owner: Any) -> None:
    """No Access-Control-* anywhere."""
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = shared_owner.api().options("/api/me", headers=headers)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("access-control-")]
