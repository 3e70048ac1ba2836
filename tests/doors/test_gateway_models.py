"""A key reaches the models that its rules allow, and no others, however the request names them."""

from typing import Any

import pytest

from tests.support.gateway import CHAT, AiGateway

RULES = {"allow": ["openai/gpt-5*", "gemini/gemini-2.5-flash", "anthropic/claude-*"], "deny": ["openai/gpt-5-pro*"]}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def secret(shared_gateway: Any) -> str:
    """A key with rules for models."""
    _, secret = shared_gateway.owner.create_key("models", scopes=["ai:*", "ai-account:*"], models=RULES)
    return str(secret)


def read_row(ai: AiGateway, key_id: str) -> dict[str, Any]:
    """The newest row of the key."""
    [row, *_] = ai.owner.api(ai.reader).get(f"/api/keys/{key_id}/usage?limit=1").json()["items"]
    return dict(row)


def test_an_allowed_model_is_forwarded_unchanged(ai: AiGateway, secret: str) -> None:
    """Byte for byte, also in a large body and without a length."""
    client = ai.owner.api(secret)
    body = b'{ "model": "gpt-5-mini",\n "messages": [], "x": "' + b"y" * 2_000_000 + b'"}'
    for content in (body, iter((body[:100], body[100:]))):
        assert client.post(CHAT, content=content, headers=JSON).status_code == 200
        assert ai.provider.last.body == body
    assert client.post("/api/ai/gemini/v1beta/models/gemini-2.5-flash:generateContent", json={}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("openai/v1/chat/completions", b'{"model": "gpt-5-pro"}'),
        ("openai/v1/chat/completions", b'{"model": "gpt-4o"}'),
        ("openai/v1/chat/completions", b'{"model": "' + b"x" * 10_000 + b'"}'),
        ("openai/v1/chat/completions", b'{"model": "gpt-5", "mod\\u0065l": "gpt-5-pro"}'),
        ("openai/v1/chat/completions", b'{"model": "gpt-5", "Model": "gpt-5-pro"}'),
        ("openai/v1/chat/completions", b'{"messages": []}'),
        ("openai/v1/chat/completions?model=gpt-5-pro", b'{"model": "gpt-5"}'),
        ("openai/v1/responses", b'{"prompt": {"id": "pmpt_1"}}'),
        ("openai/v1/batches", b'{"input_file_id": "file_1"}'),
        ("openai/v1/files", b'{"model": "gpt-5"}'),
        (
            "anthropic/v1/messages/batches",
            b'{"requests": [{"params": {"model": "claude-x"}}, {"params": {"model": "y"}}]}',
        ),
        ("gemini/v1beta/models/gemini-2.5-pro:generateContent", b"{}"),
        ("gemini/v1beta/models/gemini-2.5-flash:embedContent", b'{"model": "models/gemini-2.5-pro"}'),
    ],
)
def test_another_model_is_refused(ai: AiGateway, secret: str, path: str, body: bytes) -> None:
    """With a clear reason, before the provider hears of it, and the log says why."""
    answer = ai.owner.api(secret).post(f"/api/ai/{path}", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "model_not_allowed")
    assert ai.provider.seen == []


def test_endpoints_without_a_model_pass(ai: AiGateway, secret: str) -> None:
    """Reading a response, canceling one."""
    client = ai.owner.api(secret)
    assert client.get("/api/ai/openai/v1/responses/resp_1").status_code == 200
    assert client.post("/api/ai/openai/v1/responses/resp_1/cancel").status_code == 200


def test_a_refusal_is_logged_and_consumes_nothing(ai: AiGateway) -> None:
    """A key with limits keeps all of them."""
    limits = [{"name": "default", "limit": 5, "window": "1h"}]
    made, secret = ai.owner.create_key("limited", scopes=["ai:*"], models=RULES, limits=limits)
    client = ai.owner.api(secret)
    assert client.post(CHAT, json={"model": "gpt-4o"}).status_code == 403
    found = ai.owner.api(ai.reader).get(f"/api/keys/{made['id']}").json()
    assert (found["refused_count"], found["remaining"][0]["remaining"]) == (1, 5)


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("openai/v1/chat/completions", {"model": "gpt-4o"}, "gpt-4o"),
        ("gemini/v1beta/models/gemini-2.5-pro:generateContent", {}, "gemini-2.5-pro"),
        (
            "anthropic/v1/messages/batches",
            {"requests": [{"params": {"model": "claude-x"}}, {"params": {"model": "other"}}]},
            "other",
        ),
    ],
)
def test_a_refusal_is_logged_with_its_model(ai: AiGateway, path: str, body: dict[str, Any], model: str) -> None:
    """That which the key may not use."""
    made, secret = ai.owner.create_key("refused", scopes=["ai:*", "ai-account:*"], models=RULES)
    assert ai.owner.api(secret).post(f"/api/ai/{path}", json=body).status_code == 403
    row = read_row(ai, made["id"])
    assert (row["code"], row["ai"]["model"], row["ai"]["ended"]) == ("model_not_allowed", model, "refused")
    assert row["ai"]["provider"] == path.partition("/")[0]


def test_the_rules_of_a_consumer_count_too(ai: AiGateway) -> None:
    """Both must allow a model; a change counts for the next request."""
    api = ai.owner.api(ai.reader)
    team = api.post("/api/consumers", json={"name": "Team", "models": {"allow": ["openai/*"]}}).json()
    _, secret = ai.owner.create_key("member", scopes=["ai:*"], consumer=team["id"], models={"deny": ["gpt-4o"]})
    client = ai.owner.api(secret)
    assert client.post(CHAT, json={"model": "gpt-x"}).status_code == 200
    assert client.post(CHAT, json={"model": "gpt-4o"}).status_code == 403
    assert client.post("/api/ai/ollama/api/chat", json={"model": "llama3"}).status_code == 403
    api.patch(f"/api/consumers/{team['id']}", json={"models": {"allow": ["ollama/*"]}})
    assert client.post(CHAT, json={"model": "gpt-x"}).status_code == 403
    assert client.post("/api/ai/ollama/api/chat", json={"model": "llama3"}).status_code == 200


@pytest.fixture(scope="module")
def aliases(shared_gateway: Any) -> Any:
    """Aliases for the tests that ask for them."""
    api = shared_gateway.owner.api(shared_gateway.reader)
    wanted = {
        "fast": ["openai/gpt-5-mini"],
        "shadow": ["openai/gpt-5-pro"],
        "other": ["ollama/llama3"],
        "claude": ["anthropic/claude-x"],
    }
    assert api.put("/api/model-aliases", json={"aliases": wanted}).status_code == 200
    yield
    api.put("/api/model-aliases", json={"aliases": {}})


@pytest.mark.usefixtures("aliases")
def test_an_alias_becomes_its_model(ai: AiGateway) -> None:
    """In the body that the provider gets, streams included, and the row has both names."""
    for stream in (False, True):
        body = b'{"model": "fast",  "messages": [], "stream": %s}' % str(stream).lower().encode()
        answer = ai.client().post(CHAT, content=body, headers=JSON)
        assert answer.status_code == 200
        assert ai.provider.last.json["model"] == "gpt-5-mini"
        used = ai.read_usage(answer.headers["x-request-id"])["ai"]
        assert used["output_tokens"] == 7
    made, secret = ai.owner.create_key("aliases", scopes=["ai:*"], models=RULES)
    client = ai.owner.api(secret)
    assert client.post(CHAT, json={"model": "fast"}).status_code == 200
    assert client.post(CHAT, json={"model": "shadow"}).json()["code"] == "model_not_allowed"
    used = read_row(ai, made["id"])["ai"]
    assert (used["alias"], used["model"], used["ended"]) == ("shadow", "gpt-5-pro", "refused")


@pytest.mark.usefixtures("aliases")
def test_an_alias_of_another_api_says_where_it_leads(ai: AiGateway) -> None:
    """The caller named one model, as it should; the request has the form of another API."""
    refused = ai.client().post(CHAT, json={"model": "claude"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert "leads to anthropic, with another API" in refused.json()["detail"]


@pytest.mark.usefixtures("aliases")
def test_an_alias_of_another_provider_needs_its_scope(ai: AiGateway) -> None:
    """The request goes to that provider's path of the same API."""
    assert ai.client().post(CHAT, json={"model": "other"}).status_code == 200
    assert ai.provider.last.json["model"] == "llama3"
    _, secret = ai.owner.create_key("openai only", scopes=["ai:openai"])
    refused = ai.owner.api(secret).post(CHAT, json={"model": "other"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.usefixtures("aliases")
def test_the_list_of_models_has_what_the_caller_may_use(ai: AiGateway, secret: str) -> None:
    """Filtered for a key with rules, and with the aliases whose models it may use."""
    everything = {one["id"] for one in ai.client().get("/api/ai/openai/v1/models").json()["data"]}
    assert everything == {"gpt-x", "fast", "shadow"}
    allowed = {one["id"] for one in ai.owner.api(secret).get("/api/ai/openai/v1/models").json()["data"]}
    assert allowed == {"fast"}
    assert ai.owner.api(secret).get("/api/ai/openai/v1/models/gpt-4o").status_code == 403
