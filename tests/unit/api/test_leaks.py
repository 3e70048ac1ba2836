"""Reporting a leaked key over HTTP: open to everybody, the same response for all, bounded."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.accounts.attempt_counts import REPORTS_PER_HOUR_AND_ADDRESS
from ari.api import leaks
from ari.deps import Deps
from ari.http.secret_rehasher import SecretRehasher
from ari.keys import LeakReport
from ari.keys.token import mint
from tests.support.app import App, content_of, running_app
from tests.support.commands import create_key, events_of, revoke_key

VECTORS = Path(__file__).parents[1] / "keys/imports/vectors.json"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses don't wait for their time."""
    monkeypatch.setattr(leaks, "RESPONSE_SECONDS", 0.0)


@pytest.fixture
def revoking_app(data_dir: Path) -> Iterator[App]:
    """An instance that revokes leaked keys."""
    with running_app(data_dir, leak_action="revoke") as found:
        yield found


def test_a_reported_key_is_an_event_and_still_works(app: App) -> None:
    """By default the owner is notified, without a session, a key or a CSRF token of the reporter."""
    made = create_key(app.instance, "Backup")
    sent = {"token": made.secret, "url": "https://git.example.com/a", "source": "Nightly scan"}
    response = app("POST", "/api/leaks", None, sent)
    assert (response.status, content_of(response)) == (202, {"status": "received"})
    [event, _] = Deps(app.instance).read_sync(lambda tx: tx.events.page(made.key.id, None, 9))
    assert (event.name, event.actor, event.origin.door) == ("key_leaked", "system", "api")
    assert made.secret not in repr(event)
    assert app("GET", "/api/me", made.secret).status == 200


def test_a_reported_key_is_refused_where_the_policy_revokes(revoking_app: App) -> None:
    """Promise 1: with its next request."""
    made = create_key(revoking_app.instance, "Backup")
    assert revoking_app("POST", "/api/leaks", None, {"token": made.secret}).status == 202
    assert content_of(revoking_app("GET", "/api/me", made.secret))["code"] == "revoked"
    assert events_of(revoking_app.instance, made.key) == ["key_revoked", "key_leaked", "key_created"]


def test_the_response_does_not_depend_on_the_key(revoking_app: App) -> None:
    """Byte for byte, apart from the request's own ID: active, revoked, unknown, damaged, no key at all."""
    active, revoked = create_key(revoking_app.instance), create_key(revoking_app.instance)
    revoke_key(revoking_app.instance, revoked.key)
    texts = (
        active.secret,
        active.secret,
        revoked.secret,
        mint(),
        active.secret[:-1],
        "hunter2",
        f"KEY={active.secret}",
    )
    responses = [revoking_app("POST", "/api/leaks", None, {"token": text}, x_request_id="one") for text in texts]
    assert {(one.status, bytes(one.body), repr(sorted(one.headers))) for one in responses} == {
        (202, b'{"status":"received"}', repr(sorted(responses[0].headers)))
    }


def test_invalid_reports_are_refused_without_their_values(app: App) -> None:
    """The fields' bounds; no error repeats the token (rule 7)."""
    token = mint()
    for sent in (
        {},
        {"token": ""},
        {"token": 5},
        {"token": "x" * 501},
        {"token": token, "url": "u" * 2_001},
        {"token": token, "source": "s" * 201},
        {"token": token, "other": "field"},
        [token],
    ):
        response = app("POST", "/api/leaks", None, sent)
        assert (response.status, content_of(response)["code"]) == (422, "invalid"), sent
        assert token.encode() not in response.body
    assert "key_leaked" not in app.events()


def test_strangers_are_limited_alike_for_all_keys(app: App) -> None:
    """A 429 says when there is room again, and nothing is done."""
    made = create_key(app.instance, "Backup")
    for _ in range(REPORTS_PER_HOUR_AND_ADDRESS):
        assert app("POST", "/api/leaks", None, {"token": mint()}).status == 202
    for token in (made.secret, mint()):
        response = app("POST", "/api/leaks", None, {"token": token})
        assert (response.status, content_of(response)["code"]) == (429, "rate_limited")
        assert dict(response.headers)["retry-after"].isdigit()
    assert events_of(app.instance, made.key) == ["key_created"]


def test_a_caller_with_a_key_may_report_and_is_in_the_log(app: App) -> None:
    """Its own request is logged as any other; a refused key is refused here too (decision 6)."""
    made, caller = create_key(app.instance, "Backup"), create_key(app.instance, "scanner", scopes=("api:read",))
    assert app("POST", "/api/leaks", caller.secret, {"token": made.secret}).status == 202
    [row] = app.rows()
    assert (row.key_id, row.route, row.code) == (caller.key.id, "/api/leaks", "ok")
    assert made.secret not in repr(row)
    revoke_key(app.instance, caller.key)
    assert app("POST", "/api/leaks", caller.secret, {"token": made.secret}).status == 401


def test_an_imported_key_that_was_never_used_is_checked_after_the_response(revoking_app: App) -> None:
    """Its check is slow, so the time of a response may not depend on it. Few are made at once."""
    vector = next(one for one in json.loads(VECTORS.read_text()) if one["scheme"] == "bcrypt")
    line = {"name": "Shop", **{name: vector[name] for name in ("scheme", "hash", "foreign_id")}}
    deps = Deps(revoking_app.instance)
    [key] = deps.do_sync(keys.import_keys, deps.read_sync(keys.prepare_import, {1: line}), all_or_nothing=True).keys

    async def report(*texts: str) -> None:
        rehasher = SecretRehasher(deps)
        slow = leaks.SlowReports(rehasher.rehash)
        for text in texts:
            slow.start(deps, LeakReport(text), "revoke")
        await slow.wait()
        rehasher.close()

    asyncio.run(report(vector["key"][:-3], f"{vector['foreign_id']}.x"))
    assert events_of(revoking_app.instance, key) == ["key_imported"]
    asyncio.run(report(*["nothing here"] * leaks.MAX_SLOW_REPORTS, vector["key"]))
    assert events_of(revoking_app.instance, key) == ["key_imported"]
    assert revoking_app("POST", "/api/leaks", None, {"token": vector["key"]}).status == 202
    asyncio.run(report(f"KEY={vector['key']}"))
    assert events_of(revoking_app.instance, key)[-4:] == ["key_revoked", "key_leaked", "key_rehashed", "key_imported"]
    assert content_of(revoking_app("GET", "/api/me", vector["key"]))["code"] == "revoked"
