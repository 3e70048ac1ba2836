"""security.md 15: names do not deceive, and hold no secret; every confirmation shows hint and id."""

import re
from html import unescape
from typing import Any

import pytest

from ari.keys import token
from tests.support.terminal import at_terminal


@pytest.mark.parametrize(
    "bad",
    [
        "a\u202eb",
        "a\u2066b",
        "a\u061cb",
        "a\u2028b",
        "a\u2029b",
        "a\x00b",
        "a\x1bb",
        "a\x85b",
        "\ue000",
        "\u0378",
        "x" * 101,
    ],
)
def test_deceiving_names_are_refused(shared_owner: Any, bad: str) -> None:
    """Bidi, separators, controls, private and unassigned characters; in a reason too."""
    admin = shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])
    assert admin.post("/api/keys", json={"name": bad}).status_code == 422
    key = admin.post("/api/keys", json={"name": "n"}).json()["key"]
    assert admin.patch(f"/api/keys/{key['id']}", json={"name": bad}).status_code == 422
    assert admin.post(f"/api/keys/{key['id']}/revoke", json={"reason": bad * 5}).status_code == 422


def test_half_a_character_is_refused(shared_owner: Any) -> None:
    """A lone surrogate, as JSON can say it."""
    admin = shared_owner.api(
        shared_owner.create_key("admin", scopes=["*"])[1], headers={"content-type": "application/json"}
    )
    assert admin.post("/api/keys", content=rb'{"name": "a\ud800b"}').status_code == 422


def test_names_are_composed(shared_owner: Any) -> None:
    """NFC: the same letters are the same text, however they were typed."""
    key, _ = shared_owner.create_key("Cafe\u0301")
    assert key["name"] == "Caf\u00e9"


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
    assert "another active key has this name" in unescape(answer.text).lower()


def test_a_name_that_looks_the_same_is_noticed(owner: Any) -> None:
    """A Cyrillic letter among Latin ones: on the page and at the command line."""
    owner.create_key("CI deploy")
    session = owner.session()
    form = session.get("/settings/keys/new").text
    values = {name: form.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf", "form")}
    made = session.post(
        "/settings/keys/new", data={**values, "name": "\u0421I deploy", "expires": "1h", "access": "standard"}
    )
    assert "Another active key has a name that looks like this one" in unescape(made.text)
    told = owner.cli("keys", "create", "Cl deploy", check=True).stderr
    assert told == "Note: 2 other active keys have a name that looks like this one.\n"


@pytest.mark.parametrize("bad", ["\u200b", "\u3164\u2800", "\u0301"])
def test_invisible_names_are_refused(shared_owner: Any, bad: str) -> None:
    """By every door: creating, renaming, the page, the command line."""
    admin = shared_owner.api(shared_owner.create_key("admin", scopes=["*"])[1])
    assert admin.post("/api/keys", json={"name": bad}).status_code == 422
    key = admin.post("/api/keys", json={"name": "n"}).json()["key"]
    assert admin.patch(f"/api/keys/{key['id']}", json={"name": bad}).status_code == 422
    refused = shared_owner.cli("keys", "create", bad)
    assert (refused.returncode, "invisible" in refused.stderr) == (1, True)


def test_every_confirmation_shows_hint_and_id(owner: Any) -> None:
    """Two keys of one name cannot be mistaken for each other: one by one, and many at once."""
    live, dead = owner.create_key("twin")[0], owner.create_key("twin")[0]
    owner.cli("keys", "revoke", dead["id"], "--yes", check=True)
    session = owner.session()
    asked = [f"/settings/keys/{live['id']}/{verb}" for verb in ("revoke", "access", "expiry", "rename")]
    asked += [f"/settings/keys/many?do={verb}&key={live['id']}" for verb in ("revoke", "expire")]
    for path in asked:
        _names_it(session.get(path).text, live)
    for path in (f"/settings/keys/{dead['id']}/delete", f"/settings/keys/many?do=delete&key={dead['id']}"):
        _names_it(session.get(path).text, dead)


def _names_it(page: str, key: dict[str, Any]) -> None:
    seen = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert key["hint"] in seen
    assert key["id"] in seen
    assert re.search(r"<bdi\b[^>]*>twin</bdi>", page)


@pytest.mark.parametrize("words", [["revoke"], ["delete"]], ids=" ".join)
def test_the_command_line_asks_with_hint_and_id(owner: Any, words: list[str]) -> None:
    """At a terminal too; who says no has changed nothing."""
    key, _ = owner.create_key("twin")
    if words == ["delete"]:
        owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    before = owner.cli.json("keys", "show", key["id"])
    answers = [("[y/N] ", "n\n")]
    code, screen = at_terminal(
        ["keys", *words, key["id"]], owner.cli.environment, owner.cli.folder, answers=answers, columns=300
    )
    assert f"“twin” ({key['hint']}, {key['id']})" in screen
    assert code == 1
    assert owner.cli.json("keys", "show", key["id"]) == before
