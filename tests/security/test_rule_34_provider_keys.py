"""Rule 34: a provider key is bound to its row, provider and origin, goes nowhere else, and is never shown again."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.base.seal import CannotOpen, Context, Sealed
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands, pool
from ari.integrations.credentials import KIND, credential
from ari.integrations.environment import ProviderEnvironment, key_variables, read_environment
from ari.integrations.model import Integration
from ari.integrations.providers import get_provider
from ari.serving import start
from tests.support.instances import opened
from tests.support.owner import start_owner

OPENAI, COMPATIBLE = get_provider("openai"), get_provider("openai_compatible")
KEY = "sk-proj-0123456789abcdefABCDEF"
NOTHING = ProviderEnvironment()


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as made:
        yield made


def _put(instance: Instance, key: str = KEY, provider: Any = OPENAI) -> None:
    Deps(instance).do_sync(commands.put_key, provider, NOTHING, key)


def _secret(instance: Instance, provider: Any = OPENAI) -> str:
    return Deps(instance).read_sync(credential, provider, NOTHING).secret


def test_a_moved_envelope_opens_nothing(instance: Instance) -> None:
    """Neither at another provider, nor under another id, nor for another address, whatever else the row says."""
    _put(instance)
    assert _secret(instance) == KEY
    with instance.database.writing() as unit:
        [key], [kept] = unit.provider_keys.of("openai"), unit.sealed.all()
        assert kept.context == Context(KIND, key.id, ("openai", "https://api.openai.com"))
    for provider, origin in ((get_provider("groq"), "https://api.groq.com"), (OPENAI, "https://evil.example.net")):
        with instance.database.writing() as unit:
            moved = replace(key, id=f"pky_{provider.name}", provider=provider.name, sealed_subject="pky_moved")
            unit.integrations.save(Integration(f"int_{provider.name}", provider.name, base_url=origin))
            unit.provider_keys.remove(key)
            unit.provider_keys.save(moved)
            unit.sealed.put(Sealed(Context(KIND, "pky_moved", kept.context.parts), kept.envelope))
        with pytest.raises(CannotOpen, match=r"another address|changed or moved"):
            _secret(instance, provider)
        with instance.database.writing() as unit:
            unit.sealed.put(Sealed(Context(KIND, "pky_moved", (provider.name, origin)), kept.envelope))
        with pytest.raises(CannotOpen, match="changed or moved"):
            _secret(instance, provider)


def test_each_key_of_a_provider_is_bound_to_itself(instance: Instance) -> None:
    """The envelope of one key opens nothing under another of the same provider."""
    _put(instance)
    Deps(instance).do_sync(pool.add_key, OPENAI, NOTHING, KEY[:-1] + "G")
    with instance.database.writing() as unit:
        first, second = unit.provider_keys.of("openai")
        envelope = next(one for one in unit.sealed.all() if one.context.subject == first.id).envelope
        unit.sealed.put(Sealed(Context(KIND, second.id, ("openai", "https://api.openai.com")), envelope))
    with pytest.raises(CannotOpen, match="changed or moved"):
        Deps(instance).read_sync(credential, OPENAI, NOTHING, second.id)
    assert _secret(instance) == KEY


def test_another_base_url_leaves_no_key(instance: Instance) -> None:
    """The encrypted key is gone with the change, so no address gets a key that was given for another."""
    _put(instance)
    Deps(instance).do_sync(pool.add_key, OPENAI, NOTHING, f"{KEY}x")
    Deps(instance).do_sync(commands.set_base_url, OPENAI, "https://x.example.net")
    assert Deps(instance).read_sync(lambda unit: unit.sealed.all()) == []
    Deps(instance).do_sync(commands.set_base_url, OPENAI, None)
    assert Deps(instance).read_sync(lambda unit: unit.sealed.all()) == []


def test_a_key_of_the_environment_keeps_to_its_addresses(instance: Instance) -> None:
    """The built-in one, or one of the environment; a base URL stored by anyone who may write here gets nothing."""
    for provider in (OPENAI, COMPATIBLE):
        Deps(instance).do_sync(commands.set_base_url, provider, "https://evil.example.net")
    given = ProviderEnvironment({"openai": KEY, "openai_compatible": KEY})
    used = Deps(instance).read_sync(credential, OPENAI, given)
    assert (used.base_url, used.secret) == ("https://api.openai.com", KEY)
    elsewhere = Deps(instance).read_sync(credential, COMPATIBLE, given)
    assert (elsewhere.base_url, elsewhere.secret) == ("https://evil.example.net", "")


def test_a_lost_master_key_touches_nothing(instance: Instance) -> None:
    """One sentence says where it is missing; nothing is encrypted again and no other key is made; removing works."""
    _put(instance)
    place = instance.master_keys.own_file
    key = place.read_bytes()
    place.unlink()
    for work in (_secret, lambda one: _put(one, KEY + "x")):
        with pytest.raises(CannotOpen, match=f"a master key that isn't in {place}"):
            work(instance)
    assert not place.exists()
    place.write_bytes(key)
    assert _secret(instance) == KEY
    place.write_text("0123456789abcdef" * 4)
    for work in (_secret, lambda one: _put(one, KEY + "x")):
        with pytest.raises(CannotOpen):
            work(instance)
    Deps(instance).do_sync(commands.remove, OPENAI)
    assert Deps(instance).read_sync(lambda unit: (unit.sealed.all(), unit.integrations.all())) == ([], [])


@pytest.mark.parametrize(
    "key", ["a b", "sk-é" + "x" * 30, "sk-\x7f" + "x" * 30, "sk-" + "x" * 510, "sk-\r\n" + "x" * 30]
)
def test_only_printable_ascii_without_spaces_up_to_512(instance: Instance, key: str) -> None:
    """So no key can end a header or begin another."""
    with pytest.raises(Invalid):
        _put(instance, key)
    assert Deps(instance).read_sync(lambda unit: unit.sealed.all()) == []


def test_keys_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once they were read no child process inherits them; the workers are handed what was read."""
    for name in key_variables():
        monkeypatch.setenv(name, "x" * 40)
    start.forget_secrets()
    assert not set(key_variables()) & set(os.environ)
    assert read_environment(os.environ).keys == {}


def test_the_workers_are_handed_what_left_the_environment(make_server: Any) -> None:
    """Each of two serves with the key of the first environment, and shows it masked only, in its log not at all."""
    made = make_server(workers=2, settings={"OPENAI_API_KEY": KEY, "ARI_LOG_LEVEL": "debug"})
    with closing(start_owner(made)) as owner:
        _, secret = owner.create_key("admin", scopes=["integrations:read"])
        answers = [owner.api(secret).get("/api/integrations/openai") for _ in range(12)]
        assert {(one.json()["source"], one.json()["mask"]) for one in answers} == {("environment", "sk-p…CDEF")}
        for text in (made.log_text(), owner.cli("doctor", "--verbose").stdout, *(one.text for one in answers)):
            assert KEY not in text


def test_a_bad_key_of_the_environment_stops_the_start(make_server: Any) -> None:
    """One sentence that names the variable."""
    made = make_server(settings={"OPENAI_API_KEY": "Bearer hunter2"})
    assert made.launch().wait(60) == 1
    assert "ari: OPENAI_API_KEY: " in made.log_text()
    assert "hunter2" not in made.log_text()


def test_a_start_without_the_master_key_says_how_to_go_on(data_dir: Path, make_server: Any) -> None:
    """Which provider it was for, and the command that gives it up."""
    with opened(data_dir, None) as instance:
        _put(instance)
        instance.master_keys.own_file.unlink()
    made = make_server()
    assert made.launch().wait(60) == 1
    assert "it is needed for: provider key of openai" in made.log_text()
    assert made.log_text().strip().endswith("remove what it encrypted: ari integrations remove PROVIDER")
