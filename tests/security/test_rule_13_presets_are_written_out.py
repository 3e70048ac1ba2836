"""security.md 13: a preset is written out at creation; unknown scopes are refused; * is alone."""

from typing import Any

import pytest

from ari.keys.presets import DEFAULT_PRESET, PRESETS
from ari.keys.scopes import AI_PROVIDERS
from tests.support.owner import csrf_of


@pytest.mark.parametrize("preset", list(PRESETS))
def test_the_page_stores_the_explicit_list(owner: Any, preset: str) -> None:
    """Never the preset's name, so an upgrade that changes a preset widens no key."""
    session = owner.session()
    form = session.get("/settings/keys/new").text
    form_id = form.split('name="form" value="')[1].split('"')[0]
    fields: dict[str, Any] = {"csrf": csrf_of(form), "form": form_id, "name": preset, "expires": "1h", "access": preset}
    fields |= {"ai": list(AI_PROVIDERS)} if preset == "ai-gateway" else {}  # its providers are ticked one by one
    assert session.post("/settings/keys/new", data=fields).status_code == 201
    [key] = owner.cli.json("keys", "list")["items"]
    assert key["scopes"] == sorted(PRESETS[preset].scopes)


def test_unknown_scopes_are_refused_at_every_door(owner: Any) -> None:
    """A scope that a later version brings cannot be granted in advance."""
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    for scope in ("ai:nobody", "ai:resend", "keys:fly", "*:read", "keys:re*", ""):
        assert admin.post("/api/keys", json={"name": "n", "scopes": [scope]}).status_code == 422
        assert owner.cli("keys", "create", "n", "--scope", scope).returncode != 0
    assert len(admin.get("/api/keys").json()["items"]) == 1


def test_the_default_is_written_out_at_every_door(owner: Any) -> None:
    """Who names no scopes gets those of the default as they are today, by the API and by the command line."""
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    wanted = sorted(PRESETS[DEFAULT_PRESET].scopes)
    assert wanted
    assert not [scope for scope in wanted if "*" in scope]
    assert admin.post("/api/keys", json={"name": "by the API"}).json()["key"]["scopes"] == wanted
    assert owner.cli.json("keys", "create", "typed")["key"]["scopes"] == wanted


def test_a_star_may_be_the_whole_action(owner: Any) -> None:
    """All actions of one resource, future ones too, as requested."""
    key, _ = owner.create_key("n", scopes=["keys:*"])
    assert key["scopes"] == ["keys:*"]


def test_everything_is_written_alone(owner: Any) -> None:
    """* next to others is just *."""
    key, _ = owner.create_key("n", scopes=["*", "keys:read"])
    assert key["scopes"] == ["*"]
