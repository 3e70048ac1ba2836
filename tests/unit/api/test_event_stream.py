"""``GET /api/events/stream``: the audit log for collectors, over HTTP."""

import json

import pytest

from ari import keys
from ari.base.audit_verification import AuditCopy
from ari.deps import Deps
from tests.support.app import App, content_of
from tests.support.commands import create_key

STREAM = "/api/events/stream"


def collect(app: App, key: str, after: str | None = None, limit: int = 2) -> tuple[AuditCopy, str | None]:
    """All pages, verified; and the last event."""
    copy = AuditCopy()
    while True:
        found = app("GET", f"{STREAM}?limit={limit}" + (f"&after={after}" if after else ""), key)
        assert found.status == 200
        lines = found.body.splitlines()
        for line in lines:
            copy.add(line, "a line")
        events = [json.loads(line) for line in lines if b'"id"' in line]
        after = events[-1]["id"] if events else after
        if b'"statement"' in lines[-1]:
            return copy, after


def test_a_collector_gets_the_whole_log_and_continues(app: App) -> None:
    """Also events that aren't about keys; only its beginning is recorded, once."""
    key = app.key("audit:read")
    copy, last = collect(app, key)
    assert (copy.earlier, copy.after_head, copy.repeats) == (0, 0, 0)
    assert app.events().count("events_exported") == 1
    app.key("keys:read")
    more, _ = collect(app, key, last)
    assert more.count == 1
    assert more.first is not None
    assert more.first.previous == (copy.last and copy.last.hash)
    assert app.events().count("events_exported") == 1


def test_only_its_own_scope_reads_it(app: App) -> None:
    """Events show when and from where people sign in, so `keys:read` isn't enough."""
    for scope in ("keys:read", "usage:read", "keys:write"):
        assert app("GET", STREAM, app.key(scope)).status == 403
    assert app("GET", STREAM).status == 401
    assert app("GET", STREAM, app.key("*")).status == 200


def test_a_cursor_that_is_gone_names_the_oldest_event(app: App) -> None:
    """A collector must not believe that it has everything."""
    key = app.key("audit:read")
    _, last = collect(app, key)
    unknown = "evt_" + "0" * 26
    gone = app("GET", f"{STREAM}?after={unknown}", key)
    document = content_of(gone)
    assert (gone.status, document["code"]) == (410, "cursor_gone")
    oldest = json.loads(app("GET", f"{STREAM}?limit=1", key).body)["id"]
    assert f"Its oldest event is {oldest}." in document["detail"]
    assert unknown not in gone.body.decode()
    assert app("GET", f"{STREAM}?after={last}", key).status == 200


@pytest.mark.parametrize(
    "query",
    ["after=evt_1", "after=", "limit=0", "limit=10001", "wait_seconds=31", "wait_seconds=-1", "x=1"],
)
def test_wrong_parameters_are_refused(query: str, app: App) -> None:
    """Each with the field's name."""
    assert app("GET", f"{STREAM}?{query}", app.key("audit:read")).status == 422


def test_a_revoked_key_that_waits_gets_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its revocation is an event, too, and would end the waiting (promise 1)."""
    created = create_key(app.instance, "collector", scopes=("audit:read",))
    _, last = collect(app, created.secret)

    async def revoke(_: float) -> None:
        await Deps(app.instance).do(keys.revoke, created.key.id)

    monkeypatch.setattr("ari.http.event_export.asyncio.sleep", revoke)
    found = app("GET", f"{STREAM}?wait_seconds=30&after={last}", created.secret)
    assert (found.status, content_of(found)["code"]) == (401, "revoked")


def test_waiting_ends_when_the_server_stops(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what there is: the head."""
    key = app.key("audit:read")
    _, last = collect(app, key)
    pauses: list[float] = []

    async def stop(seconds: float) -> None:
        pauses.append(seconds)
        app.instance.stopping.set()

    monkeypatch.setattr("ari.http.event_export.asyncio.sleep", stop)
    found = app("GET", f"{STREAM}?wait_seconds=30&after={last}", key)
    assert (found.status, len(found.body.splitlines()), pauses) == (200, 1, [1])


def test_waiting_ends_when_there_is_something(app: App) -> None:
    """A request that could return events doesn't wait."""
    key = app.key("audit:read")
    found = app("GET", f"{STREAM}?wait_seconds=30", key)
    assert found.status == 200
    assert found.body.splitlines()
