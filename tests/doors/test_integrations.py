"""``/api/integrations`` over HTTP: provider keys come in, are tried, and never go out again."""

from typing import Any

import pytest

from ari.integrations.providers import providers
from tests.support.owner import Owner, csrf_of
from tests.support.provider import provider

KEY = "sk-proj-0123456789abcdefABCDEF"
PLACE = "/api/integrations/openai"


@pytest.fixture
def admin(shared_owner: Any) -> Any:
    return shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])


def _code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_the_life_of_a_provider_key(owner_on: Owner) -> None:
    """Put, tried, refused, replaced, moved, removed, on both databases; no response holds more than its mask."""
    maker = owner_on.api(owner_on.create_key("writer", scopes=["integrations:*"])[1])
    with provider() as there:
        answers = [maker.put(PLACE, json={"base_url": f"{there.url}/v1"}), maker.put(PLACE, json={"key": KEY})]
        assert [one.status_code for one in answers] == [200, 200]
        facts = answers[1].json()
        assert facts == maker.get(PLACE).json()
        assert (facts["state"], facts["source"], facts["mask"]) == ("configured", "stored", "sk-p…CDEF")
        assert (facts["base_url"], facts["last_test"]) == (there.url, None)
        answers.append(maker.post(f"{PLACE}/test"))
        assert answers[-1].json() == {"outcome": "works", "words": "OpenAI accepted the key."}
        assert there.asked[-1][1:] == ("/v1/models", there.asked[-1][2])
        assert there.asked[-1][2]["authorization"] == f"Bearer {KEY}"
        there.refuse()
        answers.append(maker.post(f"{PLACE}/test"))
        assert answers[-1].json()["outcome"] == "rejected"
        failing = maker.get(PLACE).json()
        assert (failing["state"], failing["last_test"]) == ("failing", answers[-1].json())
        assert failing["failing_since"] == failing["last_tested_at"]
        answers.append(maker.put(PLACE, json={"key": f"{KEY}GH"}))
        assert (answers[-1].json()["state"], answers[-1].json()["failing_since"]) == ("configured", None)
    answers.append(maker.put(PLACE, json={"base_url": None}))
    assert (answers[-1].json()["state"], answers[-1].json()["mask"]) == ("not_configured", None)
    assert _code(maker.post(f"{PLACE}/test")) == (409, "not_configured")
    both = maker.put(PLACE, json={"base_url": "https://proxy.example.net", "key": KEY})
    assert (both.json()["base_url"], both.json()["mask"]) == ("https://proxy.example.net", "sk-p…CDEF")
    assert maker.delete(PLACE).status_code == 204
    assert _code(maker.delete(PLACE)) == (404, "not_found")
    names = [event["name"] for event in owner_on.cli.json("events", "--subject", "openai")["items"]]
    assert names == [
        "provider_key_removed",
        "provider_key_added",
        "integration_base_url_changed",
        "integration_base_url_changed",
        "provider_key_replaced",
        "provider_key_rejected",
        "integration_tested",
        "integration_tested",
        "provider_key_added",
        "integration_base_url_changed",
    ]
    assert all(KEY[6:] not in answer.text for answer in (*answers, both))
    assert KEY[6:] not in owner_on.server.log_text()


def test_every_provider_is_listed(admin: Any) -> None:
    """With all its facts; each may be read on its own."""
    listed = admin.get("/api/integrations").json()
    assert listed["next_cursor"] is None
    assert providers().keys() <= {one["provider"] for one in listed["items"]}
    for one in listed["items"]:
        assert admin.get(f"/api/integrations/{one['provider']}").json() == one


def test_reading_and_writing_are_scopes_of_their_own(shared_owner: Any) -> None:
    """A key of the AI gateway reads and writes none of this; one that reads does not write."""
    user = shared_owner.api(shared_owner.create_key("user", scopes=["ai:openai"])[1])
    reader = shared_owner.api(shared_owner.create_key("reader", scopes=["integrations:read"])[1])
    assert _code(user.get("/api/integrations")) == (403, "insufficient_scope")
    assert reader.get("/api/integrations").status_code == 200
    for answer in (reader.put(PLACE, json={"key": KEY}), reader.delete(PLACE), reader.post(f"{PLACE}/test")):
        assert _code(answer) == (403, "insufficient_scope")
        assert 'scope="integrations:write"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "key"),
        ({"key": None}, "key"),
        ({"key": f"Bearer {KEY}"}, "key"),
        ({"key": "gsk_0123456789abcdefABCDEF"}, "key"),
        ({"key": "x" * 600}, "key"),
        ({"key": 7}, "key"),
        ({"base_url": "http://user:pw@127.0.0.1"}, "base_url"),
        ({"base_url": "http://example.net"}, "base_url"),
        ({"key": KEY, "secret": KEY}, "secret"),
    ],
)
def test_bad_bodies_name_the_field_and_show_nothing(admin: Any, body: dict[str, Any], field: str) -> None:
    """422, and nothing is written: the key of a body whose other part is wrong neither."""
    answer = admin.put(PLACE, json=body)
    assert _code(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["location"] == field
    for piece in (KEY, "gsk_", "user:pw", "xxxx"):
        assert piece not in answer.text
    assert admin.get(PLACE).json()["state"] == "not_configured"


def test_a_bad_key_takes_its_base_url_back(admin: Any) -> None:
    """One body is one change: both or neither."""
    answer = admin.put(PLACE, json={"base_url": "https://proxy.example.net", "key": "a b"})
    assert _code(answer) == (422, "invalid")
    assert admin.get(PLACE).json()["base_url"] == "https://api.openai.com"


def test_a_provider_that_does_not_exist(admin: Any) -> None:
    """404 for every method."""
    place = "/api/integrations/nobody"
    for answer in (admin.get(place), admin.put(place, json={"key": KEY}), admin.delete(place)):
        assert _code(answer) == (404, "not_found")
    assert _code(admin.post(f"{place}/test")) == (404, "not_found")


def test_a_session_confirms_before_it_writes(owner: Owner) -> None:
    """A quarter of an hour after its password it reads and tests, and is asked before it changes (security.md 29)."""
    session = owner.session()
    session.headers["x-csrf-token"] = csrf_of(session.get("/settings?tab=api").text)
    assert session.put(PLACE, json={"key": KEY}).status_code == 200
    owner.server.clock.advance(15 * 60)
    for answer in (session.put(PLACE, json={"key": f"{KEY}GH"}), session.delete(PLACE)):
        assert _code(answer) == (403, "confirmation_required")
    assert session.get(PLACE).json()["mask"] == "sk-p…CDEF"


def test_only_the_owner_names_private_addresses(make_owner: Any) -> None:
    """At every door: a key is refused, a session and the command line are not; a form shows no address of a key."""
    owner = make_owner(settings={"ARI_AI_PRIVATE_ADDRESSES": None})
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    private, public = "http://ollama_server:11434", "https://models.example.net"
    refused = admin.put("/api/integrations/ollama", json={"base_url": private})
    assert _code(refused) == (422, "invalid")
    assert "ARI_AI_PRIVATE_ADDRESSES" in refused.json()["errors"][0]["message"]
    session = owner.session()
    csrf = csrf_of(session.get("/settings?tab=api").text)
    answer = session.put("/api/integrations/ollama", json={"base_url": private}, headers={"x-csrf-token": csrf})
    assert answer.json()["base_url"] == private
    form = {"base_url": "http://100.101.102.103:8000", "provider_key": "", "csrf": csrf}
    page = "/settings/integrations/openai_compatible/address"
    assert session.post(page, data=form).status_code == 303
    assert 'value="http://100.101.102.103:8000"' in session.get(page).text
    assert owner.cli("integrations", "set-url", "openai_compatible", "http://box.tail1.ts.net").returncode == 0
    assert admin.put("/api/integrations/openai_compatible", json={"base_url": public}).status_code == 200
    assert public not in session.get(page).text
    assert "set by an API key" in session.get("/settings/integrations").text
    sealed = session.post("/settings/integrations/openai_compatible/key", data={"provider_key": "k", "csrf": csrf})
    assert (sealed.status_code, "An API key set this provider&#39;s base URL" in sealed.text) == (422, True)
    assert session.post(page, data={**form, "base_url": public, "provider_key": "a-key"}).status_code == 303
    assert "set by an API key" not in session.get("/settings/integrations").text
