"""``/api/events``: the audit log."""

import json
from dataclasses import replace

import pytest

from ari.base.caller import SYSTEM
from ari.base.transaction import record
from ari.deps import Deps
from tests.support.app import App, content_of


def test_events_of_the_account_need_the_widest_scope(app: App) -> None:
    """A key that reads keys must not learn when and from where the owner signs in."""
    Deps(app.instance, SYSTEM).do_sync(record, "signed_in", "usr_1")
    narrow, wide = app.key("keys:read"), app.key("*")
    seen = [{one["name"] for one in content_of(app("GET", "/api/events", key))["items"]} for key in (narrow, wide)]
    assert seen == [{"key_created"}, {"key_created", "signed_in"}]


def test_pages_join_without_a_gap(app: App) -> None:
    """Newest first; every event once."""
    key = app.key()
    for name in "abcd":
        app.key("api:read", name=name)
    seen: list[str] = []
    cursor = ""
    while True:
        page = content_of(app("GET", f"/api/events?limit=2{cursor}", key))
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    whole = [one["id"] for one in content_of(app("GET", "/api/events?limit=100", key))["items"]]
    assert seen == whole
    assert len(set(seen)) == 5


@pytest.mark.parametrize(
    "query",
    [
        "cursor=hunter2",
        "limit=0",
        "limit=100000",
        "unknown=1",
        "name=nope",
        "door=window",
        "address=10.0.0.0/8",
        "since=now",
        "actor=",
        f"q={'x' * 201}",
        "name=key_created,",
        f"name={'key_created,' * 99}key_created",
    ],
)
def test_a_bad_query_is_refused(app: App, query: str) -> None:
    """Ignoring it would return other events than the requested ones."""
    assert app("GET", f"/api/events?{query}", app.key()).status == 422


def test_filters_narrow_the_list(app: App) -> None:
    """Each by its own field, several names at once."""
    deps = Deps(app.instance, SYSTEM)
    for name in ("signed_in", "signed_out", "mail_tested"):
        deps.do_sync(record, name, "usr_1", {"note": name.upper()})
    key = app.key("*")
    for query, names in (
        ("name=signed_in,mail_tested", ["mail_tested", "signed_in"]),
        ("subject=usr_1&q=signed_OUT", ["signed_out"]),
        ("actor=system&q=MAIL", ["mail_tested"]),
        ("door=web", []),
        ("address=192.0.2.1", []),
        ("request_id=req_1", []),
        ("until=2000-01-01T00:00:00Z", []),
        ("since=2000-01-01T00:00:00Z&name=key_created", ["key_created"]),
    ):
        found = content_of(app("GET", f"/api/events?{query}", key))["items"]
        assert [event["name"] for event in found] == names, query


def test_no_filter_and_no_export_shows_events_that_are_hidden(app: App) -> None:
    """A key that reads keys sees events of keys only, however it asks; the widest scope sees all."""
    by = replace(SYSTEM, actor="usr_9")
    Deps(app.instance, SYSTEM).do_sync(record, "signed_in", "usr_1", {"user_agent": "Firefox"}, caller=by)
    narrow, wide = app.key("keys:read"), app.key("*")
    for query in (
        "name=signed_in",
        "subject=usr_1",
        "actor=usr_9",
        "q=firefox",
        "since=2000-01-01T00:00:00Z&q=firefox",
    ):
        assert content_of(app("GET", f"/api/events?{query}", narrow)) == {"items": [], "next_cursor": None}, query
        assert app("GET", f"/api/events/export?format=jsonl&{query}", narrow).body == b"", query
        assert len(content_of(app("GET", f"/api/events?{query}", wide))["items"]) == 1, query
    assert b"usr_1" not in app("GET", "/api/events/export", narrow).body
    assert b"usr_1" in app("GET", "/api/events/export", wide).body


def test_an_export_needs_the_scope_and_is_recorded(app: App) -> None:
    """Before the first byte; a key without the scope learns nothing."""
    assert app("GET", "/api/events/export", app.key("usage:read")).status == 403
    found = app("GET", "/api/events/export?format=jsonl&name=key_created", app.key("*"))
    assert found.status == 200
    assert [json.loads(line)["name"] for line in found.body.splitlines()] == ["key_created"] * 2
    assert app.events()[0] == "events_exported"
    assert app("GET", "/api/events/export?format=xml", app.key("*")).status == 422
    assert app.events().count("events_exported") == 1


def test_events_name_their_subjects(app: App) -> None:
    """A key, and a webhook as its event recorded it; nothing of the secret URL is there."""
    key = app.key("*", name="Admin")
    url = "https://hooks.example.com/T0/secret-path?key=secret-query"
    content_of(app("POST", "/api/webhooks", key, {"name": "Tickets", "url": url}))
    found = app("GET", "/api/events", key)
    assert [one["subject_name"] for one in content_of(found)["items"]] == ["Tickets", "Admin"]
    assert "secret-" not in json.dumps(content_of(found))
