"""security.md 19: anyone with a key may report that it leaked; nobody learns from that whether it exists."""

from typing import Any

from ari.keys import token
from tests.support.processes import eventually


def test_a_report_reaches_the_owner_and_holds_no_key(owner_on: Any) -> None:
    """Without a key, session or CSRF token; on both databases. No door shows the token afterwards."""
    key, secret = owner_on.create_key("leaked")
    _, admin = owner_on.create_key("admin", scopes=["*"])
    client = owner_on.api()
    responses = [
        client.post("/api/leaks", json={"token": text, "url": f"https://git.example.com/{secret}?k={secret}"})
        for text in (secret, token.mint(), "nonsense")
    ]
    assert {(one.status_code, one.text) for one in responses} == {(202, '{"status":"received"}')}
    events = owner_on.api(admin).get("/api/events", params={"subject": key["id"]})
    assert [event["name"] for event in events.json()["items"]] == ["key_leaked", "key_created"]
    assert owner_on.api(secret).get("/api/me").status_code == 200
    notices = eventually(lambda: owner_on.api(admin).get("/api/notifications/history").json()["items"])
    assert "key_leaked" in {one["kind"] for one in notices}
    page = owner_on.session().get(f"/settings/keys/{key['id']}").text
    assert "This key was reported as leaked" in page
    for text in (events.text, page, repr(notices), owner_on.server.log_text()):
        assert secret not in text


def test_a_browser_cannot_be_made_to_report(owner: Any) -> None:
    """A form of another site has no JSON; and a report changes nothing for its sender."""
    _, secret = owner.create_key("leaked")
    form = owner.api().post("/api/leaks", data={"token": secret})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    text = owner.api().post("/api/leaks", content=f'{{"token": "{secret}"}}', headers={"content-type": "text/plain"})
    assert text.status_code == 415
    assert "key_leaked" not in {event["name"] for event in owner.cli.json("events")["items"]}
