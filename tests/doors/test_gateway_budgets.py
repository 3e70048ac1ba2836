"""Budgets in the AI gateway: reserved before a request is forwarded, settled by its use, and never bypassed."""

import contextlib
import time
from typing import Any

import httpx2
import pytest

from tests.support.gateway import CHAT, AiGateway
from tests.support.providers import WAIT_SECONDS

MODEL = "gpt-5-mini"
COST_USD = "0.000017"
"""11 input and 7 output tokens of the stand-in, at 0.25 and 2.00 US dollars per million."""
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
MESSAGES = "/api/ai/anthropic/v1/messages"


def make_key(ai: AiGateway, *budgets: dict[str, Any]) -> tuple[str, str]:
    """The id and secret of a key with these budgets."""
    key, secret = ai.owner.create_key("budget", scopes=["ai:*", "ai-account:*"], budgets=list(budgets))
    return key["id"], secret


def usd(amount: str, **fields: Any) -> dict[str, Any]:
    return {"amount_usd": amount, "period": "month"} | fields


def tokens(amount: int, **fields: Any) -> dict[str, Any]:
    return {"amount_tokens": amount, "period": "day"} | fields


def read_use(ai: AiGateway, key_id: str) -> dict[str, Any]:
    """The use of the key's only budget, once no request is running."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        [use] = ai.owner.api(ai.reader).get(f"/api/keys/{key_id}").json()["budget_use"]
        if use["reserved_usd"] in (None, "0.00") and use["reserved_tokens"] in (None, 0):
            return dict(use)
        time.sleep(0.02)
    raise AssertionError("a reservation was not settled")


def read_row(ai: AiGateway, key_id: str) -> dict[str, Any]:
    """The newest row of the key."""
    [row, *_] = ai.owner.api(ai.reader).get(f"/api/keys/{key_id}/usage?limit=1").json()["items"]
    return dict(row)


@pytest.mark.parametrize("stream", [True, False])
def test_a_response_settles_at_its_cost(ai: AiGateway, stream: bool) -> None:
    """The estimate of the reservation is replaced, and the row shows both."""
    key_id, secret = make_key(ai, usd("1.00"))
    assert ai.owner.api(secret).post(CHAT, json=ASK | {"stream": stream}).status_code == 200
    assert read_use(ai, key_id)["used_usd"] == COST_USD
    row = read_row(ai, key_id)
    assert row["consumed"]["budget:default"] > 17
    assert (row["ai"]["cost_usd"], row["ai"]["is_estimated"]) == (COST_USD, False)


def test_a_used_up_budget_refuses_before_the_provider(ai: AiGateway) -> None:
    """With the name of the budget, and when it is worth a retry; other requests of the key still work."""
    key_id, secret = make_key(ai, tokens(30, name="daily"))
    client = ai.owner.api(secret)
    assert client.post(CHAT, json=ASK | {"max_tokens": 1}).status_code == 200
    read_use(ai, key_id)
    seen = len(ai.provider.seen)
    refused = client.post(CHAT, json=ASK | {"max_tokens": 10})
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
    words = "Budget “daily” (30 tokens per day) has 12 tokens left; this request may use "
    assert refused.json()["detail"].startswith(words)
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert len(ai.provider.seen) == seen
    row = read_row(ai, key_id)
    assert (row["code"], row["ai"]["model"], row["ai"]["ended"]) == ("budget_exhausted", ASK["model"], "refused")
    assert client.get("/api/me").json()["budget_use"][0]["used_tokens"] == 18
    assert client.get("/api/ai/openai/v1/models").status_code == 200


def test_a_budget_for_all_time_gives_no_time_to_retry(ai: AiGateway) -> None:
    """And a request that never fits in a day's budget gets none either."""
    for budget in (tokens(5, period="total"), tokens(5)):
        _, secret = make_key(ai, budget)
        refused = ai.owner.api(secret).post(CHAT, json=ASK)
        assert refused.status_code == 429
        assert refused.json()["detail"].endswith(", more than the whole budget.")
        assert not {"retry-after", "ratelimit", "ratelimit-policy"} & refused.headers.keys()


@pytest.mark.parametrize("model", ["429", "401-scope", "500-key", "redirect"])
def test_a_request_that_the_provider_refuses_costs_nothing(ai: AiGateway, model: str) -> None:
    """An SDK that retries such requests must not use the budget up."""
    key_id, secret = make_key(ai, tokens(10_000))
    client = ai.owner.api(secret)
    for _ in range(3):
        assert client.post(CHAT, json=ASK | {"model": model}).status_code >= 400
    assert read_use(ai, key_id)["used_tokens"] == 0


@pytest.mark.parametrize("model", ["broken", "fails", "gzip"])
def test_an_unknown_use_keeps_the_estimate(ai: AiGateway, model: str) -> None:
    """A stream that breaks off, one that ends with an error, and a provider that reports nothing."""
    key_id, secret = make_key(ai, tokens(10_000))
    with contextlib.suppress(httpx2.HTTPError):
        ai.owner.api(secret).post(CHAT, json=ASK | {"model": model, "stream": model != "gzip"})
    use, row = read_use(ai, key_id), read_row(ai, key_id)
    assert use["used_tokens"] == row["consumed"]["budget:default"] > 400
    assert row["ai"]["is_estimated"]


def test_a_caller_that_hangs_up_keeps_the_estimate(ai: AiGateway) -> None:
    """The provider may have done the work already."""
    key_id, secret = make_key(ai, tokens(10_000))
    with ai.owner.api(secret).stream("POST", CHAT, json=ASK | {"model": "hold", "stream": True}) as response:
        assert ai.provider.reached.wait(WAIT_SECONDS)
        assert response.status_code == 200
    assert ai.provider.hung_up.wait(WAIT_SECONDS)
    assert read_use(ai, key_id)["used_tokens"] > 400


def test_a_caller_that_hangs_up_before_a_refusal_uses_nothing(ai: AiGateway) -> None:
    """Otherwise a few such requests would use up a budget that many share."""
    key_id, secret = make_key(ai, tokens(10_000))
    with pytest.raises(httpx2.ReadTimeout):
        ai.owner.api(secret).post(CHAT, json=ASK | {"model": "slow-429"}, timeout=0.5)
    assert ai.provider.reached.wait(WAIT_SECONDS)
    assert ai.client().get("/api/me").status_code == 200  # ARI has seen that the caller left
    ai.provider.gate.set()
    assert read_use(ai, key_id)["used_tokens"] == 0
    row = read_row(ai, key_id)
    assert (row["ai"]["ended"], row["ai"]["provider_status"]) == ("client_gone", 429)


def test_a_caller_that_hangs_up_before_a_response_pays_for_its_use(ai: AiGateway) -> None:
    """The provider did the work, and says how much it was."""
    key_id, secret = make_key(ai, tokens(10_000))
    with pytest.raises(httpx2.ReadTimeout):
        ai.owner.api(secret).post(CHAT, json=ASK | {"model": "slow"}, timeout=0.5)
    assert ai.provider.reached.wait(WAIT_SECONDS)
    assert ai.client().get("/api/me").status_code == 200  # ARI has seen that the caller left
    ai.provider.gate.set()
    assert read_use(ai, key_id)["used_tokens"] == 18
    row = read_row(ai, key_id)
    assert (row["ai"]["ended"], row["ai"]["is_estimated"]) == ("client_gone", False)


def test_a_caller_that_hangs_up_in_a_stream_pays_for_all_of_it(ai: AiGateway) -> None:
    """The model may have thought more than it showed, and the end of the stream says how much."""
    key_id, secret = make_key(ai, tokens(10_000))
    with pytest.raises(httpx2.ReadTimeout):
        ai.owner.api(secret).post(CHAT, json=ASK | {"model": "hold", "stream": True}, timeout=0.5)
    assert ai.provider.reached.wait(WAIT_SECONDS)
    assert ai.client().get("/api/me").status_code == 200  # ARI has seen that the caller left
    ai.provider.gate.set()
    assert read_use(ai, key_id)["used_tokens"] == 18
    row = read_row(ai, key_id)
    assert (row["ai"]["ended"], row["ai"]["is_estimated"]) == ("client_gone", False)


def test_many_first_requests_at_once_do_not_all_fit(ai: AiGateway) -> None:
    """One is estimated by its likely use. The next reserves its own limit, so it is refused while the first runs."""
    key_id, secret = make_key(ai, tokens(10_000))
    client, ask = ai.owner.api(secret), ASK | {"max_completion_tokens": 40_000}
    with client.stream("POST", CHAT, json=ask | {"model": "hold", "stream": True}):
        assert ai.provider.reached.wait(WAIT_SECONDS)
        refused = client.post(CHAT, json=ask | {"model": "hold"})
        assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
    ai.provider.gate.set()
    read_use(ai, key_id)
    assert client.post(CHAT, json=ask | {"model": "hold"}).status_code == 200


def test_a_model_without_a_price_is_refused(ai: AiGateway) -> None:
    """Only by a hard budget in money; a soft one, or one in tokens, can count it."""
    for budget, status in ((usd("1.00"), 403), (usd("1.00", hard=False), 200), (tokens(10_000), 200)):
        key_id, secret = make_key(ai, budget)
        answer = ai.owner.api(secret).post(CHAT, json=ASK | {"model": "nobody-knows"})
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["code"] == "cost_unknown"
            assert "nobody-knows" in answer.json()["detail"]
            assert read_row(ai, key_id)["code"] == "cost_unknown"
    assert read_row(ai, key_id)["ai"]["cost_usd"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("openai/v1/batches", {"input_file_id": "file_1"}),
        ("openai/v1/chat/completions?model=gpt-5-pro", ASK),
        ("openai/v1/chat/completions", {"messages": []}),
    ],
)
def test_a_request_whose_model_is_not_clear_is_refused(ai: AiGateway, path: str, body: dict[str, Any]) -> None:
    """A batch file would run later, past the budget."""
    key_id, secret = make_key(ai, tokens(10_000))
    refused = ai.owner.api(secret).post(f"/api/ai/{path}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "cost_unknown")
    assert read_use(ai, key_id)["used_tokens"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("openai/v1/responses", ASK | {"background": True}),
        ("openai/v1/chat/completions", ASK | {"stream": "true"}),
        ("gemini/v1beta/models/gemini-2.5-pro:generateContent?$fields=candidates", {"contents": []}),
    ],
)
def test_a_request_that_would_report_no_use_is_refused(ai: AiGateway, path: str, body: dict[str, Any]) -> None:
    """Only by a hard budget: it could never be settled."""
    key_id, secret = make_key(ai, tokens(10_000))
    refused = ai.owner.api(secret).post(f"/api/ai/{path}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "cost_unknown")
    assert read_use(ai, key_id)["used_tokens"] == 0
    _, secret = make_key(ai, tokens(10_000, hard=False))
    assert ai.owner.api(secret).post(f"/api/ai/{path}", json=body).status_code == 200


def test_a_caller_that_hangs_up_late_pays_for_what_it_read(ai: AiGateway) -> None:
    """Even if the usage at the end of the stream never comes."""
    key_id, secret = make_key(ai, tokens(1_000_000))
    with ai.owner.api(secret).stream("POST", CHAT, json=ASK | {"model": "flood", "stream": True}) as response:
        assert len(next(response.iter_bytes(chunk_size=200_000))) == 200_000
    assert ai.provider.hung_up.wait(WAIT_SECONDS)
    assert read_use(ai, key_id)["used_tokens"] > 10_000


def test_a_thousand_embeddings_are_one_estimate(ai: AiGateway) -> None:
    """Their size counts, not a response for each; they settle at what the provider reports."""
    key_id, secret = make_key(ai, tokens(5_000))
    body = {"model": "text-embedding-3-small", "input": ["some words"] * 1_000}
    assert ai.owner.api(secret).post("/api/ai/openai/v1/embeddings", json=body).status_code == 200
    assert read_use(ai, key_id)["used_tokens"] == 4


def test_shared_budgets_bind_all_keys(ai: AiGateway) -> None:
    """Of the provider and of the instance; requests to another provider don't use the provider's."""
    owner = ai.owner.api(ai.reader)
    _, secret = make_key(ai)
    budgets = {"instance": [tokens(10_000, name="all")], "providers": {"openai": [tokens(1, name="small")]}}
    assert owner.put("/api/budgets", json=budgets).status_code == 200
    try:
        refused = ai.owner.api(secret).post(CHAT, json=ASK)
        assert refused.status_code == 429
        assert "“provider:openai:small”" in refused.json()["detail"]
        claude = ASK | {"model": "claude-sonnet-4-5", "max_tokens": 10}
        assert ai.owner.api(secret).post(MESSAGES, json=claude).status_code == 200
        names = {one["name"]: one["used_tokens"] for one in owner.get("/api/budgets").json()["budget_use"]}
        assert names["provider:openai:small"] == 0
        assert names["instance:all"] > 0
    finally:
        # No key may: all of them descend from one that may use AI.
        assert owner.put("/api/budgets", json={"instance": [], "providers": {}}).status_code == 403
        for provider in ([], ["--provider", "openai"]):
            ai.owner.cli("budgets", "remove", *provider, "--yes", check=True)
        assert owner.get("/api/budgets").json()["budget_use"] == []
    assert ai.owner.api(secret).post(CHAT, json=ASK).status_code == 200
