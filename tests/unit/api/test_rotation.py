"""Rotation over HTTP: the new secret once, who still uses the old one, and what a holder may do with its own key."""

from typing import Any

import pytest

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys import token
from tests.support.app import App, content_of
from tests.support.commands import change_key, clock_of, create_key
from tests.support.instances import START_MS

FIRST = "0d6e7a1c-6f4e-4a0e-9d3f-3a4b0d0c2b11"


def _rotate(app: App, caller: str, key_id: str, content: object = None, **headers: str) -> tuple[int, Any]:
    response = app("POST", f"/api/keys/{key_id}/rotate", caller, content, **headers)
    return response.status, content_of(response)


def _code(app: App, secret: str) -> str:
    response = app("GET", "/api/me", secret)
    return "ok" if response.status == 200 else content_of(response)["code"]


def test_a_rotation_returns_the_new_secret_once(app: App) -> None:
    """By default the old one works for 24 hours."""
    made = create_key(app.instance, "Laptop", scopes=("api:read",))
    status, rotated = _rotate(app, app.key(), made.key.id)
    assert (status, rotated["key"]["id"], rotated["secret_number"]) == (201, made.key.id, 2)
    assert rotated["key"]["hint"] == token.hint(rotated["secret"])
    assert (rotated["old_hint"], rotated["old_retires_at"]) == (made.key.hint, to_rfc3339(START_MS + DAY_MS))
    assert [_code(app, secret) for secret in (made.secret, rotated["secret"])] == ["ok", "ok"]
    clock_of(app.instance).advance(86_400)
    assert [_code(app, secret) for secret in (made.secret, rotated["secret"])] == ["retired", "ok"]
    clock_of(app.instance).step(-3_600)
    assert _code(app, made.secret) == "retired"


def test_the_key_shows_its_secrets_and_who_uses_the_old_one(app: App) -> None:
    """Requests count under the secret that they had; the log names its number and hint."""
    made, admin = create_key(app.instance, scopes=("api:read",)), app.key()
    app("GET", "/api/me", made.secret)
    _, rotated = _rotate(app, admin, made.key.id)
    app("GET", "/api/me", made.secret, user_agent="cron/1")
    app("GET", "/api/me", rotated["secret"])
    shown = content_of(app("GET", f"/api/keys/{made.key.id}", admin))
    at = to_rfc3339(START_MS)
    new, old = ({"active": True, "created_at": at, "last_used_at": at} for _ in range(2))
    assert shown["secrets"] == [
        new | {"number": 2, "hint": shown["hint"], "retires_at": None},
        old | {"number": 1, "hint": made.key.hint, "retires_at": to_rfc3339(START_MS + DAY_MS)},
    ]
    use = content_of(app("GET", f"/api/keys/{made.key.id}/secrets/1", admin))
    assert (use["request_count"], use["refused_count"], use["is_complete"]) == (1, 0, True)
    assert [client["value"] for client in use["user_agents"]] == ["cron/1"]
    rows = [row for row in app.rows() if row.key_id == made.key.id]
    assert [(row.secret_number, row.key_hint) for row in rows] == [
        (2, rotated["key"]["hint"]),
        (1, made.key.hint),
        (None, made.key.hint),
    ]
    for number, status in ((3, 404), (0, 422), (2**31, 422), ("x", 422)):
        assert app("GET", f"/api/keys/{made.key.id}/secrets/{number}", admin).status == status


def test_a_key_that_was_never_rotated_has_one_secret(app: App) -> None:
    """Last used as the key was."""
    made, admin = create_key(app.instance), app.key()
    app("GET", "/api/me", made.secret)
    [secret] = content_of(app("GET", f"/api/keys/{made.key.id}", admin))["secrets"]
    assert (secret["number"], secret["retires_at"], secret["last_used_at"]) == (1, None, to_rfc3339(START_MS))


def test_a_service_learns_that_its_client_uses_an_old_secret(app: App) -> None:
    """So that it can warn its client before the secret retires."""
    made = create_key(app.instance)
    admin = app.key()
    _, rotated = _rotate(app, admin, made.key.id, {"overlap": "1h"})
    for secret, number, retires_at in ((made.secret, 1, START_MS + 3_600_000), (rotated["secret"], 2, None)):
        key = content_of(app("POST", "/api/verify", admin, {"key": secret}))["key"]
        assert (key["secret_number"], key["hint"]) == (number, token.hint(secret))
        assert key["secret_retires_at"] == (None if retires_at is None else to_rfc3339(retires_at))


def test_a_third_secret_and_an_inactive_key_are_conflicts(app: App) -> None:
    """Each with its code; ``retire_old_now`` allows the third."""
    made, admin = create_key(app.instance), app.key()
    _rotate(app, admin, made.key.id)
    status, refused = _rotate(app, admin, made.key.id)
    assert (status, refused["code"]) == (409, "rotation_in_progress")
    assert _rotate(app, admin, made.key.id, {"retire_old_now": True})[0] == 201
    assert _code(app, made.secret) == "retired"
    app("POST", f"/api/keys/{made.key.id}/revoke", admin)
    status, refused = _rotate(app, admin, made.key.id, {"retire_old_now": True})
    assert (status, refused["code"]) == (409, "key_inactive")


@pytest.mark.parametrize(
    "content", [{"overlap": "31d"}, {"overlap": 24}, {"overlap": "1h\n"}, {"retire_old_now": 1}, {"other": 1}]
)
def test_bad_input_is_named(app: App, content: dict[str, Any]) -> None:
    """Nothing is rotated."""
    made = create_key(app.instance)
    status, refused = _rotate(app, app.key(), made.key.id, content)
    assert (status, [one["location"] for one in refused["errors"]]) == (422, [*content])
    assert "key_rotated" not in app.events()


def test_a_repeat_gets_the_same_secret(app: App) -> None:
    """Promise 4 for rotation: one rotation, and another key is another request."""
    made, other, admin = create_key(app.instance), create_key(app.instance), app.key()
    first, again = (_rotate(app, admin, made.key.id, {}, idempotency_key=FIRST) for _ in range(2))
    assert first == again
    assert app.events().count("key_rotated") == 1
    status, rotated = _rotate(app, admin, other.key.id, {}, idempotency_key=FIRST)
    assert (status, rotated["key"]["id"]) == (201, other.key.id)
    status, refused = _rotate(app, admin, made.key.id, {"overlap": "1h"}, idempotency_key=FIRST)
    assert (status, refused["code"]) == (422, "idempotency_key_reused")


def test_a_repeat_needs_the_rights_of_the_first(app: App) -> None:
    """A caller that was narrowed is not shown a secret of a key that may do more."""
    clerk, made = create_key(app.instance, scopes=("keys:write", "api:read")), create_key(app.instance)
    assert _rotate(app, clerk.secret, made.key.id, {}, idempotency_key=FIRST)[0] == 201
    change_key(app.instance, clerk.key, scopes=("keys:write",))
    status, refused = _rotate(app, clerk.secret, made.key.id, {}, idempotency_key=FIRST)
    assert (status, "secret" in refused) == (403, False)


def test_a_key_without_the_scope_rotates_nothing(app: App) -> None:
    """Neither another key nor itself."""
    made = create_key(app.instance, scopes=("api:read", "keys:read"))
    for path in (f"/api/keys/{made.key.id}/rotate", f"/api/keys/{made.key.id}/retire-old", "/api/me/rotate"):
        assert app("POST", path, made.secret, {}).status == 403
    assert app("GET", f"/api/keys/{made.key.id}/secrets/1", made.secret).status == 403
    assert app.events() == ["key_created"]


def test_the_old_secret_is_retired_early(app: App) -> None:
    """A repeat returns the same."""
    made, admin = create_key(app.instance), app.key()
    _, rotated = _rotate(app, admin, made.key.id)
    shown = [content_of(app("POST", f"/api/keys/{made.key.id}/retire-old", admin)) for _ in range(2)]
    assert shown[0] == shown[1]
    assert [one["active"] for one in shown[0]["secrets"]] == [True, False]
    assert [_code(app, secret) for secret in (made.secret, rotated["secret"])] == ["retired", "ok"]


def test_a_holder_rotates_its_own_key_if_it_may(app: App) -> None:
    """Without any scope; a repeat with the secret that was replaced gets the same new secret, and the key as it is."""
    made = create_key(app.instance, scopes=("api:read",), may_rotate=True)
    first, again = (app("POST", "/api/me/rotate", made.secret, {}, idempotency_key=FIRST) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    shown = [{name: value for name, value in content_of(one).items() if name != "key"} for one in (first, again)]
    assert shown[0] == shown[1]
    refused = app("POST", "/api/me/rotate", made.secret, {"retire_old_now": True})
    assert (refused.status, content_of(refused)["code"]) == (409, "rotation_in_progress")
    secret = content_of(first)["secret"]
    assert content_of(app("POST", "/api/me/rotate", secret, {"retire_old_now": True}))["secret_number"] == 3
    assert _code(app, made.secret) == "retired"


def test_a_holder_revokes_its_own_key(app: App) -> None:
    """Possession is enough: any of its secrets, without a scope; all of them are dead."""
    made = create_key(app.instance, scopes=("api:read",))
    _, rotated = _rotate(app, app.key(), made.key.id)
    response = app("POST", "/api/me/revoke", made.secret, {"reason": "Committed to git"})
    assert (response.status, content_of(response)["status"]) == (200, "revoked")
    assert [_code(app, secret) for secret in (made.secret, rotated["secret"])] == ["revoked", "revoked"]


def test_may_rotate_is_set_on_create_and_change(app: App) -> None:
    """By default no key may; the field is in every response with a key."""
    admin = app.key()
    made = content_of(app("POST", "/api/keys", admin, {"name": "n", "scopes": ["api:read"], "may_rotate": True}))["key"]
    plain = content_of(app("POST", "/api/keys", admin, {"name": "n", "scopes": ["api:read"]}))["key"]
    assert (made["may_rotate"], plain["may_rotate"]) == (True, False)
    changed = content_of(app("PATCH", f"/api/keys/{made['id']}", admin, {"may_rotate": False}))
    assert changed["may_rotate"] is False
    assert app.events()[0] == "key_may_rotate_changed"
