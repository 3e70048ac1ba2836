"""Budgets where something is odd: providers that report wrong use, huge names, amounts below what was spent."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.pool_provider import PoolProvider, pool_provider

CHAT = "/api/ai/openai_compatible/v1/chat/completions"
ASK = {"model": "m", "messages": [], "max_tokens": 50}
PLENTY = {"amount_tokens": 10**12, "period": "total"}
GOOD_TOKENS = 5


@pytest.fixture
def provider() -> Iterator[PoolProvider]:
    with pool_provider() as running:
        yield running


@pytest.fixture
def admin(owner_on: Any, provider: PoolProvider) -> Any:
    """A client that may do everything, on an instance with the provider."""
    owner_on.make_keys_over_http()
    admin = owner_on.api(owner_on.create_key("admin", scopes=["*"])[1])
    assert admin.put("/api/integrations/openai_compatible", json={"base_url": provider.url}).status_code == 200
    return admin


def _read_use(admin: Any, key_id: str) -> tuple[int, dict[str, Any]]:
    """The tokens that the key's budget has used, and the newest row, once nothing is reserved."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        [use] = admin.get(f"/api/keys/{key_id}").json()["budget_use"]
        [row, *_] = admin.get(f"/api/keys/{key_id}/usage?limit=1").json()["items"]
        if use["reserved_tokens"] == 0 and row["ai"] is not None:
            return use["used_tokens"], row
        time.sleep(0.02)
    raise AssertionError("a reservation was not settled")


def test_a_provider_that_reports_impossible_use(owner_on: Any, admin: Any, provider: PoolProvider) -> None:
    """Negative, huge, broken or missing numbers keep the estimate; nothing is given back to the budget, and no sum
    overflows."""
    for usage in (
        '{"prompt_tokens": -3, "completion_tokens": -2}',
        '{"prompt_tokens": -1000000, "completion_tokens": 2}',
        '{"prompt_tokens": 1e30, "completion_tokens": 2}',
        '{"prompt_tokens": 99999999999999999999999, "completion_tokens": 99999999999999999999999}',
        '{"prompt_tokens": 2.5, "completion_tokens": NaN}',
        '{"prompt_tokens": true, "completion_tokens": [2]}',
        '"none"',
        "null",
    ):
        provider.usage = usage
        made, secret = owner_on.create_key("odd", scopes=["ai:*"], budgets=[PLENTY])
        assert owner_on.api(secret).post(CHAT, json=ASK).status_code == 200
        used, row = _read_use(admin, made["id"])
        assert row["ai"]["is_estimated"], usage
        assert used >= row["consumed"]["budget:default"] >= 50, usage


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens": 3.0, "completion_tokens": "2"}',
        '{"prompt_tokens": 400, "completion_tokens": 9}, "usage": {"prompt_tokens": 3, "completion_tokens": 2}',
    ],
)
def test_a_provider_that_reports_its_use_oddly(owner_on: Any, admin: Any, provider: PoolProvider, usage: str) -> None:
    """As decimals or text, or twice: the last one counts, once."""
    provider.usage = usage
    made, secret = owner_on.create_key("odd", scopes=["ai:*"], budgets=[PLENTY])
    assert owner_on.api(secret).post(CHAT, json=ASK).status_code == 200
    used, row = _read_use(admin, made["id"])
    assert (used, row["ai"]["is_estimated"]) == (GOOD_TOKENS, False)


def test_a_budget_below_the_amount_spent(owner_on: Any, admin: Any) -> None:
    """It refuses at once, has nothing left rather than less, and works again when it is raised."""
    made, secret = owner_on.create_key("capped", scopes=["ai:*"], budgets=[PLENTY])
    client, key = owner_on.api(secret), f"/api/keys/{made['id']}"
    assert client.post(CHAT, json=ASK).status_code == 200
    assert _read_use(admin, made["id"])[0] == GOOD_TOKENS
    lowered = admin.patch(key, json={"budgets": [PLENTY | {"amount_tokens": GOOD_TOKENS - 1}]})
    assert lowered.status_code == 200
    refused = client.post(CHAT, json=ASK)
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")
    [use] = admin.get(key).json()["budget_use"]
    assert (use["used_tokens"], use["remaining_tokens"]) == (GOOD_TOKENS, 0)
    assert admin.patch(key, json={"budgets": [PLENTY]}).status_code == 200
    assert client.post(CHAT, json=ASK).status_code == 200


def test_a_model_name_of_10_kb(owner_on: Any, admin: Any, provider: PoolProvider) -> None:
    """It has no price, so a budget in money refuses it in a short sentence; one in tokens counts it."""
    ask = ASK | {"model": "m" * 10_000}
    money = {"amount_usd": "5", "period": "month"}
    _, secret = owner_on.create_key("money", scopes=["ai:*"], budgets=[money])
    refused = owner_on.api(secret).post(CHAT, json=ask)
    assert (refused.status_code, refused.json()["code"]) == (403, "cost_unknown")
    assert len(refused.json()["detail"]) < 300
    assert provider.bodies == []
    made, secret = owner_on.create_key("tokens", scopes=["ai:*"], budgets=[PLENTY])
    assert owner_on.api(secret).post(CHAT, json=ask).status_code == 200
    assert _read_use(admin, made["id"])[0] == GOOD_TOKENS
