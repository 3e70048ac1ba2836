"""Named upstreams over HTTP: reachable under their name at once, with scopes of their own, and gone at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.pool_provider import PoolProvider, pool_provider

ASK = {"model": "gpt-x", "messages": []}
CHAT = "/v1/chat/completions"


@pytest.fixture
def provider() -> Iterator[PoolProvider]:
    with pool_provider() as running:
        yield running


@pytest.fixture
def admin(owner_on: Any) -> Any:
    """A client that may do everything."""
    return owner_on.api(owner_on.create_key("admin", scopes=["*"])[1])


@pytest.fixture
def admin_of_shared(shared_owner: Any) -> Any:
    """The same at the shared server, for refusals: they write nothing."""
    return shared_owner.api(shared_owner.create_key("admin of upstreams", scopes=["*"])[1])


def _add(owner: Any, name: str, url: str) -> Any:
    """At the command line's door: only the owner may give a private address."""
    return owner.cli("upstreams", "add", name, url, "--title", name.upper(), check=True)


def test_the_life_of_an_upstream(owner_on: Any, admin: Any, provider: PoolProvider) -> None:
    """No restart: the next request reaches it, with the key that was stored for it, and the one after does not."""
    assert admin.post(f"/api/ai/vllm-a{CHAT}", json=ASK).json()["code"] == "not_found"
    _add(owner_on, "vllm-a", f"{provider.url}/v1")
    assert admin.post(f"/api/ai/vllm-a{CHAT}", json=ASK).status_code == 200
    assert admin.put("/api/integrations/vllm-a", json={"key": "first"}).json()["keys"][0]["mask"] == "…"
    assert admin.post("/api/integrations/vllm-a/keys", json={"key": "second"}).status_code == 201
    answers = [admin.post(f"/api/ai/vllm-a{path}", json=ASK) for path in (CHAT, "/chat/completions", CHAT)]
    assert [one.status_code for one in answers] == [200] * 3
    assert provider.used[0] == ""
    assert set(provider.used[1:]) == {"first", "second"}
    [listed] = admin.get("/api/upstreams").json()["items"]
    assert (listed["provider"], listed["title"], listed["state"]) == ("vllm-a", "VLLM-A", "configured")
    assert listed == admin.get("/api/integrations").json()["items"][-1] == admin.get("/api/integrations/vllm-a").json()
    assert admin.delete("/api/upstreams/vllm-a").status_code == 204
    answer = admin.post(f"/api/ai/vllm-a{CHAT}", json=ASK)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len(provider.used) == 4
    assert admin.get("/api/integrations/vllm-a").status_code == admin.delete("/api/upstreams/vllm-a").status_code == 404


def test_its_scopes_are_its_own(owner_on: Any, admin: Any, provider: PoolProvider) -> None:
    """A key for one upstream reaches no other, nor more than its scope covers; the scopes go with it."""
    refused = admin.post("/api/keys", json={"name": "early", "scopes": ["ai:vllm-b"]})
    assert refused.status_code == 422
    for name in ("vllm-b", "vllm-c"):
        _add(owner_on, name, provider.url)
    made, secret = owner_on.create_key("b", scopes=["ai:vllm-b"])
    client = owner_on.api(secret)
    codes = [client.post(f"/api/ai/{path}", json=ASK) for path in (f"vllm-b{CHAT}", f"vllm-c{CHAT}", "vllm-b/v1/files")]
    assert [(one.status_code, one.json().get("code")) for one in codes] == [
        (200, None),
        (403, "insufficient_scope"),
        (403, "insufficient_scope"),
    ]
    listed = {one["name"]: one for one in admin.get("/api/scopes").json()["items"]}
    assert (listed["ai:vllm-b"]["built_in"], listed["ai:vllm-b"]["key_count"]) == (True, 2)
    for answer in (
        admin.delete("/api/scopes/ai:vllm-b?force=true"),
        admin.patch("/api/scopes/ai:vllm-b", json={"description": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert admin.delete("/api/upstreams/vllm-b").status_code == 204
    assert client.post(f"/api/ai/vllm-b{CHAT}", json=ASK).status_code == 404
    again = admin.post("/api/upstreams", json={"name": "vllm-b", "base_url": "https://vllm.example.com"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    admin.post(f"/api/keys/{made['id']}/revoke")
    again = admin.post("/api/upstreams", json={"name": "vllm-b", "base_url": "https://vllm.example.com"})
    assert (again.status_code, again.json()["title"]) == (201, "vllm-b")
    for name in ("vllm-b", "vllm-c"):
        assert admin.delete(f"/api/upstreams/{name}").status_code == 204


@pytest.mark.parametrize("name", ["openai", "openai-compatible", "resend", "upstreams", "a/b", "A", "", "x" * 32])
def test_a_name_with_another_meaning(admin_of_shared: Any, name: str) -> None:
    """Neither a provider's nor a route's; nothing is added."""
    before = admin_of_shared.get("/api/upstreams").json()
    answer = admin_of_shared.post("/api/upstreams", json={"name": name, "base_url": "https://vllm.example.com"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert admin_of_shared.get("/api/upstreams").json() == before


def test_an_api_key_gives_public_addresses_only(admin_of_shared: Any) -> None:
    """As for any base URL (security.md 38): the server under test lists 127.0.0.1 and nothing else."""
    before = admin_of_shared.get("/api/upstreams").json()
    for url in ("http://10.0.0.7:8000", "http://127.0.0.2:8000", "http://169.254.169.254", "https://localhost"):
        answer = admin_of_shared.post("/api/upstreams", json={"name": "vllm-p", "base_url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert admin_of_shared.get("/api/upstreams").json() == before
