"""Requests that try to get more than their key may have, through sockets: by models, aliases, choices and tools."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import CHAT, AiGateway
from tests.support.providers import WAIT_SECONDS

ASK = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}]}
ROUTER = "/api/ai/my-router/v1/chat/completions"
GEMINI = "/api/ai/gemini/v1beta/models/gemini-2.5-flash:generateContent"
MESSAGES = "/api/ai/anthropic/v1/messages"
SEARCH_MICROS = 10_000
"""Of one search at Anthropic: 0.01 US dollars."""


@pytest.fixture(scope="module", autouse=True)
def _rules(shared_gateway: Any) -> Iterator[None]:
    """A named upstream that could be any router, and aliases of models without a price and of refused models."""
    ai: AiGateway = shared_gateway
    ai.owner.cli("upstreams", "add", "my-router", f"{ai.provider.url}/v1", check=True)
    ai.owner.cli("integrations", "set", "my-router", stdin=f"{ai.provider.key}\n", check=True)
    api = ai.owner.api(ai.reader)
    aliases = {"secret": ["openai/nobody-knows"], "pro": ["openai/gpt-5-pro"], "mini": ["openai/gpt-5-mini"]}
    assert api.put("/api/model-aliases", json={"aliases": aliases}).status_code == 200
    yield
    api.put("/api/model-aliases", json={"aliases": {}}).raise_for_status()
    ai.owner.cli("upstreams", "remove", "my-router", "--yes", check=True)


def make_key(ai: AiGateway, **fields: Any) -> tuple[str, Any]:
    """The id of a key and a client that uses it."""
    made, secret = ai.owner.create_key("hostile", scopes=["ai:*"], **fields)
    return made["id"], ai.owner.api(secret)


def read_settled(ai: AiGateway, key_id: str) -> dict[str, Any]:
    """The newest row of the key and the use of its only budget, once nothing is reserved."""
    reader, deadline = ai.owner.api(ai.reader), time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        [use] = reader.get(f"/api/keys/{key_id}").json()["budget_use"]
        [row, *_] = reader.get(f"/api/keys/{key_id}/usage?limit=1").json()["items"]
        if use["reserved_usd"] in (None, "0.00") and use["reserved_tokens"] in (None, 0) and row["ai"] is not None:
            return {"row": row, "use": use}
        time.sleep(0.02)
    raise AssertionError("a reservation was not settled")


def tokens(amount: int) -> list[dict[str, Any]]:
    return [{"amount_tokens": amount, "period": "day"}]


@pytest.mark.parametrize(
    ("n", "limit", "reserved"), [(4, 50, 200), (1, 20, 20), (10**15, 1, 128), (2, 10**12, 1_000), (1, -5, 500)]
)
def test_choices_and_limits_are_reserved(ai: AiGateway, n: int, limit: int, reserved: int) -> None:
    """Each choice with its limit; senseless numbers reserve neither nothing nor everything."""
    key_id, client = make_key(ai, budgets=tokens(10_000))
    assert client.post(CHAT, json=ASK | {"n": n, "max_tokens": limit}).status_code == 200
    assert 0 < read_settled(ai, key_id)["row"]["consumed"]["budget:default"] - reserved < 100


def test_choices_that_do_not_fit_never_reach_the_provider(ai: AiGateway) -> None:
    """Of one budget: four choices are refused, one is served."""
    key_id, client = make_key(ai, budgets=tokens(300))
    refused = client.post(CHAT, json=ASK | {"n": 4, "max_tokens": 100})
    assert (refused.status_code, refused.json()["code"], ai.provider.seen) == (429, "budget_exhausted", [])
    assert client.post(CHAT, json=ASK | {"n": 1, "max_tokens": 100}).status_code == 200
    assert read_settled(ai, key_id)["use"]["used_tokens"] == 18


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "gpt-5-mini", "model": "gpt-5-pro"}',
        b'{"model": "gpt-5-mini", "MODEL": "gpt-5-pro"}',
        b'{"model": "mini", "mod\\u0065l": "gpt-5-pro"}',
        b'{"model": "gpt-5-mini", "fallbacks": ["gpt-5-pro"]}',
    ],
)
def test_a_second_model_in_the_body_is_refused(ai: AiGateway, body: bytes) -> None:
    """By rules for models and by a hard budget, also next to an alias: two servers could read another one."""
    for fields, code in (
        ({"models": {"allow": ["openai/gpt-5-mini"]}}, "model_not_allowed"),
        ({"budgets": tokens(10_000)}, "cost_unknown"),
    ):
        _, client = make_key(ai, **fields)
        refused = client.post(CHAT, content=body, headers={"content-type": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (403, code)
    assert ai.provider.seen == []


def test_an_alias_opens_no_way_around_rules_and_prices(ai: AiGateway) -> None:
    """A refused model and one without a price are refused by their alias as well, and stay unnamed."""
    key_id, client = make_key(ai, models={"deny": ["gpt-5-pro"]}, budgets=[{"amount_usd": "1.00", "period": "day"}])
    refused = client.post(CHAT, json=ASK | {"model": "pro"})
    assert (refused.status_code, refused.json()["code"]) == (403, "model_not_allowed")
    unknown = client.post(CHAT, json=ASK | {"model": "secret"})
    assert (unknown.status_code, unknown.json()["code"]) == (403, "cost_unknown")
    assert "alias secret" in unknown.json()["detail"]
    assert "nobody-knows" not in unknown.text
    assert "gpt-5-pro" not in refused.text
    assert ai.provider.seen == []
    assert client.post(CHAT, json=ASK | {"model": "mini"}).status_code == 200
    assert read_settled(ai, key_id)["use"]["used_usd"] == "0.000017"


@pytest.mark.parametrize("model", ["openrouter/auto", "auto", "model-router", "openai/gpt-5@preset/x"])
def test_a_router_behind_a_named_upstream_chooses_no_model(ai: AiGateway, model: str) -> None:
    """Neither for a key with allowed models, although a pattern fits, nor for one with a hard budget."""
    for fields, code in (
        ({"models": {"allow": ["my-router/*"]}}, "model_not_allowed"),
        ({"budgets": tokens(10_000)}, "cost_unknown"),
    ):
        _, client = make_key(ai, **fields)
        refused = client.post(ROUTER, json=ASK | {"model": model})
        assert (refused.status_code, refused.json()["code"]) == (403, code)
        assert ai.provider.seen == []
        assert client.post(ROUTER, json=ASK).status_code == 200
        ai.provider.reset()
    _, client = make_key(ai)
    assert client.post(ROUTER, json=ASK | {"model": model}).status_code == 200


def test_cached_content_is_refused(ai: AiGateway) -> None:
    """It may have been made with another model, with tools that have a fee, and with any number of tokens."""
    ask: dict[str, Any] = {"contents": [{"parts": [{"text": "Hi"}]}]}
    for fields, code in (
        ({"models": {"allow": ["gemini/gemini-2.5-flash"]}}, "model_not_allowed"),
        ({"budgets": tokens(10_000)}, "cost_unknown"),
    ):
        _, client = make_key(ai, **fields)
        for name in ("cachedContent", "cached_content"):
            refused = client.post(GEMINI, json=ask | {name: "cachedContents/abc"})
            assert (refused.status_code, refused.json()["code"]) == (403, code)
        assert ai.provider.seen == []
        assert client.post(GEMINI, json=ask).status_code == 200
        ai.provider.reset()
    _, client = make_key(ai)
    assert client.post(GEMINI, json=ask | {"cachedContent": "cachedContents/abc"}).status_code == 200


@pytest.mark.parametrize(("max_uses", "searches"), [(3, 3), (None, 10)])
def test_the_fee_of_searches_is_reserved(ai: AiGateway, max_uses: int | None, searches: int) -> None:
    """So that the response can't charge what was never reserved; without searches, nothing is charged for them."""
    tool = {"type": "web_search_20250305", "name": "web_search"} | ({} if max_uses is None else {"max_uses": max_uses})
    ask = ASK | {"model": "claude-sonnet-4-5", "max_tokens": 10, "tools": [tool]}
    key_id, client = make_key(ai, budgets=[{"amount_usd": "1.00", "period": "day"}])
    assert client.post(MESSAGES, json=ask).status_code == 200
    found = read_settled(ai, key_id)
    reserved = found["row"]["consumed"]["budget:default"]
    assert searches * SEARCH_MICROS < reserved < (searches + 1) * SEARCH_MICROS
    assert float(found["use"]["used_usd"]) < SEARCH_MICROS / 1e6
    _, poor = make_key(ai, budgets=[{"amount_usd": "0.02", "period": "day"}])
    assert json.loads(poor.post(MESSAGES, json=ask).text)["code"] == "budget_exhausted"
