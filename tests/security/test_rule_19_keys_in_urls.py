"""security.md 19: a known key seen in a URL is refused with 400 and is an event."""

from typing import Any

from ari.keys import token


def test_a_known_key_in_a_url_is_refused_and_told(owner_on: Any) -> None:
    """In the query or the path, with or without a key in the header; one event an hour."""
    key, secret = owner_on.create_key("exposed")
    _, admin = owner_on.create_key("admin", scopes=["*"])
    client = owner_on.api()
    for path in (f"/api/me?key={secret}", f"/api/{secret}", f"/settings?x={secret}", f"/api/health?k={secret}"):
        answer = client.get(path)
        assert answer.status_code == 400, path
        assert secret not in answer.text
    assert owner_on.api(admin).get(f"/api/me?key={secret}").status_code == 400
    assert client.get("/api/me", params={"api_key": secret}).json()["code"] == "key_in_url"
    events = owner_on.api(admin).get("/api/events", params={"subject": key["id"]}).json()["items"]
    assert [event["name"] for event in events] == ["key_exposed", "key_created"]
    rows = owner_on.api(admin).get(f"/api/keys/{key['id']}/usage").json()["items"]
    assert {row["code"] for row in rows} == {"key_in_url"}
    assert secret not in owner_on.server.log_text()


def test_an_unknown_key_in_a_url_is_refused_too(owner: Any) -> None:
    """It may be another instance's."""
    answer = owner.api().get(f"/api/me?key={token.mint()}")
    assert (answer.status_code, answer.json()["code"]) == (400, "key_in_url")
