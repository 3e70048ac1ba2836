"""Costs of requests through the AI gateway, from the provider's response to every report."""

import csv
import io
from typing import Any

import httpx2
import pytest

from tests.support.gateway import CHAT, AiGateway
from tests.support.processes import eventually
from tests.support.providers import WAIT_SECONDS

ASK = {"messages": [{"role": "user", "content": "Hi"}]}
GPT_5 = "0.000081"
"""11 tokens in, 3 of them cached, and 7 out: 8 · 1.25 + 3 · 0.125 + 7 · 10 = 80.4 millionths, rounded up."""


def read_sums(client: httpx2.Client, key_id: str, count: int) -> dict[str, Any]:
    """The usage of a key when ``count`` requests were counted."""
    found: dict[str, Any] = {}

    def are_counted() -> bool:
        found.update(client.get(f"/api/keys/{key_id}/usage/ai").json())
        return bool(found["request_count"] == count)

    eventually(are_counted)
    return found


@pytest.mark.parametrize("streams", [False, True])
def test_a_request_has_a_cost_and_the_version_of_its_prices(ai: AiGateway, streams: bool) -> None:
    """In its row, whole or streamed, also where the caller did not ask for usage."""
    answer = ai.client().post(CHAT, json={**ASK, "model": "gpt-5", "stream": streams})
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["cost_usd"], used["is_estimated"]) == (GPT_5, False)
    assert used["price_version"].startswith("0.")


def test_an_unknown_price_is_unknown(ai: AiGateway) -> None:
    """Not 0, in the row and in the sums; a refused request costs 0."""
    made, secret = ai.owner.create_key("unknown price", scopes=["ai:openai"])
    client = ai.owner.api(secret)
    for model in ("my-model", "429"):
        client.post(CHAT, json={**ASK, "model": model})
    found = read_sums(client, made["id"], 2)
    rows = client.get(f"/api/keys/{made['id']}/usage").json()["items"]
    assert [row["ai"]["cost_usd"] for row in rows if row["ai"]] == ["0.00", None]
    assert (found["cost_usd"], found["priced_count"], found["request_count"]) == ("0.00", 1, 2)
    assert [one["cost_usd"] for one in found["models"] if one["model"] == "my-model"] == [None]


def test_costs_are_reported_by_key_consumer_tag_and_model(ai: AiGateway) -> None:
    """At the API, on the command line, and in an export."""
    reader = ai.owner.api(ai.reader)
    ai.owner.cli("consumers", "create", "Acme", "--external-id", "acme-costs")
    made = reader.post(
        "/api/keys", json={"name": "costly", "scopes": ["ai:openai"], "tags": ["costs"], "consumer": "acme-costs"}
    ).json()
    client = ai.owner.api(made["secret"])
    for _ in range(2):
        client.post(CHAT, json={**ASK, "model": "gpt-5"})
    read_sums(client, made["key"]["id"], 2)
    found = reader.get("/api/usage/ai?tag=costs&group_by=tag").json()
    assert (found["cost_usd"], found["priced_count"]) == ("0.000162", 2)
    assert [(one["name"], one["cost_usd"]) for one in found["keys"]] == [("costly", "0.000162")]
    assert [(one["group"], one["cost_usd"]) for one in found["groups"]] == [("costs", "0.000162")]
    assert [(one["model"], one["cost_usd"]) for one in found["models"]] == [("gpt-5", "0.000162")]
    assert sum(part["priced_count"] for part in found["parts"]) == 2
    shown = ai.owner.cli.json("usage", "ai", "--tag", "costs", "--group-by", "consumer")
    assert [one["cost_usd"] for one in shown["groups"]] == ["0.000162"]
    lines = ai.owner.cli("usage", "ai", "--tag", "costs").stdout
    assert "0.000162" in lines
    table = reader.get(f"/api/keys/{made['key']['id']}/usage/export?bom=false").text
    cells = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [(one["ai_model"], one["ai_cost_usd"]) for one in cells if one["ai_provider"]] == [("gpt-5", GPT_5)] * 2


def test_own_prices_count_at_once(ai: AiGateway) -> None:
    """At the API and on the command line: set, discounted, removed; each cost names its version."""
    admin = ai.owner.api(ai.owner.create_key("prices", scopes=["integrations:read", "integrations:write"])[1])
    cli = ai.owner.cli

    def ask(model: str) -> tuple[str | None, str]:
        answer = ai.client().post(CHAT, json={**ASK, "model": model})
        used = ai.read_usage(answer.headers["x-request-id"])["ai"]
        return used["cost_usd"], used["price_version"] or ""

    put = admin.put("/api/prices", json={"prices": [{"model": "openai/own-*", "input_usd": "1000", "output_usd": "0"}]})
    assert put.status_code == 200, put.text
    assert ask("own-model") == ("0.011", put.json()["version"])
    listed = cli.json("prices", "discount", "openai/own-*", "50")
    assert [one["percent"] for one in listed["discounts"]] == ["50"]
    assert ask("own-model")[0] == "0.0055"
    cli("prices", "set", "openai/own-*", "--per-request", "0.25")
    assert "per request 0.25" in cli("prices", "list").stdout
    assert ask("own-model")[0] == "0.125"
    cli("prices", "remove", "openai/own-*")
    assert ask("own-model") == (None, "")
    assert admin.get("/api/prices").json()["prices"] == []
    assert cli("prices", "remove", "openai/own-*").returncode == 1


def test_prices_in_another_currency_are_refused(ai: AiGateway) -> None:
    """One sentence at each door; nothing changes."""
    admin = ai.owner.api(ai.owner.create_key("currencies", scopes=["integrations:write"])[1])
    refused = admin.put("/api/prices", json={"prices": [{"model": "openai/x", "input_usd": "1 EUR"}]})
    assert refused.status_code == 422
    assert "US dollars" in refused.text
    ran = ai.owner.cli("prices", "set", "openai/x", "--input", "€1")
    assert (ran.returncode, "US dollars" in ran.stderr) == (1, True)


def test_a_price_that_changes_mid_stream_counts_from_the_next_request_on(ai: AiGateway) -> None:
    """The request that runs keeps the price, and the version, of its start."""
    cli = ai.owner.cli
    before = cli.json("prices", "set", "openai/hold", "--input", "1000", "--output", "0")["version"]
    with ai.client().stream("POST", CHAT, json={**ASK, "model": "hold", "stream": True}) as answer:
        assert ai.provider.reached.wait(WAIT_SECONDS)
        cli("prices", "set", "openai/hold", "--input", "2000", "--output", "0")
        ai.provider.gate.set()
        answer.read()
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["cost_usd"], used["price_version"]) == ("0.011", before)
    answer = ai.client().post(CHAT, json={**ASK, "model": "hold"})
    assert ai.read_usage(answer.headers["x-request-id"])["ai"]["cost_usd"] == "0.022"
    cli("prices", "remove", "openai/hold")


def test_a_batch_of_1000_embeddings_is_one_cost(ai: AiGateway) -> None:
    """By the tokens that the provider reports, not by the size of the request."""
    body = {"model": "text-embedding-3-small", "input": ["x" * 50] * 1_000}
    answer = ai.client().post("/api/ai/openai/v1/embeddings", json=body)
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["input_tokens"], used["output_tokens"], used["cost_usd"]) == (4, 0, "0.000001")
