"""The same life of a key through every door: HTTP, command line, page. A door adds words, never rules."""

import re
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from tests.support.owner import Owner, csrf_of

HOUR = 3600
SECRET = re.compile(r"ari_k_[0-9A-Za-z]{49}")


class Door(Protocol):
    """What every door can do; ``False`` = refused by a rule."""

    def create(self, name: str, expires: str) -> tuple[str, str] | None: ...
    def rename(self, key_id: str, name: str) -> bool: ...
    def disable(self, key_id: str) -> bool: ...
    def enable(self, key_id: str) -> bool: ...
    def revoke(self, key_id: str) -> bool: ...
    def delete(self, key_id: str) -> bool: ...


class HttpDoor:
    def __init__(self, owner: Owner) -> None:
        self._client = owner.api(owner.create_key("the door's own", scopes=["*"])[1])

    def create(self, name: str, expires: str) -> tuple[str, str] | None:
        answer = self._client.post("/api/keys", json={"name": name, "expires": expires})
        if answer.status_code != 201:
            assert answer.status_code == 422, answer.text
            return None
        return answer.json()["key"]["id"], answer.json()["secret"]

    def rename(self, key_id: str, name: str) -> bool:
        return self._patch(key_id, name=name)

    def disable(self, key_id: str) -> bool:
        return self._patch(key_id, disabled=True)

    def enable(self, key_id: str) -> bool:
        return self._patch(key_id, disabled=False)

    def revoke(self, key_id: str) -> bool:
        return self._client.post(f"/api/keys/{key_id}/revoke").status_code == 200

    def delete(self, key_id: str) -> bool:
        return self._client.delete(f"/api/keys/{key_id}").status_code == 204

    def _patch(self, key_id: str, **change: object) -> bool:
        return self._client.patch(f"/api/keys/{key_id}", json=change).status_code == 200


class CliDoor:
    def __init__(self, owner: Owner) -> None:
        self._cli = owner.cli

    def create(self, name: str, expires: str) -> tuple[str, str] | None:
        done = self._cli("keys", "create", "--expires", expires, "--", name)
        if done.returncode:
            assert done.returncode in (1, 2)
            assert "Traceback" not in done.stderr
            return None
        secret = done.stdout.strip()
        assert SECRET.fullmatch(secret), "piped, only the secret"
        [key_id] = [key["id"] for key in self._cli.json("keys", "list")["items"] if key["hint"][:10] == secret[:10]]
        return key_id, secret

    def rename(self, key_id: str, name: str) -> bool:
        return self._run("rename", key_id, name)

    def disable(self, key_id: str) -> bool:
        return self._run("disable", key_id)

    def enable(self, key_id: str) -> bool:
        return self._run("enable", key_id)

    def revoke(self, key_id: str) -> bool:
        return self._run("revoke", key_id, "--yes")

    def delete(self, key_id: str) -> bool:
        return self._run("delete", key_id, "--yes")

    def _run(self, *words: str) -> bool:
        done = self._cli("keys", *words)
        assert "Traceback" not in done.stderr
        return done.returncode == 0


class PageDoor:
    def __init__(self, owner: Owner) -> None:
        self._client = owner.session()

    def create(self, name: str, expires: str) -> tuple[str, str] | None:
        form = self._client.get("/settings/keys/new").text
        form_id = re.search(r'name="form" value="([^"]+)"', form)
        assert form_id
        fields = {"csrf": csrf_of(form), "form": form_id[1], "name": name, "expires": expires, "access": "standard"}
        answer = self._client.post("/settings/keys/new", data=fields)
        if answer.status_code != 201:
            assert answer.status_code == 422
            return None
        secret = SECRET.search(answer.text)
        assert secret
        me = self._client.get("/api/me", headers={"x-api-key": secret[0]})
        return me.json()["key"]["id"], secret[0]

    def rename(self, key_id: str, name: str) -> bool:
        return self._post(key_id, "rename", name=name)

    def disable(self, key_id: str) -> bool:
        return self._post(key_id, "disable")

    def enable(self, key_id: str) -> bool:
        return self._post(key_id, "enable")

    def revoke(self, key_id: str) -> bool:
        return self._post(key_id, "revoke")

    def delete(self, key_id: str) -> bool:
        return self._post(key_id, "delete")

    def _post(self, key_id: str, verb: str, **fields: str) -> bool:
        page = self._client.get("/settings?tab=api").text
        answer = self._client.post(f"/settings/keys/{key_id}/{verb}", data={"csrf": csrf_of(page), **fields})
        assert answer.status_code < 500
        return answer.status_code == 303


DOORS: list[Callable[[Owner], Door]] = [HttpDoor, CliDoor, PageDoor]


@pytest.mark.parametrize("make_door", DOORS)
def test_one_life(owner_on: Any, make_door: Callable[[Owner], Door]) -> None:
    """Create, use, rename, disable, enable, revoke, delete; and an expiry. On both databases."""
    door = make_door(owner_on)

    def call(secret: str) -> str:
        answer = owner_on.api(secret).get("/api/me")
        return str(answer.json().get("code", answer.json().get("type")))

    for bad in ("", " ", "x" * 101, "a\u202eb"):
        assert door.create(bad, "7d") is None
    assert door.create("n", "tomorrow") is None
    made = door.create("Automation Script", "7d")
    assert made is not None
    key_id, secret = made
    assert call(secret) == "api_key"
    assert door.rename(key_id, "Новое имя")
    assert owner_on.api(secret).get("/api/me").json()["key"]["name"] == "Новое имя"
    assert door.disable(key_id)
    assert call(secret) == "disabled"
    assert door.enable(key_id)
    assert call(secret) == "api_key"
    assert not door.delete(key_id)
    assert door.revoke(key_id)
    assert call(secret) == "revoked"
    assert not door.enable(key_id)
    assert not door.rename(key_id, "again")
    assert door.delete(key_id)
    assert call(secret) == "revoked"
    assert not door.delete(key_id)
    brief = door.create("brief", "1h")
    assert brief is not None
    owner_on.server.clock.advance(HOUR)
    assert call(brief[1]) == "expired"
    assert not door.disable(brief[0])
    assert door.delete(brief[0])
    assert call(brief[1]) == "expired"
