"""Several keys for one provider, through the gateway: each in turn, and the next one where a provider refuses one."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.pool_provider import PoolProvider, pool_provider
from tests.support.ports import free_port

CARD = "/api/integrations/openai_compatible"
CHAT = "/api/ai/openai_compatible/v1/chat/completions"
ASK = {"model": "gpt-x", "messages": []}
KEYS = [f"sk-pool-{letter * 24}" for letter in "abcd"]


@pytest.fixture
def provider() -> Iterator[PoolProvider]:
    with pool_provider() as running:
        yield running


@pytest.fixture(scope="module")
def owner_on(module_owner_on: Any) -> Any:
    """The tests share a server: each has keys of its own, and takes them back."""
    return module_owner_on


@pytest.fixture(scope="module")
def admin(owner_on: Any) -> Any:
    """A client that may do everything."""
    return owner_on.api(owner_on.create_key("admin", scopes=["*"])[1])


@pytest.fixture
def keys(admin: Any, provider: PoolProvider) -> Iterator[list[dict[str, Any]]]:
    """Three stored keys of the provider, for this test."""
    assert admin.put(CARD, json={"base_url": provider.url}).status_code == 200
    made = [admin.post(f"{CARD}/keys", json={"key": key, "label": key[8:9].upper()}) for key in KEYS[:3]]
    assert [one.status_code for one in made] == [201, 201, 201]
    yield [one.json() for one in made]
    assert admin.delete(CARD).status_code in (200, 204)
    admin.put(CARD, json={"key_choice": "round_robin"})


def _ask(admin: Any, count: int = 1) -> list[int]:
    return [admin.post(CHAT, json=ASK).status_code for _ in range(count)]


def _read_metered(admin: Any, key_id: str, count: int) -> list[dict[str, Any]]:
    """The key's rows once they are complete: what was used is written a moment after the response."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        rows = admin.get(f"/api/keys/{key_id}/usage").json()["items"]
        if len(rows) == count and all(row["ai"] for row in rows):
            return list(rows)
        time.sleep(0.02)
    raise AssertionError("the rows are not complete")


def test_each_key_in_turn_until_it_is_removed(admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]) -> None:
    """Round-robin; a removed key is gone with the very next request, and a replaced one is sent at once."""
    assert _ask(admin, 6) == [200] * 6
    assert sorted(provider.used) == sorted(KEYS[:3] * 2)
    assert admin.delete(f"{CARD}/keys/{keys[0]['id']}").status_code == 204
    assert admin.patch(f"{CARD}/keys/{keys[1]['id']}", json={"key": KEYS[3]}).json()["mask"] == "sk-p…dddd"
    provider.used.clear()
    assert _ask(admin, 4) == [200] * 4
    assert set(provider.used) == {KEYS[2], KEYS[3]}
    listed = admin.get(CARD).json()
    assert [one["label"] for one in listed["keys"]] == ["B", "C"]
    assert all(key not in admin.get(path).text for key in KEYS for path in (CARD, "/api/events?limit=200"))


def test_a_limited_key_is_passed_over(
    owner_on: Any, admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]
) -> None:
    """The request succeeds with the next key, whole; the limited one rests until its Retry-After."""
    provider.limit(KEYS[0], KEYS[1], retry_after="600")
    answer = admin.post(CHAT, json=ASK, headers={"x-request-id": "attempts-1"})
    assert answer.status_code == 200
    tried = len(provider.used)
    assert tried <= 3
    assert provider.bodies == provider.bodies[:1] * tried
    assert _ask(admin, 5) == [200] * 5
    assert provider.used.count(KEYS[0]) <= 1
    assert provider.used.count(KEYS[1]) <= 1
    assert admin.get(CARD).json()["state"] == "configured"


def test_all_keys_are_limited(admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]) -> None:
    """429 with the earliest time; later requests don't reach the provider until then."""
    for key, seconds in zip(KEYS, ("600", "60", "900"), strict=False):
        provider.limit(key, retry_after=seconds)
    for _ in range(2):
        answer = admin.post(CHAT, json=ASK)
        assert (answer.status_code, answer.json()["code"]) == (429, "provider_rate_limited")
        assert 50 <= int(answer.headers["retry-after"]) <= 60
    assert sorted(provider.used) == KEYS[:3]
    listed = admin.get(CARD).json()["keys"]
    assert [one["state"] for one in listed] == ["resting"] * 3
    assert listed[1]["rests_until"] < listed[0]["rests_until"] < listed[2]["rests_until"]


@pytest.mark.parametrize("has_budget", [False, True])
def test_a_limit_of_one_model_limits_no_other(
    owner_on: Any, admin: Any, provider: PoolProvider, keys: list[dict[str, Any]], has_budget: bool
) -> None:
    """All keys are limited for one model: requests for another still use each of them."""
    budget = ["--budget", "monthly=1000000tokens/month"] if has_budget else []
    made = owner_on.cli.json("keys", "create", "of models", "--scope", "ai:*", *budget)
    caller = owner_on.api(made["secret"])
    provider.limit(*KEYS, retry_after="600")
    provider.limited_model = "gpt-pro"
    asked = [caller.post(CHAT, json=ASK | {"model": "gpt-pro"}) for _ in range(2)]
    assert [(one.status_code, one.json()["code"]) for one in asked] == [(429, "provider_rate_limited")] * 2
    assert sorted(provider.used) == KEYS[:3]
    assert [caller.post(CHAT, json=ASK).status_code for _ in range(6)] == [200] * 6
    assert sorted(provider.used[3:]) == sorted(KEYS[:3] * 2)
    listed = admin.get(CARD).json()["keys"]
    assert [(one["state"], one["rests_for"]) for one in listed] == [("resting", ["gpt-pro"])] * 3


def test_a_rejected_key_leaves_until_a_test_succeeds(
    admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]
) -> None:
    """Stored, so every process knows; one event. With all rejected there is one clear error, and no call."""
    provider.reject(KEYS[1])
    assert _ask(admin, 6) == [200] * 6
    assert provider.used.count(KEYS[1]) == 1
    listed = admin.get(CARD).json()
    assert [one["state"] for one in listed["keys"]] == ["working", "rejected", "working"]
    assert (listed["state"], "401" in listed["keys"][1]["failing_reason"]) == ("configured", True)
    names = [event["name"] for event in admin.get("/api/events?limit=50").json()["items"]]
    assert names.count("provider_key_rejected") == 1
    provider.reject(*KEYS)
    answers = [admin.post(CHAT, json=ASK).json()["code"] for _ in range(3)]
    assert answers == ["provider_rejected"] * 3
    assert len(provider.used) <= 9
    assert admin.get(CARD).json()["state"] == "failing"
    provider.responses.clear()
    assert admin.post(f"{CARD}/keys/{keys[1]['id']}/test").json()["outcome"] == "works"
    provider.used.clear()
    assert _ask(admin, 2) == [200, 200]
    assert set(provider.used) == {KEYS[1]}


def test_a_key_removed_between_attempts(admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]) -> None:
    """The next attempt reads what is stored then, so it does not use the removed key."""
    provider.limit(*KEYS[:2], retry_after="60")
    removed: list[int] = []

    def remove(key: str) -> None:
        if not removed:
            left = next(one for one in keys if one["label"] != key[8:9].upper() and one["label"] != "C")
            removed.append(KEYS.index(f"sk-pool-{left['label'].lower() * 24}"))
            admin.delete(f"{CARD}/keys/{left['id']}")

    provider.on_request = remove
    while not removed or provider.used[0] == KEYS[2]:
        provider.used.clear()
        assert _ask(admin) == [200]
    assert KEYS[removed[0]] not in provider.used


def test_only_a_safe_failure_is_repeated(admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]) -> None:
    """After a 5xx the provider may have done the work: the caller decides."""
    provider.responses |= dict.fromkeys(KEYS, (500, {}))
    assert _ask(admin) == [500]
    assert len(provider.used) == 1


def test_a_consumer_keeps_its_key(
    owner_on: Any, admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]
) -> None:
    """With ``by_consumer``, whichever worker serves it."""
    assert admin.put(CARD, json={"key_choice": "by_consumer"}).json()["key_choice"] == "by_consumer"
    for number in range(6):
        client = owner_on.api(owner_on.create_key(f"app {number}", scopes=["ai:*"])[1])
        provider.used.clear()
        for _ in range(4):
            assert client.post(CHAT, json=ASK).status_code == 200
        assert len(set(provider.used)) == 1


def test_attempts_are_in_the_log(owner_on: Any, admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]) -> None:
    """Each with its key and its status, in the order in which they were made."""
    made, secret = owner_on.create_key("logged", scopes=["ai:*"])
    provider.limit(KEYS[0], KEYS[1], retry_after="60")
    client = owner_on.api(secret)
    for _ in range(3):
        assert client.post(CHAT, json=ASK).status_code == 200
    rows = _read_metered(admin, made["id"], 3)
    statuses = [[one["status"] for one in row["ai"]["attempts"]] for row in rows]
    assert sorted(status for row in statuses for status in row) == [200, 200, 200, 429, 429]
    assert all(row[-1] == 200 for row in statuses)
    assert {one["key"] for row in rows for one in row["ai"]["attempts"]} == {one["id"] for one in keys}


def test_the_next_target_of_an_alias(
    owner_on: Any, admin: Any, provider: PoolProvider, keys: list[dict[str, Any]]
) -> None:
    """Once all keys of the first are limited, or nothing listens there; with its own model, and in the log."""
    with pool_provider() as second:
        owner_on.cli("upstreams", "add", "second", second.url, check=True)
        targets = ["openai_compatible/first-model", "second/second-model"]
        assert admin.put("/api/model-aliases", json={"aliases": {"fast": targets}}).status_code == 200
        made, secret = owner_on.create_key("aliased", scopes=["ai:*"])
        client = owner_on.api(secret)
        provider.limit(*KEYS, retry_after="60")
        for _ in range(2):
            assert client.post(CHAT, json={**ASK, "model": "fast"}).status_code == 200
        assert sorted(provider.used) == KEYS[:3]
        assert [json.loads(body)["model"] for body in second.bodies] == ["second-model"] * 2
        first = next(row for row in _read_metered(admin, made["id"], 2) if len(row["ai"]["attempts"]) > 2)
        assert [(one["model"], one["status"]) for one in first["ai"]["attempts"]] == [
            *[("first-model", 429)] * 3,
            ("second-model", 200),
        ]
        assert (first["ai"]["provider"], first["ai"]["provider_status"]) == ("second", 200)
        admin.put(CARD, json={"base_url": None})
        owner_on.cli(
            "integrations", "set-url", "openai_compatible", f"http://127.0.0.1:{free_port()}", "--yes", check=True
        )
        assert client.post(CHAT, json={**ASK, "model": "fast"}).status_code == 200
        assert admin.get(CARD).json()["state"] == "failing"
        second.responses[""] = (500, {})
        assert client.post(CHAT, json={**ASK, "model": "fast"}).status_code == 500
        assert client.post(CHAT, json={**ASK, "model": "plain"}).status_code == 502
