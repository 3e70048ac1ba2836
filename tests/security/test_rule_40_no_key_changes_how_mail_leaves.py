"""Rule 40: who sets how email leaves could read the link that sets the owner's password, so no key does."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari.base.caller import SYSTEM, Caller
from ari.base.errors import Conflict, Forbidden, ReauthRequired
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands
from ari.integrations.credentials import state
from ari.integrations.key_test import probe_provider
from ari.integrations.providers import get_provider
from ari.keys.scopes import SCOPES
from ari.notifications import switches
from tests.support.commands import as_caller, create_key
from tests.support.instances import opened
from tests.support.owner import csrf_of
from tests.support.resend import KEY

RESEND = get_provider("resend")
CARD = "/api/integrations/resend"
OTHER = "re_0123456789abcdef0123"
API_KEY = "key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
EVERY_SCOPE = (*SCOPES, *sorted({f"{scope.partition(':')[0]}:*" for scope in SCOPES}), "*")


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as made:
        yield made


def _put_key(instance: Instance, caller: Caller, key: str = KEY, base_url: str | None = None) -> None:
    def put(unit: Any) -> None:
        if base_url is not None:
            commands.set_base_url(unit, RESEND, base_url)
        environment = instance.provider_environment
        commands.put_key(unit, RESEND, environment, key)

    Deps(instance, caller).do_sync(put)


def test_no_scope_is_enough(instance: Instance) -> None:
    """Neither its key, nor its base URL, nor to take it away and leave the owner without email."""
    _put_key(instance, SYSTEM)
    before = Deps(instance).read_sync(lambda unit: (unit.integrations.all(), unit.sealed.all()))
    attempts = (
        lambda by: _put_key(instance, by, OTHER),
        lambda by: _put_key(instance, by, OTHER, "https://mail.example.net"),
        lambda by: Deps(instance, by).do_sync(commands.set_base_url, RESEND, RESEND.base_url),
        lambda by: Deps(instance, by).do_sync(commands.remove, RESEND),
    )
    for caller in (as_caller(create_key(instance, scopes=(scope,)).key) for scope in EVERY_SCOPE):
        for attempt in attempts:
            with pytest.raises(Forbidden):
                attempt(caller)
    assert Deps(instance).read_sync(lambda unit: (unit.integrations.all(), unit.sealed.all())) == before


def test_the_owner_confirms_first(instance: Instance) -> None:
    """A session that confirmed its password a while ago must do so again; a fresh one and the command line are not."""
    for confirmed_at_ms, at_once in ((0, False), (instance.now_ms(), True)):
        session = Caller("usr_1", Origin("web"), session_digest=b"x" * 32, confirmed_at_ms=confirmed_at_ms)
        with instance.database.writing(session) as unit:
            if at_once:
                commands.set_base_url(unit, RESEND, "https://mail.example.net")
            else:
                with pytest.raises(ReauthRequired):
                    commands.set_base_url(unit, RESEND, "https://mail.example.net")
    _put_key(instance, Caller("cli:alice", Origin("cli")), base_url="http://127.0.0.1:9")


@pytest.mark.parametrize("what", ["key", "address"])
def test_what_a_key_set_before_sends_nothing(instance: Instance, what: str) -> None:
    """An instance of a version that let keys do it: email is off, the card says why, and the owner can set it again."""
    _put_key(instance, SYSTEM, base_url="https://mail.example.net")
    asyncio.run(instance.mail.refresh(Deps(instance)))
    assert instance.mail.config.can_send
    with instance.database.writing() as unit:
        row = unit.integrations.get("resend")
        assert row is not None
        if what == "address":
            unit.integrations.save(replace(row, base_url_by=API_KEY))
        else:
            [stored] = unit.provider_keys.of("resend")
            unit.provider_keys.save(replace(stored, added_by=API_KEY))
    asyncio.run(instance.mail.refresh(Deps(instance)))
    assert (instance.mail.sender, instance.mail.config.can_send) == (None, False)
    with pytest.raises(Conflict, match="An API key set the address of Resend"):
        asyncio.run(probe_provider(Deps(instance, SYSTEM), instance.prober, RESEND, instance.provider_environment))
    shown = Deps(instance).read_sync(lambda unit: state(unit, RESEND, instance.provider_environment))
    assert (shown.name, "no email is sent" in (shown.problem or "")) == ("failing", True)
    _put_key(instance, SYSTEM, base_url="https://mail.example.net")
    asyncio.run(instance.mail.refresh(Deps(instance)))
    assert instance.mail.sender is not None


def test_over_http(owner: Any) -> None:
    """403 for a key with every scope, and nothing is stored; the owner's session may."""
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    clerk = owner.api(owner.create_key("clerk", scopes=["integrations:write"])[1])
    bodies: list[dict[str, str | None]] = [{"key": OTHER}, {"base_url": "https://mail.example.net"}, {"base_url": None}]
    answers = [who.put(CARD, json=body) for who in (admin, clerk) for body in bodies]
    answers += [admin.delete(CARD), clerk.delete(CARD)]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "forbidden")}
    assert admin.get(CARD).json()["state"] == "not_configured"
    session = owner.session()
    session.headers["x-csrf-token"] = csrf_of(session.get("/settings?tab=api").text)
    assert session.put(CARD, json={"key": OTHER}).json()["state"] == "configured"
    assert session.delete(CARD).status_code == 204


def test_no_key_silences_warnings_about_the_account(instance: Instance) -> None:
    """A new device, two-factor turned off: a thief's key must not hide them. Other kinds it may switch off."""
    caller = as_caller(create_key(instance, scopes=("*",)).key)

    def switch(by: Caller, name: str, on: bool) -> bool:
        return Deps(instance, by).do_sync(lambda unit: switches.switch(unit, name, on)).on

    for name in ("new_device", "two_factor_off"):
        with pytest.raises(Forbidden):
            switch(caller, name, on=False)
        assert not switch(SYSTEM, name, on=False)
        assert switch(caller, name, on=True)
    assert not switch(caller, "key_revoked", on=False)
