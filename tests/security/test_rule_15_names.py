"""security.md 15: names do not deceive, and hold no secret; every confirmation shows hint and id."""

import re
from html import unescape
from typing import Any

import pytest

from ari.keys import token


@pytest.mark.parametrize("bad", ["a\u202eb", "a\u2066b", "a\u2028b", "a\x00b", "a\x1bb", "\ue000", "x" * 101])
def test_deceiving_names_are_refused(owner: Any, bad: str) -> None:
    """Bidi, separators, controls, private characters."""
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    assert admin.post("/api/keys", json={"name": bad}).status_code == 422


def test_a_key_in_a_name_or_reason_is_refused(owner: Any) -> None:
    """And is stored nowhere."""
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    pasted = token.mint()
    assert admin.post("/api/keys", json={"name": pasted}).status_code == 422
    key = admin.post("/api/keys", json={"name": "n"}).json()["key"]
    assert admin.post(f"/api/keys/{key['id']}/revoke", json={"reason": f"was {pasted}"}).status_code == 422
    assert admin.get(f"/api/keys/{key['id']}").json()["status"] == "active"
    for file in owner.server.data_dir.iterdir():
        if file.is_file():
            assert pasted.encode() not in file.read_bytes()


def test_the_same_name_is_noticed_whatever_its_letters(owner: Any) -> None:
    """NFKC and casefold: look-alikes warn on the page."""
    owner.create_key("CI deploy")
    session = owner.session()
    form = session.get("/settings/keys/new").text
    values = {name: form.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf", "form")}
    answer = session.post(
        "/settings/keys/new", data={**values, "name": "ｃｉ DEPLOY", "expires": "1h", "access": "standard"}
    )
    assert answer.status_code == 201
    assert "same name" in unescape(answer.text).lower()


def test_every_confirmation_shows_hint_and_id(owner: Any) -> None:
    """Two keys of one name cannot be mistaken for each other."""
    key, _ = owner.create_key("twin")
    page = owner.session().get(f"/settings/keys/{key['id']}/revoke").text
    assert key["hint"] in page
    assert key["id"] in page
    assert re.search(r"<bdi\b[^>]*>twin</bdi>", page)
