"""``Idempotency-Key`` on whatever a second, identical request would do once more: budgets, webhooks, their secrets."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

HOOK = {"name": "Tickets", "url": "https://hooks.invalid/hook", "events": ["preset.removed"]}
MORE = {"name": "team", "amount_usd": "5.00"}
TEAM = [{"name": "team", "amount_usd": "10.00", "period": "month"}]

SAFE_TO_REPEAT = {
    "/api/verify": "it decides for each request, which is what it is for",
    "/api/verify/batch": "the same",
    "/limits/reset": "counting from nothing twice is counting from nothing",
    "/budgets/reset": "the same",
    "/revoke": "what is revoked stays revoked",
    "/retire-old": "what is retired stays retired",
    "/api/keys/bulk": "each change sets a state",
    "/api/apply": "it describes a state",
    "/api/scopes/import": "it describes a state",
    "/default": "it sets a state",
    "/api/keys/import": "a hash that is there is refused",
    "/api/kinds": "a second one of the same name is refused",
    "/api/scopes": "the same",
    "/api/upstreams": "the same",
    "/api/integrations/{provider}/keys": "the same key is refused",
    "/api/leaks": "a leak that is reported again stays reported",
    "/api/leaks/github": "the same",
    "/test": "it only sends a test",
    "/replay": "receivers know repeated deliveries by their ID",
    "/replay-failed": "the same",
    "/preview": "it changes nothing",
}
"""Paths and ends of paths, and why a repeat does no harm."""


@pytest.fixture
def api(shared_owner: Any) -> Any:
    return shared_owner.api(shared_owner.create_key("maker", scopes=["*"])[1])


def _twice(api: Any, path: str, body: object, key: str) -> tuple[Any, Any]:
    first, second = (api.post(path, json=body, headers={"Idempotency-Key": key}) for _ in range(2))
    assert (first.status_code, first.status_code) == (second.status_code, first.status_code), first.text
    assert first.is_success, first.text
    assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
    return first, second


def _list_increases(budgets: list[dict[str, Any]]) -> list[str]:
    [budget] = budgets
    return [one["amount_usd"] for one in budget["increases"]]


def test_a_repeat_increases_a_budget_once(api: Any) -> None:
    """Of a key and of a consumer (promise 3: a lost response raises no limit twice); another body is refused."""
    key = api.post("/api/keys", json={"name": "Spender", "budgets": TEAM}).json()["key"]
    consumer = api.post("/api/consumers", json={"name": "Team", "budgets": TEAM}).json()
    for path in (f"/api/keys/{key['id']}", f"/api/consumers/{consumer['id']}"):
        first, second = _twice(api, f"{path}/budgets/increase", MORE, "may")
        assert first.json() == second.json()
        assert _list_increases(second.json()["budgets"]) == ["5.00"]
        other = api.post(
            f"{path}/budgets/increase", json=MORE | {"amount_usd": "6"}, headers={"Idempotency-Key": "may"}
        )
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        again = api.post(f"{path}/budgets/increase", json=MORE)
        assert _list_increases(again.json()["budgets"]) == ["5.00", "5.00"]


def test_a_repeat_increases_the_budget_of_the_instance_once(shared_owner: Any) -> None:
    """By a key without AI, which may change it."""
    words = ("--scope", "integrations:write", "--scope", "integrations:read")
    api = shared_owner.api(shared_owner.cli("keys", "create", "books", *words, check=True).stdout.strip())
    assert api.put("/api/budgets", json={"instance": TEAM}).is_success
    try:
        _, second = _twice(api, "/api/budgets/increase", MORE, "once")
        assert _list_increases(second.json()["instance"]) == ["5.00"]
    finally:
        assert api.put("/api/budgets", json={"instance": []}).is_success


def test_repeats_at_once_add_one_webhook(api: Any) -> None:
    """All get the same secret; the repeat has the webhook as it is now."""
    with ThreadPoolExecutor(6) as pool:
        found = list(
            pool.map(lambda _: api.post("/api/webhooks", json=HOOK, headers={"Idempotency-Key": "hook"}), range(6))
        )
    try:
        assert {one.status_code for one in found} == {201}
        assert len({one.json()["secret"] for one in found}) == 1
        path = f"/api/webhooks/{found[0].json()['webhook']['id']}"
        assert api.patch(path, json={"name": "Renamed"}).is_success
        repeated = api.post("/api/webhooks", json=HOOK, headers={"Idempotency-Key": "hook"})
        assert repeated.json()["webhook"]["name"] == "Renamed"
        first, second = _twice(api, f"{path}/rotate-secret", {}, "turn")
        assert first.json()["secret"] == second.json()["secret"] != found[0].json()["secret"]
    finally:
        for hook in api.get("/api/webhooks").json()["items"]:
            api.delete(f"/api/webhooks/{hook['id']}")
    assert api.post("/api/webhooks", json=HOOK, headers={"Idempotency-Key": "hook"}).status_code == 404


def test_a_caller_with_fewer_rights_gets_no_repeat(shared_owner: Any, api: Any) -> None:
    """Neither a secret nor an increase that it may not make now (security rule 11)."""
    key, secret = shared_owner.create_key("clerk", scopes=["webhooks:write", "keys:read"])
    clerk, headers = shared_owner.api(secret), {"Idempotency-Key": "mine"}
    made = clerk.post("/api/webhooks", json=HOOK, headers=headers)
    assert made.status_code == 201, made.text
    assert api.patch(f"/api/keys/{key['id']}", json={"scopes": ["webhooks:write"]}).is_success
    refused = clerk.post("/api/webhooks", json=HOOK, headers=headers)
    assert (refused.status_code, made.json()["secret"] in refused.text) == (403, False)
    api.delete(f"/api/webhooks/{made.json()['webhook']['id']}")


def test_each_operation_has_the_header_or_a_reason_not_to(api: Any) -> None:
    """Nothing that a second request would do once more ignores the header."""
    paths = api.get("/api/openapi.json").json()["paths"]
    for path, operations in paths.items():
        if "post" not in operations or path.startswith("/api/ai/"):
            continue
        has_header = "idempotency-key" in {one["name"].lower() for one in operations["post"].get("parameters", ())}
        assert has_header != any(path.endswith(end) for end in SAFE_TO_REPEAT), path
    assert [end for end in SAFE_TO_REPEAT if not any(path.endswith(end) for path in paths)] == []
