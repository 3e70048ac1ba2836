"""/api-docs and the description behind it: for a session or a live key, and for nobody else."""

import html
import re
from typing import Any

import pytest


@pytest.fixture(scope="module")
def session(shared_owner: Any) -> Any:
    """Signed in, once for the module."""
    return shared_owner.session()


def test_the_page_opens_for_the_signed_in(session: Any) -> None:
    """With the proof that its requests need, on a page that nobody keeps."""
    answer = session.get("/api-docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert 'data-csrf="' in answer.text


def test_the_page_opens_for_a_key(shared_owner: Any) -> None:
    """Without the proof of anybody's session; the request is in the key's log."""
    key, secret = shared_owner.create_key("reads the docs")
    client = shared_owner.api(secret)
    answer = client.get("/api-docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "data-csrf" not in answer.text
    rows = client.get(f"/api/keys/{key['id']}/usage").json()["items"]
    assert ("/api-docs", "ok", 200) in [(row["route"], row["code"], row["status"]) for row in rows]


@pytest.mark.parametrize(("token", "status", "code"), [("dead", 401, "revoked"), ("narrow", 403, "insufficient_scope")])
def test_a_dead_or_narrow_key_opens_nothing(
    shared_owner: Any, session: Any, token: str, status: int, code: str
) -> None:
    """The same verdicts as under /api, also with a live session."""
    key, secret = shared_owner.create_key(
        f"{token} reader", scopes=["keys:verify" if token == "narrow" else "api:read"]
    )
    if token == "dead":
        shared_owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    answer = session.get("/api-docs", headers={"x-api-key": secret})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_stranger_is_sent_to_sign_in_and_back(shared_owner: Any) -> None:
    """The page is a page; the description under /api responds with a problem."""
    client = shared_owner.api()
    answer = client.get("/api-docs")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fapi-docs")
    assert client.get("/api/openapi.json").status_code == 401


def test_the_description_names_the_public_address(make_owner: Any) -> None:
    """Behind a proxy too, whatever address the request was sent to."""
    owner = make_owner(settings={"ARI_PUBLIC_URL": "https://keys.example.org"})
    _, secret = owner.create_key("reader")
    document = owner.api(secret, headers={"Host": "keys.example.org"}).get("/api/openapi.json").json()
    assert [one["url"] for one in document["servers"]] == ["https://keys.example.org"]
    assert document["components"]["securitySchemes"]["Session"]["name"] == "__Host-ari"


def test_the_table_lists_what_a_key_can_call(session: Any) -> None:
    """Settings > API shows every operation of the description with its scope and the way to it in the docs."""
    page = session.get("/settings?tab=api").text
    for group in re.findall(r'hx-get="(/api-docs/groups/[0-9]+)"', page):
        page += session.get(group).text
    page = html.unescape(page.replace("<wbr>", ""))
    document = session.get("/api/openapi.json").json()
    for path, operations in document["paths"].items():
        assert f">{path}</a>" in page
        for operation in operations.values():
            assert operation["summary"] in page
            assert f'/{operation["operationId"]}"' in page
            for scope in operation["security"][0]["ApiKey"] if operation["security"] else ():
                assert f"<code>{scope}</code>" in page
