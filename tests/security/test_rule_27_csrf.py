"""security.md 27: every unsafe request without a key needs the proof that it comes from our own page."""

from typing import Any

from ari.http.route_policy import AuthMode, RoutePolicy
from tests.support.owner import csrf_of
from tests.support.routes import routes_of_app


def unsafe_routes() -> list[tuple[str, str, RoutePolicy]]:
    """Method, example path and access of every unsafe route of the app that a session may call."""
    return [
        (method, path, found.policy)
        for path, methods, found in routes_of_app()
        for method in methods
        if method not in ("GET", "HEAD", "OPTIONS") and found.policy.auth not in (AuthMode.KEY, AuthMode.OPEN)
    ]


def test_the_list_is_the_apps_own() -> None:
    """Every unsafe route is tried below: forms of pages, pages before the sign-in, and the API for sessions."""
    found = unsafe_routes()
    assert {one.auth for _, _, one in found} == {AuthMode.SESSION, AuthMode.VISITOR, AuthMode.KEY_OR_SESSION}
    paths = {path for _, path, _ in found}
    assert {"/sign-in", "/setup", "/sign-out", "/settings/keys/new", "/api/keys"} <= paths
    assert len(found) > 40


def test_without_the_proof_nothing_happens(owner: Any) -> None:
    """No token, a foreign token, a foreign origin, no origin at all; everywhere."""
    session = owner.session()
    good = csrf_of(session.get("/settings?tab=api").text)
    foreign = csrf_of(owner.api().get("/sign-in").text)
    before = owner.cli.json("events")["items"]
    for method, path, declared in unsafe_routes():
        if declared.auth is AuthMode.KEY_OR_SESSION:
            _api_refused_without_proof(session, method, path, good, foreign)
        else:
            _check_refused_without_csrf(owner, session, path, good, foreign)
    assert owner.cli.json("events")["items"] == before
    assert session.get("/api/me").status_code == 200


def _api_refused_without_proof(session: Any, method: str, path: str, good: str, foreign: str) -> None:
    for headers in (
        {},
        {"x-csrf-token": foreign},
        {"x-csrf-token": good, "Origin": "https://evil.example"},
        {"x-csrf-token": good, "Origin": "null"},
    ):
        answer = session.request(method, path, json={}, headers=headers)
        assert answer.status_code == 403, (method, path, headers)
    for site in ("cross-site", "same-site"):
        answer = session.request(method, path, json={}, headers={"x-csrf-token": good, "Sec-Fetch-Site": site})
        assert answer.status_code == 401, (method, path, site)


def _check_refused_without_csrf(owner: Any, session: Any, path: str, good: str, foreign: str) -> None:
    for headers, fields in (
        ({}, {}),
        ({}, {"csrf": "x"}),
        ({}, {"csrf": foreign}),
        ({"Origin": "https://evil.example"}, {"csrf": good}),
        ({"Origin": "null"}, {"csrf": good}),
        ({"Sec-Fetch-Site": "cross-site"}, {"csrf": good}),
        ({"Sec-Fetch-Site": "same-site"}, {"csrf": good}),
    ):
        answer = session.post(path, data={"a": "b", **fields}, headers=headers)
        assert answer.status_code == 403, (path, headers, fields)
    bare = owner.api()
    bare.cookies = session.cookies
    assert bare.post(path, data={"csrf": good}).status_code == 403, path


def test_reading_changes_nothing(owner: Any) -> None:
    """GET, HEAD and OPTIONS change nothing but the log."""
    key, _ = owner.create_key("k")
    session = owner.session()
    before = owner.cli.json("events")["items"]
    for path in (
        "/",
        "/settings?tab=api",
        "/settings/security",
        "/settings/security/two-factor",
        f"/settings/keys/{key['id']}",
        f"/settings/keys/{key['id']}/revoke",
        "/sign-in",
    ):
        for method in ("GET", "HEAD", "OPTIONS"):
            session.request(method, path)
    assert owner.cli.json("events")["items"] == before


def test_a_session_counts_under_api_only_from_our_own_pages(owner: Any) -> None:
    """Same origin or typed by hand; writing needs the header x-csrf-token."""
    session = owner.session()
    token = csrf_of(session.get("/settings?tab=api").text)
    for site, status in (("same-origin", 200), ("none", 200), ("same-site", 401), ("cross-site", 401)):
        assert session.get("/api/me", headers={"Sec-Fetch-Site": site}).status_code == status
    assert session.post("/api/keys", json={"name": "n"}).status_code == 403
    made = session.post("/api/keys", json={"name": "n"}, headers={"x-csrf-token": token})
    assert made.status_code == 201
    evil = {"x-csrf-token": token, "Origin": "https://evil.example"}
    assert session.post("/api/keys", json={"name": "n"}, headers=evil).status_code == 403
