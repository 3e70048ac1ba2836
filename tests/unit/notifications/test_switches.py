"""Notification settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.base.errors import Forbidden, NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.notifications import switches
from ari.notifications.kinds import KINDS
from tests.support.commands import as_caller, create_key
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as made:
        yield made


def _events(instance: Instance) -> list[str]:
    return [event.name for event in Deps(instance).read_sync(lambda tx: tx.events.page(None, None, 50))]


def test_everything_is_on_until_it_is_turned_off(instance: Instance) -> None:
    """An owner who never looks at the settings hears of everything; each change is one event."""
    deps = Deps(instance)
    listed = deps.read_sync(lambda tx: switches.list_settings(tx.key_value))
    assert listed
    assert all(one.on for one in listed)
    for _ in range(2):
        deps.do_sync(switches.switch, "key_expiring", on=False)
    off = [one.kind.name for one in deps.read_sync(lambda tx: switches.list_settings(tx.key_value)) if not one.on]
    assert off == ["key_expiring"]
    deps.do_sync(switches.switch, "key_expiring", on=True)
    assert _events(instance) == ["notification_switched"] * 2


def test_a_key_does_not_turn_off_warnings_about_the_account(instance: Instance) -> None:
    """security.md 40: a leaked key must not silence the notices about it; turning on harms nobody."""
    about_account = next(kind.name for kind in KINDS.values() if kind.about_account and not kind.fixed)
    by_key = Deps(instance, as_caller(create_key(instance, scopes=("*",)).key))
    with pytest.raises(Forbidden):
        by_key.do_sync(switches.switch, about_account, on=False)
    assert by_key.do_sync(switches.switch, about_account, on=True).on
    assert not Deps(instance).do_sync(switches.switch, about_account, on=False).on


@pytest.mark.parametrize("name", ["nobody_knows_this", *[kind.name for kind in KINDS.values() if kind.fixed]])
def test_what_cannot_be_turned_off_is_unknown(instance: Instance, name: str) -> None:
    """A password reset that was turned off could never be asked for."""
    with pytest.raises(NotFound):
        Deps(instance).do_sync(switches.switch, name, on=False)
