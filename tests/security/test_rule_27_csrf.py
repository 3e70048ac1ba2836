"""security.md 27: every unsafe request without a key needs the proof that it comes from our own page."""

from typing import Any

import pytest

from tests.support.owner import csrf_of

UNSAFE = [
    "/sign-in",
    "/setup",
    "/sign-out",
    "/sign-out-everywhere",
    "/settings/keys/new",
    "/settings/keys/key_01M83GWNF12GTGP78M9RX2FPXB/revoke",
    "/settings/keys/key_01M83GWNF12GTGP78M9RX2FPXB/delete",
]


SECURITY = [
    "/confirm",
    "/sign-in/code",
    *(
        f"/settings/security/{name}"
        for name in ("password", "two-factor", "two-factor/off", "backup-codes", "sessions/end-others")
    ),
]


@pytest.mark.parametrize("path", UNSAFE)
def test_without_the_proof_nothing_happens(owner: Any, path: str) -> None:
    """No token, a foreign token, a foreign origin, no origin at all."""
    _refused_without_proof(owner, owner.session(), path)


def test_nor_in_settings_security(owner: Any) -> None:
    """The same for password, two-factor, sessions and confirming."""
    session = owner.session()
    for path in SECURITY:
        _refused_without_proof(owner, session, path)


def _refused_without_proof(owner: Any, session: Any, path: str) -> None:
    good = csrf_of(session.get("/settings?tab=api").text)
    foreign = csrf_of(owner.api().get("/sign-in").text)
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
        assert answer.status_code == 403, (headers, fields)
    bare = owner.api()
    bare.cookies = session.cookies
    assert bare.post(path, data={"csrf": good}).status_code == 403
    assert session.get("/api/me").status_code == 200


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
