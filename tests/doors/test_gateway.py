"""The AI gateway: what a caller sends and gets is what it would send and get without us, and the log knows of it."""

import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import raw
from tests.support.gateway import CHAT, AiGateway
from tests.support.providers import WAIT_SECONDS

ASK = {"model": "gpt-x", "messages": [{"role": "user", "content": "Hi"}]}


def _post(ai: AiGateway, model: str, **more: Any) -> httpx2.Response:
    return ai.client().post(CHAT, json={**ASK, "model": model, **more})


def test_a_request_goes_on_as_it_was_written(ai: AiGateway) -> None:
    """Method, path, query and body; and so does the response. The row names provider and path, not the query."""
    body = b'{"model": "gpt-x",\n "messages": [], "seed": 12345678901234567890}'
    kind = {"content-type": "application/json"}
    answer = ai.client().post("/api/ai/openai/v1/chat/completions?a=b%20c&d", content=body, headers=kind)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"
    seen = ai.provider.last
    assert (seen.method, seen.path, seen.body) == ("POST", "/v1/chat/completions?a=b%20c&d", body)
    assert seen.headers["content-length"] == str(len(body))
    row = ai.read_usage(answer.headers["x-request-id"])
    assert (row["code"], row["status"], row["method"]) == ("ok", 200, "POST")
    assert (row["route"], row["path"]) == ("/api/ai/openai/{path}", "/api/ai/openai/v1/chat/completions")
    assert row["bytes"] == len(answer.content)
    assert ai.provider.key not in json.dumps(row)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_is_forwarded(ai: AiGateway, method: str) -> None:
    """Beyond what the provider's file lists, with the scope for that."""
    client = ai.owner.api(ai.reader)
    content = b"x" if method in ("POST", "PUT", "PATCH") else None
    answer = client.request(method, "/api/ai/openai/v1/files/file_1", content=content)
    assert answer.json() == {"path": "/v1/files/file_1", "method": method}


def test_the_row_is_there_before_the_provider_hears_of_it(ai: AiGateway) -> None:
    """While the provider thinks, the log has the request already, without a status."""
    with ai.client().stream("POST", CHAT, json={**ASK, "model": "hold", "stream": True}) as answer:
        assert ai.provider.reached.wait(WAIT_SECONDS)
        row = ai.row(answer.headers["x-request-id"])
        assert row["code"] == "ok"
        assert row["ai"] is None
        ai.provider.gate.set()
        answer.read()
    assert ai.read_usage(answer.headers["x-request-id"])["ai"]["ended"] == "complete"


@pytest.mark.parametrize("asks", [False, True])
def test_events_arrive_one_by_one(ai: AiGateway, asks: bool) -> None:
    """The first is here while the provider still holds the second, also where we look at each."""
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if asks else {}
    body = {**ASK, "model": "hold", "stream": True, **more}
    with ai.client().stream("POST", CHAT, json=body) as answer:
        lines = answer.iter_lines()
        assert '"role": "assistant"' in next(lines)
        assert not ai.provider.gate.is_set()
        ai.provider.gate.set()
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    assert any('"prompt_tokens": 11' in line for line in rest) is asks
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["input_tokens"], used["output_tokens"], used["cached_tokens"]) == (11, 7, 3)
    assert used["whole_ms"] >= used["first_byte_ms"] > 0


def test_a_caller_who_hangs_up_ends_the_call(ai: AiGateway) -> None:
    """The provider stops working for nobody, and the log says who left."""
    with ai.client().stream("POST", CHAT, json={**ASK, "model": "hold", "stream": True}) as answer:
        next(answer.iter_lines())
    assert ai.provider.hung_up.wait(WAIT_SECONDS)
    assert ai.read_usage(answer.headers["x-request-id"])["ai"]["ended"] == "client_gone"


def test_a_caller_who_hangs_up_before_the_response(ai: AiGateway) -> None:
    """Its row says 499: nobody got a response."""
    name = {"x-request-id": "hung-up-early"}
    with pytest.raises(httpx2.ReadTimeout):
        ai.client().post(CHAT, json={**ASK, "model": "slow"}, headers=name, timeout=0.5)
    assert ai.provider.reached.is_set()
    row = ai.read_usage("hung-up-early")
    assert (row["status"], row["ai"]["ended"], row["ai"]["provider_status"]) == (499, "client_gone", None)


def _kernel_buffers() -> int:
    """The most bytes that Linux holds for one connection on its two ends; elsewhere they are few."""
    limits = [Path(f"/proc/sys/net/ipv4/tcp_{way}mem") for way in ("r", "w")]
    return sum(int(limit.read_text().split()[2]) for limit in limits if limit.exists())


def test_a_slow_reader_slows_the_provider(ai: AiGateway) -> None:
    """Little is held of what the caller does not take, beyond what the kernel holds of two connections."""
    with ai.client().stream("POST", CHAT, json={**ASK, "model": "flood", "stream": True}) as answer:
        next(answer.iter_raw())
        before, still_since, deadline = -1, time.monotonic(), time.monotonic() + WAIT_SECONDS
        while time.monotonic() < min(still_since + 0.5, deadline):
            if ai.provider.sent_bytes != before:
                before, still_since = ai.provider.sent_bytes, time.monotonic()
            time.sleep(0.02)
        assert 0 < before < 2 * _kernel_buffers() + 16 * 1024 * 1024
    assert ai.provider.hung_up.wait(WAIT_SECONDS)


@pytest.mark.parametrize("told", [True, False])
def test_a_large_body_is_passed_on_as_it_comes(ai: AiGateway, told: bool) -> None:
    """With its length or without, byte for byte, where there is nothing to ask."""
    body = b'{"model":"gpt-x","stream":false,"x":"' + b"y" * 3_000_000 + b'"}'
    pieces = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
    headers = {"content-type": "application/json"} | ({"content-length": str(len(body))} if told else {})
    answer = ai.client().post(CHAT, content=pieces, headers=headers)
    assert answer.status_code == 200
    assert ai.provider.last.body == body
    assert ("content-length" in ai.provider.last.headers) is told


def test_a_large_response_is_metered_as_it_passes(ai: AiGateway) -> None:
    """Of any size, and the caller notices nothing; what it does not report is unknown."""
    answer = _post(ai, "huge")
    assert len(answer.content) == 3_000_026
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["model"], used["input_tokens"], used["ended"]) == ("huge", None, "complete")


def test_a_packed_response_is_unpacked(ai: AiGateway) -> None:
    """Nobody requested it, so the key can be found in it, and the usage."""
    answer = _post(ai, "gzip")
    assert "content-encoding" not in answer.headers
    assert answer.json() == {"model": "gzip"}
    assert ai.provider.last.headers["accept-encoding"] == "identity"
    assert ai.read_usage(answer.headers["x-request-id"])["ai"]["model"] == "gzip"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, ASK, ("openai", "gpt-x", 11, 7, 3)),
        ("/api/ai/openai/v1/embeddings", {"model": "emb", "input": "x"}, ("openai", "emb", 4, 0, None)),
        ("/api/ai/openai/v1/responses", {"model": "r", "input": "x"}, ("openai", "r", 21, 9, 8)),
        ("/api/ai/openai/v1/responses", {"model": "r", "input": "x", "stream": True}, ("openai", "r", 21, 9, 8)),
        ("/api/ai/anthropic/v1/messages", {"model": "c"}, ("anthropic", "c", 42, 6, 30)),
        ("/api/ai/anthropic/v1/messages", {"model": "c", "stream": True}, ("anthropic", "c", 42, 6, 30)),
        ("/api/ai/gemini/v1beta/models/g:generateContent", {}, ("gemini", "g", 12, 7, 4)),
        ("/api/ai/gemini/v1beta/models/g:streamGenerateContent", {}, ("gemini", "g", 12, 7, 4)),
        ("/api/ai/gemini/v1beta/models/g:streamGenerateContent?alt=sse", {}, ("gemini", "g", 12, 7, 4)),
        ("/api/ai/openai/v1/moderations", {"input": "x"}, ("openai", None, None, None, None)),
    ],
)
def test_what_was_used_is_in_the_log(ai: AiGateway, path: str, body: dict[str, Any], expected: Any) -> None:
    """Read from each shape of response; unreported values are unknown."""
    answer = ai.client().post(path, json=body)
    assert answer.status_code == 200
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    found = (used["provider"], used["model"], used["input_tokens"], used["output_tokens"], used["cached_tokens"])
    assert found == expected
    assert (used["provider_status"], used["ended"]) == (200, "complete")


def test_the_providers_own_errors_are_passed_on(ai: AiGateway) -> None:
    """Its status, its body, and the headers that say when to try again."""
    answer = _post(ai, "429")
    assert (answer.status_code, answer.json()["error"]["message"]) == (429, "Rate limit reached.")
    told = {name: answer.headers[name] for name in ("retry-after", "retry-after-ms", "x-should-retry")}
    assert told == {"retry-after": "7", "retry-after-ms": "1", "x-should-retry": "true"}
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    row = ai.read_usage(answer.headers["x-request-id"])
    assert (row["status"], row["ai"]["provider_status"], row["ai"]["input_tokens"]) == (429, 429, None)


def test_a_response_that_breaks_off_is_no_whole_response(ai: AiGateway) -> None:
    """The caller's connection breaks off too; the log says that it was cut."""
    client = ai.client()
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        client.stream(
            "POST", CHAT, json={**ASK, "model": "broken", "stream": True}, headers={"x-request-id": "cut"}
        ) as answer,
    ):
        answer.read()
    used = ai.read_usage("cut")["ai"]
    assert (used["ended"], used["provider_status"], used["input_tokens"]) == ("cut", 200, None)


def test_a_redirect_is_not_followed(ai: AiGateway) -> None:
    """Its target is not revealed either."""
    answer = _post(ai, "redirect")
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_unreachable")
    assert "location" not in answer.headers
    assert [seen.path for seen in ai.provider.seen] == ["/v1/chat/completions"]


@pytest.mark.parametrize("name", ["nobody", "resend", "OPENAI", ""])
def test_there_is_no_other_provider(ai: AiGateway, name: str) -> None:
    """Services that are not for the gateway are not found."""
    answer = ai.client().post(f"/api/ai/{name}/v1/chat/completions", json={})
    assert answer.status_code == (404 if name else 400)


def test_a_provider_without_a_key(ai: AiGateway) -> None:
    """The response says what to do."""
    answer = ai.client().post("/api/ai/mistral/v1/chat/completions", json=ASK)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_configured")


def test_no_retry_is_suggested_that_cannot_help(ai: AiGateway) -> None:
    """The SDKs repeat 409 and 5xx unless a header forbids it; a provider's own word on it passes."""
    client = ai.client()
    hopeless = [
        client.post("/api/ai/mistral/v1/chat/completions", json=ASK),
        _post(ai, "401"),
        _post(ai, "redirect"),
        client.get("/api/ai/nobody/models"),
        ai.owner.api("ari_k_no").post(CHAT, json=ASK),
        client.get("/api/ai/openai/v1/files"),
    ]
    assert [answer.status_code for answer in hopeless] == [409, 502, 502, 404, 401, 403]
    assert {answer.headers["x-should-retry"] for answer in hopeless} == {"false"}
    assert _post(ai, "429").headers["x-should-retry"] == "true"
    assert "x-should-retry" not in _post(ai, "503-key").headers
    assert "x-should-retry" not in ai.owner.api("ari_k_no").get("/api/me").headers


@pytest.mark.parametrize("chunks", [b"zz\r\n\r\n", b"-1\r\n", b"3\r\nabcd\r\n", b"1\r\na\r\n0\r\nb\x01d\r\n\r\n"])
@pytest.mark.parametrize("path", [CHAT, "/api/keys", "/api/verify"])
def test_malformed_chunks_are_a_bad_request(ai: AiGateway, path: str, chunks: bytes) -> None:
    """400 in our form, and the log has the status that was sent; the provider gets no whole request."""
    name = f"chunks-{abs(hash((path, chunks)))}"
    headers = (
        b"x-api-key: " + ai.reader.encode(),
        b"x-request-id: " + name.encode(),
        b"content-type: application/json",
        b"transfer-encoding: chunked",
    )
    answer = raw.request(ai.owner.server.port, b"POST", path.encode(), *headers, body=chunks)
    assert answer.status == 400
    assert answer.headers["cache-control"] == ["no-store"]
    assert json.loads(answer.body)["code"] == "invalid_request"
    deadline, row = time.monotonic() + 20, None
    while (row is None or row["status"] is None) and time.monotonic() < deadline:
        rows = ai.owner.api(ai.reader).get("/api/usage?limit=50").json()["items"]
        row = next((one for one in rows if one["request_id"] == name), None)
    assert row is not None
    assert row["status"] == 400
    assert ai.provider.seen == []


def test_what_is_used_is_summed(ai: AiGateway) -> None:
    """By time, key, provider and model; a name that the provider refused is no model."""
    client, reader = ai.client(), ai.owner.api(ai.reader)
    made = reader.post("/api/keys", json={"name": "summed", "scopes": ["ai:openai"]}).json()
    client = ai.owner.api(made["secret"])
    for model in ("sum-a", "sum-a", "sum-b", "429"):
        client.post(CHAT, json={**ASK, "model": model})
    own = f"/api/keys/{made['key']['id']}/usage/ai"
    deadline = time.monotonic() + 20
    while (found := client.get(own).json())["request_count"] < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    sums = {"request_count": 4, "failed_count": 1, "told_count": 3, "input_tokens": 33, "output_tokens": 21}
    assert {name: found[name] for name in sums} == sums
    assert {(one["model"], one["request_count"], one["output_tokens"]) for one in found["models"]} == {
        ("sum-a", 2, 14),
        ("sum-b", 1, 7),
        (None, 1, 0),
    }
    assert [(one["provider"], one["cached_tokens"]) for one in found["providers"]] == [("openai", 9)]
    assert sum(part["request_count"] for part in found["parts"]) == 4
    every = reader.get("/api/usage/ai").json()
    named = {one["name"]: one["request_count"] for one in every["keys"]}
    assert named["summed"] == 4
    assert every["request_count"] == sum(named.values())
    assert client.get("/api/usage/ai").status_code == 403


def test_an_integration_shows_when_it_was_last_used(ai: AiGateway) -> None:
    """At the API and at the command line alike; `null` where nothing was ever forwarded."""
    row = ai.read_usage(_post(ai, "gpt-x").headers["x-request-id"])
    reader = ai.owner.api(ai.reader)
    facts = reader.get("/api/integrations/openai").json()
    assert facts["last_used_at"] is not None
    assert facts["last_used_at"] >= row["time"]
    listed = {one["provider"]: one["last_used_at"] for one in reader.get("/api/integrations").json()["items"]}
    assert (listed["openai"], listed["mistral"]) == (facts["last_used_at"], None)
    assert ai.owner.cli.json("integrations", "show", "openai")["last_used_at"] == facts["last_used_at"]


def test_the_usage_pages_show_it(ai: AiGateway) -> None:
    """By key, provider and model; and in the log of the key."""
    made, secret = ai.owner.create_key("shown on pages", scopes=["ai:openai", "ai:anthropic"])
    client = ai.owner.api(secret)
    for _ in range(5):  # the page names the ten most used models, and other tests used theirs once or twice
        client.post(CHAT, json={**ASK, "model": "shown-a"})
        client.post("/api/ai/anthropic/v1/messages", json={"model": "shown-b"})
    deadline = time.monotonic() + 20
    while client.get(f"/api/keys/{made['id']}/usage/ai").json()["told_count"] < 10 and time.monotonic() < deadline:
        time.sleep(0.02)
    session = ai.owner.session()
    every, own = session.get("/settings/usage/ai").text, session.get(f"/settings/keys/{made['id']}").text
    for page in (every, own):
        assert "Requests through the AI gateway per day" in page
        for text in ("By provider", "By model", "OpenAI", "Anthropic", "Cost", "unknown"):
            assert text in page
    assert "By key" in every
    assert "By key" not in own
    for text in ("shown-a", "shown-b", "11 in, 7 out"):
        assert text in own


def test_the_export_holds_it(ai: AiGateway) -> None:
    """In columns of their own."""
    answer = _post(ai, "exported")
    ai.read_usage(answer.headers["x-request-id"])
    reader = ai.owner.api(ai.reader)
    table = reader.get(f"/api/usage/export?key_id={ai.key_id}").text.splitlines()
    assert ",ai_provider,ai_model,ai_input_tokens,ai_output_tokens,ai_cached_tokens,ai_cost_usd," in table[0]
    assert any(",openai,exported,11,7,3,," in line for line in table)
    rows = reader.get(f"/api/usage/export?key_id={ai.key_id}&format=json").json()
    assert any(row["ai"] and row["ai"]["model"] == "exported" for row in rows)
    assert reader.get("/api/integrations/openai").json()["last_used_at"] is not None
