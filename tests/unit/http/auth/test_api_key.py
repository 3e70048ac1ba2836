"""A key is looked up on every request, and whatever it is refused for is in the log."""

from ari import keys
from ari.base.clock import MINUTE_MS
from ari.deps import Deps
from ari.keys.token import LENGTH, PREFIX
from tests.support.app import App, content_of
from tests.support.commands import clock_of, create_key, revoke_key

STRANGER = PREFIX + "0" * (LENGTH - len(PREFIX))


def test_a_revoked_key_is_dead_on_the_very_next_request(app: App) -> None:
    """Promise 1; the refusal is in the log under the key."""
    made = create_key(app.instance, scopes=("*",))
    assert app("GET", "/api/me", made.secret).status == 200
    revoke_key(app.instance, made.key)
    refused = app("GET", "/api/me", made.secret)
    assert (refused.status, content_of(refused)["code"]) == (401, "revoked")
    assert [(row.key_id, row.code) for row in app.rows()] == [(made.key.id, "revoked"), (made.key.id, "ok")]


def test_a_missing_scope_is_named(app: App) -> None:
    """It is logged under the key, with the route and no text of the caller in it."""
    refused = app("GET", "/api/events", app.key("usage:read"))
    assert (refused.status, content_of(refused)["scope"]) == (403, "keys:read")
    [row] = app.rows()
    assert (row.code, row.route) == ("insufficient_scope", "/api/events")


def test_strangers_are_counted_by_address_and_not_listed(app: App) -> None:
    """Otherwise anybody could fill the log; the count says why each was refused."""
    for key in (None, "hunter2", STRANGER):
        assert app("GET", "/api/me", key).status == 401
    app("GET", "/api/me", app.key())
    assert [row.code for row in app.rows()] == ["ok"]
    counted = app.instance.database.usage.attempts(0, 10)
    assert sum(one.count for one in counted) == 3
    assert {one.address for one in counted} == {"127.0.0.1"}


def test_a_key_opens_no_page(app: App) -> None:
    """security.md 28: pages are for sessions, and the refusal of a key says so."""
    refused = app("GET", "/settings", app.key())
    assert (refused.status, content_of(refused)["code"]) == (403, "forbidden")
    assert "API keys only work for the API" in content_of(refused)["detail"]


def test_a_key_in_a_url_is_refused_and_recorded_as_exposed(app: App) -> None:
    """security.md 19: it is in logs of others by now, so its owner hears of it."""
    secret = app.key()
    refused = app("GET", f"/api/me?key={secret}")
    assert (refused.status, content_of(refused)["code"]) == (400, "key_in_url")
    assert secret not in refused.body.decode()
    assert app.events()[0] == "key_exposed"
    assert [row.code for row in app.rows()] == ["key_in_url"]
    assert secret not in repr(app.rows())


def test_a_key_seen_expired_stays_dead_when_the_clock_goes_back(app: App) -> None:
    """security.md 14."""
    clock = clock_of(app.instance)
    made = create_key(app.instance, scopes=("*",), expires_at_ms=clock.now_ms() + MINUTE_MS)
    clock.step(61)
    assert content_of(app("GET", "/api/me", made.secret))["code"] == "expired"
    clock.step(-61)
    assert content_of(app("GET", "/api/me", made.secret))["code"] == "expired"
    assert Deps(app.instance).read_sync(keys.get, made.key.id).expired_seen_at_ms is not None
