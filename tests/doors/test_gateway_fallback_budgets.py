"""Budgets of an alias with several targets: each attempt has reserved what its own target would cost, or is skipped."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.pool_provider import PoolProvider, pool_provider

CARD = "/api/integrations/openai_compatible"
CHAT = "/api/ai/openai_compatible/v1/chat/completions"
ASK = {"model": "fast", "messages": [], "max_tokens": 500}
TARGETS = ["openai_compatible/cheap", "second/dear", "second/unknown", "second/fair"]
USD_PER_MILLION = {"openai_compatible/cheap": "1", "second/dear": "2000", "second/fair": "100"}
SERVED_USD = {"dear": "0.01", "fair": "0.0005"}
"""5 tokens at these prices."""


@pytest.fixture
def first() -> Iterator[PoolProvider]:
    with pool_provider() as running:
        running.limit("", "sk-first-" + "a" * 24, retry_after="60")
        yield running


@pytest.fixture
def second() -> Iterator[PoolProvider]:
    with pool_provider() as running:
        yield running


@pytest.fixture
def admin(owner_on: Any, first: PoolProvider, second: PoolProvider) -> Any:
    """A client that may do everything; the alias's first provider is limited, and the second one serves."""
    owner_on.make_keys_over_http()
    admin = owner_on.api(owner_on.create_key("admin", scopes=["*"])[1])
    assert admin.put(CARD, json={"base_url": first.url}).status_code == 200
    owner_on.cli("upstreams", "add", "second", second.url, check=True)
    assert admin.put("/api/model-aliases", json={"aliases": {"fast": TARGETS}}).status_code == 200
    prices = [{"model": model, "input_usd": usd, "output_usd": usd} for model, usd in USD_PER_MILLION.items()]
    assert admin.put("/api/prices", json={"prices": prices, "discounts": []}).status_code == 200
    return admin


def _read_use(admin: Any, key_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The use of the key's budget and its newest row, once nothing is reserved."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        [use] = admin.get(f"/api/keys/{key_id}").json()["budget_use"]
        [row, *_] = admin.get(f"/api/keys/{key_id}/usage?limit=1").json()["items"]
        if use["reserved_usd"] == "0.00" and row["ai"] is not None:
            return use, row
        time.sleep(0.02)
    raise AssertionError("a reservation was not settled")


@pytest.mark.parametrize(("amount", "served"), [("5.00", "dear"), ("0.40", "fair")])
def test_a_fallback_is_charged_with_its_own_estimate(owner_on: Any, admin: Any, amount: str, served: str) -> None:
    """The dear one needs a dollar. Without room or price, a target is skipped, and the log says why."""
    budgets = [{"amount_usd": amount, "period": "month"}]
    made, secret = owner_on.create_key("capped", scopes=["ai:*"], budgets=budgets)
    assert owner_on.api(secret).post(CHAT, json=ASK).status_code == 200
    use, row = _read_use(admin, made["id"])
    assert (use["used_usd"], row["ai"]["cost_usd"]) == (SERVED_USD[served],) * 2
    assert row["consumed"]["budget:default"] >= (1_000_000 if served == "dear" else 50_000)
    attempts = [(one["model"], one["status"], one["skipped"]) for one in row["ai"]["attempts"]]
    skipped = [("dear", None, "budget_exhausted"), ("unknown", None, "cost_unknown")]
    expected = [] if served == "dear" else skipped
    assert attempts == [("cheap", 429, None), *expected, (served, 200, None)]


@pytest.mark.parametrize("fallback", ["second/fair", "openai_compatible/cheap"])
def test_a_first_target_without_room_is_not_called(
    owner_on: Any, admin: Any, second: PoolProvider, fallback: str
) -> None:
    """The next one serves, and its cost alone is used; if its provider was removed, nothing is used."""
    admin.put("/api/model-aliases", json={"aliases": {"fast": ["second/dear", fallback]}}).raise_for_status()
    serves = fallback == "second/fair"
    if not serves:
        admin.delete(CARD).raise_for_status()
    made, secret = owner_on.create_key("capped", scopes=["ai:*"], budgets=[{"amount_usd": "0.40", "period": "month"}])
    response = owner_on.api(secret).post(CHAT, json=ASK)
    assert response.status_code == (200 if serves else 502)
    if not serves:
        assert "left for a request to second, and OpenAI-compatible has no API key in ARI" in response.json()["detail"]
    use, row = _read_use(admin, made["id"])
    assert use["used_usd"] == (SERVED_USD["fair"] if serves else "0.00")
    attempts = [(one["model"], one["status"], one["skipped"]) for one in row["ai"]["attempts"]]
    assert attempts == [
        ("dear", None, "budget_exhausted"),
        ("fair", 200, None) if serves else ("cheap", None, "no_key"),
    ]
    assert [json.loads(body)["model"] for body in second.bodies] == (["fair"] if serves else [])


def test_no_target_left(owner_on: Any, admin: Any, second: PoolProvider) -> None:
    """The caller gets the last provider's response, and nothing is used."""
    budgets = [{"amount_usd": "0.002", "period": "month"}]
    made, secret = owner_on.create_key("poor", scopes=["ai:*"], budgets=budgets)
    assert owner_on.api(secret).post(CHAT, json=ASK).status_code == 429
    use, row = _read_use(admin, made["id"])
    assert (use["used_usd"], second.bodies) == ("0.00", [])
    assert [one["skipped"] for one in row["ai"]["attempts"]] == [
        None,
        "budget_exhausted",
        "cost_unknown",
        "budget_exhausted",
    ]


def test_the_budgets_of_providers_count_what_they_served(owner_on: Any, admin: Any, first: PoolProvider) -> None:
    """The reservation at the first provider is released; a fallback whose provider has no room left is skipped."""
    budget = {"amount_usd": "0.10", "period": "month"}
    providers = {"openai_compatible": [budget], "second": [budget]}
    admin.put("/api/budgets", json={"providers": providers}).raise_for_status()
    made, secret = owner_on.create_key("plain", scopes=["ai:*"])
    assert owner_on.api(secret).post(CHAT, json=ASK).status_code == 200
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        states = {one["name"]: one for one in admin.get("/api/budgets").json()["budget_use"]}
        if all(one["reserved_usd"] == "0.00" for one in states.values()):
            break
        time.sleep(0.02)
    used = {name: one["used_usd"] for name, one in states.items()}
    assert used == {"provider:openai_compatible:default": "0.00", "provider:second:default": SERVED_USD["fair"]}
    first.responses.clear()
    assert owner_on.api(secret).post(CHAT, json=ASK).status_code == 200
    assert made["budgets"] == []
