"""security.md 36: what goes to a provider is on a list, and a scope reaches what its provider's file lists."""

from typing import Any

import pytest

from ari.integrations.providers import providers
from ari.keys.scopes import PRESETS, holds
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
    "openai-organization": "org-other",
    "x-goog-api-key": "AIzaMine",
    "x-stainless-lang": "python",
    "x-request-id": "mine-1",
    "openai-beta": "assistants=v2",
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
    "content-type",
    "openai-beta",
    "user-agent",
}


def test_only_listed_headers_arrive(ai: AiGateway) -> None:
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
        ("POST", "openai/v1/chat/completions/", 403),
        ("GET", "openai/", 403),
        ("POST", "anthropic/v1/messages", 403),
    ],
)
def test_a_scope_reaches_what_its_file_lists(ai: AiGateway, method: str, path: str, status: int) -> None:
    """And the refusal names the scope that would be enough."""
    client = ai.owner.api(_openai_key(ai))
    answer = client.request(method, f"/api/ai/{path}", content=b"{}" if method == "POST" else None)
    assert answer.status_code == status
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


def test_only_administrators_hold_every_provider() -> None:
    """Those of later versions too; the gateway's own preset names the ones there are, and no account."""
    for name, (_, scopes) in PRESETS.items():
        assert holds(scopes, "ai:*") is (name == "administrator")
        assert any(holds(scopes, f"ai-account:{one}") for one in providers()) is (name == "administrator")
