"""Provider keys that change, fail and are slow, on both databases: the next request knows."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import CHAT, PROVIDER_KEY, running_gateway
from tests.support.ports import free_port
from tests.support.providers import StandIn, stand_in

ASK = {"model": "gpt-x", "messages": []}
OWN = "/api/ai/openai_compatible/v1/chat/completions"
CARD = "/api/integrations/openai_compatible"


@pytest.fixture
def provider() -> Iterator[StandIn]:
    with stand_in(PROVIDER_KEY) as running:
        yield running


def test_a_key_that_is_replaced_or_removed(owner_on: Any, provider: StandIn) -> None:
    """The very next request uses the new one, or none; the card shows that the provider refuses it, and recovers."""
    admin = owner_on.api(owner_on.create_key("admin", scopes=["*"])[1])
    assert admin.post(OWN, json=ASK).json()["code"] == "not_configured"
    good = {"base_url": provider.url, "key": PROVIDER_KEY}
    assert admin.put(CARD, json=good).status_code == 200
    assert admin.post(OWN, json=ASK).status_code == 200
    admin.put(CARD, json={"key": PROVIDER_KEY[:-1] + "x"})
    for _ in range(3):
        answer = admin.post(OWN, json=ASK)
        assert (answer.status_code, answer.json()["code"]) == (502, "provider_rejected")
    card = admin.get(CARD).json()
    assert card["state"] == "failing"
    assert "401" in card["failing_reason"]
    names = [event["name"] for event in admin.get("/api/events?limit=50").json()["items"]]
    assert names.count("provider_key_rejected") == 1
    admin.put(CARD, json={"key": PROVIDER_KEY})
    assert admin.post(OWN, json=ASK).status_code == 200
    assert admin.get(CARD).json()["state"] == "configured"
    assert admin.delete(CARD).status_code == 204
    assert admin.post(OWN, json=ASK).json()["code"] == "not_configured"
    assert len(provider.seen) == 5


@pytest.fixture
def admin(ai: Any) -> Iterator[Any]:
    """A client that may do everything; the general provider is as it was at the end."""
    client = ai.owner.api(ai.reader)
    yield client
    client.delete(CARD)


def test_a_provider_that_is_not_there(ai: Any, admin: Any) -> None:
    """502 that names the provider; its card fails until it responds, and each change is one event."""
    admin.put(CARD, json={"base_url": f"http://127.0.0.1:{free_port()}", "key": PROVIDER_KEY})
    for _ in range(2):
        answer = admin.post(OWN, json=ASK)
        assert (answer.status_code, answer.json()["code"]) == (502, "provider_unreachable")
        assert "couldn't be reached" in answer.json()["detail"]
    assert admin.get(CARD).json()["state"] == "failing"
    names = [event["name"] for event in admin.get("/api/events?limit=50").json()["items"]]
    own = names[: names.index("integration_base_url_changed")]  # other tests share the server
    assert own.count("integration_unreachable") == 1


def test_a_key_that_does_not_open(ai: Any, admin: Any) -> None:
    """Without its master key an encrypted key is no key: 503, and the provider hears nothing."""
    admin.put(CARD, json={"base_url": ai.provider.url, "key": PROVIDER_KEY})
    here, elsewhere = (ai.owner.server.data_dir / name for name in ("master.key", "elsewhere.key"))
    here.rename(elsewhere)
    try:
        answer = admin.post(OWN, json=ASK)
    finally:
        elsewhere.rename(here)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert ai.provider.seen == []
    assert admin.post(OWN, json=ASK).status_code == 200


def test_patience_ends(tmp_path: Any) -> None:
    """504 where no response begins; a stream that falls silent, or never ends, is broken off."""
    with running_gateway(tmp_path / "data", ARI_AI_IDLE_SECONDS="0.3", ARI_AI_MAX_SECONDS="1.5") as ai:
        client = ai.client()
        answer = client.post(CHAT, json={**ASK, "model": "slow"})
        assert (answer.status_code, answer.json()["code"]) == (504, "provider_timed_out")
        assert ai.read_usage(answer.headers["x-request-id"])["ai"]["ended"] == "timed_out"
        for model in ("hold", "drip"):
            name = {"x-request-id": model}
            with (
                pytest.raises(Exception, match="peer closed connection"),
                client.stream("POST", CHAT, json={**ASK, "model": model, "stream": True}, headers=name) as stream,
            ):
                stream.read()
            assert ai.read_usage(model)["ai"]["ended"] == "cut"
