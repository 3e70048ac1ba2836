"""Requests without an API key: to sign in, or refused."""

import pytest

from ari.accounts import sessions
from ari.accounts.model import Account
from ari.deps import Deps
from ari.http.cookies import session_cookie_name
from ari.storage.transaction import Transaction
from tests.support.app import App, content_of

ORIGIN = "http://127.0.0.1:3000"


@pytest.fixture
def token(app: App) -> str:
    """The token of the owner's session."""
    account = Account("usr_1", "owner@example.com", "a hash", app.instance.now_ms())

    def sign_in(tx: Transaction) -> str:
        tx.accounts.add_owner(account)
        return sessions.start(tx, account)

    return Deps(app.instance).do_sync(sign_in)


def _cookie(app: App, token: str) -> str:
    return f"{session_cookie_name(app.instance.settings)}={token}"


def test_a_visitor_of_a_page_is_sent_to_sign_in_and_back(app: App, token: str) -> None:
    """The target is one of our own paths, encoded whole."""
    response = app("GET", "/settings?tab=api")
    assert response.status == 303
    assert response.headers["location"] == "/sign-in?next=%2Fsettings%3Ftab%3Dapi"
    assert app("GET", "/settings", cookie=_cookie(app, token), sec_fetch_site="same-origin").status != 401


def test_without_a_credential_the_api_says_what_to_send(app: App) -> None:
    """Counted by address, like every attempt without an ARI key."""
    refused = app("GET", "/api/keys")
    assert (refused.status, content_of(refused)["code"]) == (401, "missing")
    assert [one.reason for one in app.instance.database.usage.attempts(0, 10)] == ["missing"]


def test_a_session_counts_under_the_api_only_from_our_own_pages(app: App, token: str) -> None:
    """security.md 27: another site's page must not read with the owner's cookie."""
    ours = app("GET", "/api/me", cookie=_cookie(app, token), sec_fetch_site="same-origin")
    assert content_of(ours)["account"]["id"] == "usr_1"
    theirs = app("GET", "/api/me", cookie=_cookie(app, token), sec_fetch_site="cross-site")
    assert (theirs.status, content_of(theirs)["code"]) == (401, "missing")


def test_a_change_with_a_session_needs_its_csrf_token(app: App, token: str) -> None:
    """security.md 27: a cookie alone changes nothing."""
    headers = {"cookie": _cookie(app, token), "sec_fetch_site": "same-origin", "origin": ORIGIN}
    new = {"name": "n", "scopes": ["api:read"]}
    refused = app("POST", "/api/keys", None, new, **headers)
    assert (refused.status, content_of(refused)["code"]) == (403, "csrf_failed")
    made = app("POST", "/api/keys", None, new, **headers, x_csrf_token=sessions.csrf_token(token))
    assert made.status == 201


def test_a_session_that_ended_is_out_on_the_very_next_request(app: App, token: str) -> None:
    """Promise 1, for sessions."""
    headers = {"cookie": _cookie(app, token), "sec_fetch_site": "same-origin"}
    assert app("GET", "/api/me", **headers).status == 200
    Deps(app.instance).do_sync(lambda tx: tx.accounts.end_session(sessions.digest_of(token)))
    assert app("GET", "/api/me", **headers).status == 401


def test_a_visitor_gets_a_cookie_that_forms_are_bound_to(app: App, token: str) -> None:
    """Each visitor another, so one visitor's token submits no form of another (sign-in CSRF)."""
    first, second = (app("GET", "/sign-in").headers["set-cookie"] for _ in range(2))
    assert first != second
    assert "HttpOnly" in first
    refused = app("POST", "/sign-in", origin=ORIGIN, content_type="application/x-www-form-urlencoded")
    assert refused.status == 403
