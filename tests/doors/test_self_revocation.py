"""``POST /api/me/revoke`` works with every usable secret of a key, on both databases; no other route does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.base.errors import CallerRevoked
from ari.deps import Deps
from ari.keys import Created, Rotation, token
from tests.support.app import App, content_of, running_app
from tests.support.commands import as_caller, change_key, clock_of, create_key, revoke_key
from tests.support.instances import START_MS

ELSEWHERE = ("203.0.113.0/24",)


@pytest.fixture
def app(data_dir: Path, database_url: str | None) -> Iterator[App]:
    with running_app(data_dir, database_url) as found:
        yield found


def _create(app: App, **more: Any) -> Created:
    return create_key(app.instance, "Customer 42", scopes=("api:read", "keys:write"), **more)


def _code(app: App, secret: str, method: str = "GET", path: str = "/api/me") -> str:
    response = app(method, path, secret)
    return "ok" if response.status == 200 else content_of(response)["code"]


def test_possession_is_enough(app: App) -> None:
    """Disabled, from another address, over its limits, or with the old secret: all of it at once as well.

    The response of a call from anywhere has no facts about the key, and the log shows it as accepted.
    """
    made = {
        "disabled": _create(app),
        "ip_not_allowed": _create(app, addresses=ELSEWHERE),
        "rate_limited": _create(app, limits=[{"limit": 1, "window": "1d"}]),
    }
    change_key(app.instance, made["disabled"].key, disabled=True)
    assert _code(app, made["rate_limited"].secret) == "ok"
    everything = _create(app, addresses=ELSEWHERE, limits=[{"limit": 1, "window": "1d"}], metadata={"plan": "pro"})
    rotated = Deps(app.instance).do_sync(keys.rotate, everything.key.id, Rotation())
    change_key(app.instance, everything.key, disabled=True)
    for refused, one in (*made.items(), ("disabled", everything)):
        path = f"/api/keys/{one.key.id}/revoke"
        for method, other in (("GET", "/api/me"), ("POST", path), ("POST", "/api/me/rotate")):
            assert _code(app, one.secret, method, other) == refused, other
        response = app("POST", "/api/me/revoke", one.secret, {"reason": "Committed to git"})
        assert response.status == 200, response.body
        assert [*content_of(response)] == ["id", "hint", "status", "revoked_at"]
        assert _code(app, one.secret) == _code(app, one.secret, "POST", "/api/me/revoke") == "revoked"
        rows = [row for row in app.rows() if row.key_id == one.key.id and row.route == "/api/me/revoke"]
        assert [(row.code, row.status, row.consumed) for row in rows] == [("revoked", 401, None), ("ok", 200, None)]
    assert _code(app, rotated.secret) == "revoked"
    assert app.events().count("key_revoked") == 4


def test_what_has_ended_revokes_nothing(app: App) -> None:
    """Revoked and expired keys, retired and unknown secrets: the refusal of every other route."""
    revoked, expired, replaced = _create(app), _create(app, expires_at_ms=START_MS + DAY_MS), _create(app)
    revoke_key(app.instance, revoked.key)
    Deps(app.instance).do_sync(keys.rotate, replaced.key.id, Rotation())
    clock_of(app.instance).advance(86_400)
    unknown = token.mint()
    wanted = {revoked.secret: "revoked", expired.secret: "expired", replaced.secret: "retired", unknown: "unknown"}
    found = {secret: _code(app, secret, "POST", "/api/me/revoke") for secret in wanted}
    assert list(found.values()) == list(wanted.values())
    assert app.events().count("key_revoked") == 1


def test_only_the_flag_lets_a_disabled_caller_into_a_transaction(app: App) -> None:
    """Security rule 12: a command for a key that was disabled since doesn't run, except that key's own revocation."""
    made = _create(app)
    change_key(app.instance, made.key, disabled=True)
    with pytest.raises(CallerRevoked):
        revoke_key(app.instance, made.key, as_caller(made.key))
    assert "key_revoked" not in app.events()
    revoke_key(app.instance, made.key, replace(as_caller(made.key), revokes_self=True))
    assert app.events()[0] == "key_revoked"
