"""security.md 19: a known key seen in a URL is refused with 400 and is an event."""

import sqlite3
from typing import Any

from ari.keys import token


def test_a_known_key_in_a_url_is_refused_and_reported(owner_on: Any) -> None:
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


def test_what_could_not_be_written_down_is_with_the_next_request(owner: Any) -> None:
    """While the audit log cannot be written such a request is 503; the event is not lost for the rest of the hour."""
    key, secret = owner.create_key("exposed")
    client = owner.api()
    with sqlite3.connect(owner.server.data_dir / "ari.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert client.get(f"/api/me?key={secret}").status_code == 503
        other.execute("ROLLBACK")
    other.close()
    assert client.get(f"/api/me?key={secret}").status_code == 400
    event = owner.cli.json("events")["items"][0]
    assert (event["name"], event["subject"]) == ("key_exposed", key["id"])
