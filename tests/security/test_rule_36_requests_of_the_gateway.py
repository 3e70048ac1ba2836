"""security.md 36: nothing dangerous goes to a provider, and a scope reaches what its provider's file lists."""

from typing import Any

import pytest

from ari.integrations.providers import providers
from ari.keys.presets import PRESETS
from ari.keys.scopes import holds
from tests.support import raw
from tests.support.gateway import CHAT, AiGateway

SENT = {
    "authorization": "Bearer {key}",
    "cookie": "__Host-ari=stolen; theme=dark",
    "proxy-authorization": "Basic eDp5",
    "forwarded": "for=192.0.2.1",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-host": "evil.example",
    "x-real-ip": "192.0.2.1",
    "origin": "https://app.example",
    "referer": "https://app.example/secret-page",
    "x-http-method-override": "DELETE",
    "x-goog-api-key": "AIzaMine",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-request-id": "mine-1",
    "openai-beta": "assistants=v2",
    "openai-organization": "org-a",
    "openai-project": "proj-a",
    "http-referer": "https://app.example",
    "x-title": "An app",
    "connection": "keep-alive, idempotency-key",
    "idempotency-key": "named-by-connection",
    "te": "trailers",
    "accept-encoding": "gzip, br",
    "accept-language": "de",
}
ALLOWED = {
    "host",
    "accept",
    "accept-encoding",
    "authorization",
    "content-length",
    "accept-language",
    "content-type",
    "http-referer",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "user-agent",
    "x-title",
}


def test_nothing_dangerous_arrives_and_all_else_does(ai: AiGateway) -> None:
    """Neither the caller's credentials nor who it is; the key is ours, once."""
    headers = {name: value.format(key=ai.key) for name, value in SENT.items()}
    answer = ai.owner.api().post(CHAT, json={"model": "gpt-x"}, headers=headers)
    assert answer.status_code == 200
    seen = ai.provider.last.headers
    assert set(seen) == ALLOWED
    assert seen["authorization"] == f"Bearer {ai.provider.key}"
    assert seen["accept-encoding"] == "identity"
    assert seen["host"] == ai.provider.url.removeprefix("http://")


@pytest.mark.parametrize("query", ["key=AIzaX", "alt=sse&key=AIzaX", "%6Bey=AIzaX"])
def test_a_key_in_the_query_is_refused(ai: AiGateway, query: str) -> None:
    """Gemini takes keys there; logs and histories keep them."""
    answer = ai.client().post(f"/api/ai/gemini/v1beta/models/g:generateContent?{query}", json={})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert ai.provider.seen == []


@pytest.mark.parametrize(
    "path",
    [
        b"/api/ai/openai/v1/../admin",
        b"/api/ai/openai/./v1/models",
        b"/api/ai/openai//v1/models",
        b"/api/ai/openai/v1\\models",
        b"/api/ai/openai/v1/%2e%2e/admin",
        b"/api/ai/openai/v1/%252e%252e/admin",
        b"/api/ai/openai/v1/..%2fadmin",
        b"/api/ai/openai/v1/a%5cb",
        b"/api/ai/openai/v1/a%00b",
        b"/api/ai/openai/v1/models%0a",
        b"/api/ai/openai/v1/models%250a",
        b"/api/ai/openai/v1/models%257f",
        b"/api/ai/openai/v1/models%25c2%2585",
    ],
)
def test_segments_that_lead_elsewhere_are_refused(ai: AiGateway, path: bytes) -> None:
    """Plain or hidden, before the provider hears of it."""
    answer = raw.get(ai.owner.server.port, path, b"x-api-key: " + ai.reader.encode())
    assert answer.status == 400
    assert ai.provider.seen == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "openai/v1/chat/completions", 200),
        ("GET", "openai/v1/models", 200),
        ("GET", "openai/v1/chat/completions", 403),
        ("DELETE", "openai/v1/models/ft-1", 403),
        ("GET", "openai/v1/files", 403),
        ("POST", "openai/v1/fine_tuning/jobs", 403),
        ("POST", "openai/v1/chat/completions/", 404),
        ("POST", "openai/chat/completions", 404),
        ("POST", "openai/v1/v1/chat/completions", 404),
        ("GET", "openai/v1/models/a%2Ffine-tune", 200),
        ("GET", "openai/v1/files%2Fx", 403),
        ("GET", "openai/v1/responses/resp_1", 200),
        ("POST", "openai/v1/responses/resp_1/cancel", 200),
        ("DELETE", "openai/v1/responses/resp_1", 403),
        ("GET", "openai/v1/responses/resp_1%252Finput_items%252Fx", 403),
        ("GET", "openai/", 403),
        ("POST", "anthropic/v1/messages", 403),
    ],
)
def test_a_scope_reaches_what_its_file_lists(ai: AiGateway, method: str, path: str, status: int) -> None:
    """And the refusal names the scope that would be enough."""
    client = ai.owner.api(_openai_key(ai))
    answer = client.request(method, f"/api/ai/{path}", content=b"{}" if method == "POST" else None)
    assert answer.status_code == status
    if status == 404:
        assert "/api/ai/openai/v1/chat/completions" in answer.json()["detail"]
        assert answer.headers["x-should-retry"] == "false"
        assert ai.provider.seen == []
    if status == 403:
        wanted = "ai:anthropic" if path.startswith("anthropic") else "ai-account:openai"
        assert f'scope="{wanted}"' in answer.headers["www-authenticate"]
        assert ai.provider.seen == []


_made: dict[str, str] = {}


def _openai_key(ai: AiGateway) -> str:
    if ai.url not in _made:
        _made[ai.url] = ai.owner.create_key("openai only", scopes=["ai:openai"])[1]
    return _made[ai.url]


def test_the_account_scope_reaches_the_rest(ai: AiGateway) -> None:
    """And not what the plain one is for: who may do the rare thing need not be able to do the dear one."""
    _, secret = ai.owner.create_key("account", scopes=["ai-account:openai"])
    client: Any = ai.owner.api(secret)
    assert client.get("/api/ai/openai/v1/files").status_code == 200
    assert client.post(CHAT, json={}).status_code == 403


def test_a_mistyped_path_reveals_nothing_to_other_keys(ai: AiGateway) -> None:
    """Without the scope for the right path it is that which is missing, and the log says so; with the wide one the
    provider is asked."""
    _, other = ai.owner.create_key("other", scopes=["ai:anthropic"])
    answer = ai.owner.api(other).post("/api/ai/openai/chat/completions", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'scope="ai:openai"' in answer.headers["www-authenticate"]
    rows = ai.owner.api(ai.reader).get("/api/usage?limit=50").json()["items"]
    row = next(row for row in rows if row["request_id"] == answer.headers["x-request-id"])
    assert (row["code"], row["status"]) == ("insufficient_scope", 403)
    assert ai.provider.seen == []
    assert ai.owner.api(ai.reader).post("/api/ai/openai/chat/completions", json={}).status_code == 200
    assert ai.provider.last.path == "/chat/completions"


@pytest.mark.parametrize(
    "path",
    [
        "openai/v1/organization/admin_api_keys",
        "openai/v1/organization/admin%5Fapi_keys",
        "openai/v1/organization/projects/p/api_keys",
        "openai/v1/organization%2Fadmin_api_keys",
        "openai/v1/organization/%2561dmin_api_keys",
        "openai/v1/Organization/Admin_API_keys/",
        "openai/v1/organization/admin_api_keys;a=b",
        "anthropic/v1/organizations/api_keys",
    ],
)
def test_paths_of_provider_keys_are_forbidden(ai: AiGateway, path: str) -> None:
    """For every caller, however the path is written."""
    for method in ("GET", "POST"):
        answer = ai.owner.api(ai.reader).request(method, f"/api/ai/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert ai.provider.seen == []


def test_only_administrators_hold_every_provider() -> None:
    """Those of later versions too; the gateway's own preset names the ones there are, and no account."""
    for name, preset in PRESETS.items():
        assert holds(preset.scopes, "ai:*") is (name == "administrator")
        assert any(holds(preset.scopes, f"ai-account:{one}") for one in providers()) is (name == "administrator")
