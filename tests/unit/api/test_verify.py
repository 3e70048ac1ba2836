"""Verifying keys for another service (security.md 16)."""

from typing import Any

import pytest

from ari import keys
from ari.api.verify_shapes import MAX_ITEMS
from ari.base.clock import MINUTE_MS
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.http.secret_rehasher import CROWDED
from ari.http.verification import verify_for_service
from tests.support.app import App, content_of
from tests.support.commands import clock_of, create_key, revoke_key


@pytest.fixture
def verifier(app: App) -> str:
    """The key of a service that verifies."""
    return app.key("keys:verify", name="verifier")


def test_a_live_key_is_valid_until_it_is_revoked(app: App, verifier: str) -> None:
    """Promise 1 holds for the customers of another service too."""
    made = create_key(app.instance, "theirs", scopes=("usage:read",))
    found = content_of(app("POST", "/api/verify", verifier, {"key": made.secret}))
    assert (found["valid"], found["code"], found["key"]["id"]) == (True, "ok", made.key.id)
    revoke_key(app.instance, made.key)
    found = content_of(app("POST", "/api/verify", verifier, {"key": made.secret}))
    assert (found["valid"], found["code"]) == (False, "revoked")


def test_another_service_learns_only_what_is_public(app: App, verifier: str) -> None:
    """Neither who made the key nor why it was revoked."""
    made = create_key(app.instance, "theirs")
    found = content_of(app("POST", "/api/verify", verifier, {"key": made.secret}))
    public = {"id", "name", "hint", "scopes", "expires_at", "secret_number", "secret_retires_at"}
    public |= {"kind", "environment", "consumer", "tags", "metadata"}
    assert set(found["key"]) == public
    assert content_of(app("POST", "/api/verify", verifier, {"key": "hunter2"})) == {
        "valid": False,
        "code": "malformed",
        "key": None,
        "limits": [],
        "exceeded": None,
        "retry_after_seconds": None,
    }


def test_wanted_scopes_must_all_be_held(app: App, verifier: str) -> None:
    """ARI's own and declared ones, of which each is covered by its name or a wildcard."""
    Deps(app.instance).do_sync(keys.declare_scope, "orders:read", "List orders.")
    narrow, wide, orders = app.key("usage:read"), app.key("*"), app.key("orders:*")
    for key, scopes, code in (
        (narrow, ["usage:read"], "ok"),
        (narrow, ["usage:read", "keys:read"], "insufficient_scope"),
        (narrow, ["orders:read"], "insufficient_scope"),
        (wide, ["orders:read"], "ok"),
        (orders, ["orders:read", "orders:*"], "ok"),
        (orders, ["orders:read", "usage:read"], "insufficient_scope"),
    ):
        assert content_of(app("POST", "/api/verify", verifier, {"key": key, "scopes": scopes}))["code"] == code


@pytest.mark.parametrize("scope", ["orders:delete", "order:read", "cats:*"])
def test_a_question_about_an_undeclared_scope_is_an_error(app: App, verifier: str, scope: str) -> None:
    """Whatever the key: a no would hide a misspelled scope, and ``*`` would make it a yes. No row is written for it."""
    Deps(app.instance).do_sync(keys.declare_scope, "orders:read", "List orders.")
    for key in (app.key("*"), app.key("usage:read"), "nonsense"):
        found = content_of(app("POST", "/api/verify", verifier, {"key": key, "scopes": ["usage:read", scope]}))
        assert (found["status"], found["code"]) == (422, "invalid")
        [problem] = found["errors"]
        assert (problem["location"], "isn't declared" in problem["message"]) == ("scopes.1", True)
        assert scope not in str(found)
    assert {row.source for row in app.rows()} == {"request"}


def test_an_undeclared_scope_harms_no_other_item(app: App, verifier: str) -> None:
    """Of a batch, only the item that names it is invalid."""
    key = app.key("*")
    items = [{"key": key, "scopes": ["cats:pet"]}, {"key": key, "scopes": ["usage:read"]}]
    first, second = content_of(app("POST", "/api/verify/batch", verifier, {"items": items}))["items"]
    assert (first["valid"], first["code"], first["errors"][0]["location"]) == (False, "invalid", "scopes.0")
    assert (second["valid"], second["code"]) == (True, "ok")


def test_a_declaration_counts_from_the_next_request(app: App, verifier: str) -> None:
    """And so does a removal, also for ``*``."""
    deps, key = Deps(app.instance), app.key("*")

    def ask() -> int:
        return app("POST", "/api/verify", verifier, {"key": key, "scopes": ["orders:read"]}).status

    found = [ask()]
    deps.do_sync(keys.declare_scope, "orders:read", "List orders.")
    found.append(ask())
    deps.do_sync(keys.remove_scope, "orders:read")
    found.append(ask())
    assert found == [422, 200, 422]


def test_each_verdict_is_in_the_log_of_the_verified_key(app: App, verifier: str) -> None:
    """Promise 2, with the client's address as the service reports it, and never the body."""
    made = create_key(app.instance, "theirs")
    app("POST", "/api/verify", verifier, {"key": made.secret, "client_address": "::ffff:203.0.113.7"})
    rows = {row.source: row for row in app.rows()}
    assert set(rows) == {"request", "verify"}
    assert (rows["verify"].key_id, rows["verify"].client_address) == (made.key.id, "203.0.113.7")
    assert rows["verify"].request_id == rows["request"].request_id
    assert made.secret not in repr(app.rows())


def test_texts_that_are_no_key_count_for_who_asked(app: App, verifier: str) -> None:
    """Not for the address that the service reports: it could hide a guessing client behind others."""
    app("POST", "/api/verify", verifier, {"key": "hunter2", "client_address": "203.0.113.7"})
    [counted] = app.instance.database.usage.attempts(0, 10)
    assert counted.reason == "malformed"
    assert counted.address.startswith("key_")


def test_one_bad_item_of_a_batch_harms_no_other(app: App, verifier: str) -> None:
    """Results are in the order of the items."""
    made = create_key(app.instance, "theirs")
    items = [{"key": made.secret}, {"key": 7}, {"key": made.secret, "client_address": "hunter2"}, {"key": "x"}]
    found = content_of(app("POST", "/api/verify/batch", verifier, {"items": items}))["items"]
    assert [one["code"] for one in found] == ["ok", "invalid", "invalid", "malformed"]
    assert found[1]["errors"] == [{"location": "key", "message": "Must be a string."}]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("sent", "location"),
    [
        ({}, "key"),
        ({"key": "a", "extra": 1}, "extra"),
        ({"key": "a", "scopes": ["NOT A SCOPE"]}, "scopes.0"),
        ({"key": "a", "scopes": ["a:b"] * 21}, "scopes"),
        ({"key": "a", "client_address": "203.0.113.700"}, "client_address"),
        ([], "body"),
    ],
)
def test_a_body_that_cannot_be_read_is_explained(app: App, verifier: str, sent: object, location: str) -> None:
    """With the place of each mistake and without its value (security.md 7)."""
    refused = app("POST", "/api/verify", verifier, sent)
    assert refused.status == 422
    assert content_of(refused)["errors"][0]["location"] == location
    assert b"NOT A SCOPE" not in refused.body


def test_a_batch_is_bounded(app: App, verifier: str) -> None:
    """security.md 6: one request must not look up keys without limit."""
    refused = app("POST", "/api/verify/batch", verifier, {"items": [{"key": "x"}] * (MAX_ITEMS + 1)})
    assert refused.status == 422
    assert content_of(refused)["errors"][0]["location"] == "items"


def test_a_key_seen_expired_by_a_service_stays_dead(app: App, verifier: str) -> None:
    """security.md 14: a clock set back revives it neither here nor there."""
    clock = clock_of(app.instance)
    made = create_key(app.instance, "theirs", expires_at_ms=clock.now_ms() + MINUTE_MS)
    clock.step(61)
    assert content_of(app("POST", "/api/verify", verifier, {"key": made.secret}))["code"] == "expired"
    clock.step(-61)
    assert content_of(app("POST", "/api/verify", verifier, {"key": made.secret}))["code"] == "expired"


def test_an_undecided_item_leaves_the_others_as_they_are(
    app: App, verifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can send a text that crowds out the check of an imported key. Only if nothing is decided it's a 503."""
    decide = verify_for_service

    async def fail(lookup: Any, text: bytes, *others: Any) -> Any:
        if text.startswith(b"acme"):
            raise Unavailable(CROWDED)
        return await decide(lookup, text, *others)

    monkeypatch.setattr("ari.api.verify.verify_for_service", fail)
    made = create_key(app.instance, "theirs")
    items = [{"key": "acme1.a"}, {"key": made.secret}, {"key": "acme1.b"}]
    found = content_of(app("POST", "/api/verify/batch", verifier, {"items": items}))["items"]
    assert [(one["valid"], one["code"]) for one in found] == [
        (False, "unavailable"),
        (True, "ok"),
        (False, "unavailable"),
    ]
    assert app("POST", "/api/verify/batch", verifier, {"items": items[::2]}).status == 503
    assert app("POST", "/api/verify", verifier, items[0]).status == 503
