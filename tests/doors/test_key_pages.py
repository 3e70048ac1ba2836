"""The forms around the table of keys, over HTTP: a dead key is never revived, odd requests change nothing."""

from typing import Any

import pytest

from tests.support.owner import csrf_of

HOME = "/settings?tab=api"
DEAD = {"enable": {}, "enable-in-table": {}, "name": {"name": "Alive"}, "access": {"access": "administrator"}}
DEAD |= {"expiry": {"expires": "1y"}}


@pytest.fixture
def session(owner: Any) -> Any:
    """A signed-in client that remembers its proof."""
    client = owner.session()
    client.proof = csrf_of(client.get(HOME).text)
    return client


def post(session: Any, path: str, **fields: str | list[str]) -> Any:
    return session.post(path, data={"csrf": session.proof, **fields})


def test_nothing_revives_a_dead_key(owner: Any, session: Any) -> None:
    """Revoked or expired: every form responds with 409, asked or sent, and the key is as it was."""
    revoked, _ = owner.create_key("Revoked")
    expired, _ = owner.create_key("Expired", expires="1h")
    owner.cli("keys", "revoke", revoked["id"], "--yes", check=True)
    owner.server.clock.advance(3601)
    before = owner.cli.json("keys", "list")["items"]
    for key in (revoked, expired):
        for verb, fields in DEAD.items():
            answer = post(session, f"/settings/keys/{key['id']}/{verb}", **fields)
            assert (answer.status_code, "can&#39;t be changed or restored" in answer.text) == (409, True)
            if not verb.startswith("enable"):
                assert session.get(f"/settings/keys/{key['id']}/{verb}").status_code == 409
    assert owner.cli.json("keys", "list")["items"] == before


def test_questions_that_make_no_sense_are_not_found(owner: Any, session: Any) -> None:
    """Unknown commands, picks, kinds and keys; a key to take the place of must exist."""
    for path in (
        "/settings/keys/many",
        "/settings/keys/many?do=explode",
        "/settings/keys/many?do=revoke&pick=all",
        "/settings/keys/new?like=key_00000000000000000000000000",
        "/settings/keys/key_00000000000000000000000000/menu",
        f"{HOME}&after=1.2",
        f"{HOME}&sort=--name",
    ):
        assert session.get(path).status_code == 404, path
    assert post(session, "/settings/keys/many", do="explode").status_code == 404
    answer = post(session, "/settings/advice/dismiss", kind="nothing", mark="x")
    assert answer.status_code == 303
    assert "This changed in the meantime." in session.get(HOME).text


def test_many_keys_at_once_have_a_limit(owner: Any, session: Any) -> None:
    """201 are refused, with the question again; what is gone in the meantime is said."""
    key, secret = owner.create_key("One of many")
    ids = [key["id"], *(f"key_{number:026d}" for number in range(200))]
    answer = post(session, "/settings/keys/many", do="revoke", key=ids)
    assert answer.status_code == 422
    assert "Choose at most 200 keys at once." in answer.text
    assert owner.api(secret).get("/api/me").status_code == 200
    assert post(session, "/settings/keys/many", do="delete", key=key["id"]).status_code == 303
    assert "Nothing changed: someone else updated these keys" in session.get(HOME).text


def test_without_htmx_the_small_forms_are_pages(owner: Any, session: Any) -> None:
    """The name's field leads to the page that renames; the forms lead back to the table."""
    key, _ = owner.create_key("Small forms")
    base = f"/settings/keys/{key['id']}"
    assert session.get(f"{base}/name").headers["location"] == f"{base}/rename"
    assert post(session, f"{base}/name", name="Renamed").headers["location"] == HOME
    assert post(session, f"{base}/name", name=" ").status_code == 422
    assert post(session, f"{base}/access", access="own").status_code == 422
    assert post(session, f"{base}/access", access="read-only").headers["location"] == base
    assert post(session, f"{base}/expiry", expires="on", day="tomorrow").status_code == 422
    assert post(session, f"{base}/expiry", expires="never").headers["location"] == base
    [now] = owner.cli.json("keys", "list")["items"]
    assert (now["name"], now["scopes"], now["expires_at"]) == ("Renamed", ["api:read", "keys:read", "usage:read"], None)


def test_a_search_for_odd_text_is_a_search(owner: Any, session: Any) -> None:
    """Signs of SQL, HTML and no text at all; a NUL and other controls are left out."""
    owner.create_key("Findable")
    for text in ("%", "_", "'--", "<script>alert(1)</script>", "\x01", "\U0001f600", "x" * 5000):
        answer = session.get("/settings", params={"tab": "api", "q": text})
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.text
    assert session.get("/settings", params={"tab": "api", "q": "\x00findable"}).status_code == 400
