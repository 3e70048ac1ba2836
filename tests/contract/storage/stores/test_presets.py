"""Presets on both databases: the contract of ``PresetStore``."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ari.deps import Deps
from ari.keys.presets import Preset
from ari.storage.transaction import Transaction
from tests.support.instances import opened

FIRST = Preset("zebra", "Zebra", "First.", ("api:read", "keys:read"))
SECOND = Preset("apple", "Äpfel 🍎", "Second.", ("*",))


@pytest.fixture
def deps(data_dir: Path, database_url: str | None) -> Iterator[Deps]:
    with opened(data_dir, database_url) as instance:
        yield Deps(instance)


def _save(preset: Preset, tx: Transaction) -> None:
    tx.presets.save(preset)


def _choose(name: str | None, tx: Transaction) -> None:
    tx.presets.set_default(name, tx.now_ms, "usr_1")


def test_presets_come_back_whole_and_in_the_order_of_their_creation(deps: Deps) -> None:
    """A change keeps the place."""
    changed = replace(FIRST, label="Zebras", description="Changed.", scopes=("usage:read",))
    for preset in (FIRST, SECOND, changed):
        deps.do_sync(partial(_save, preset))
    assert deps.read_sync(lambda tx: tx.presets.all()) == [changed, SECOND]
    deps.do_sync(lambda tx: tx.presets.remove("zebra"))
    assert deps.read_sync(lambda tx: tx.presets.all()) == [SECOND]


def test_the_default_is_chosen_and_forgotten(deps: Deps) -> None:
    """One at a time."""
    found = [deps.read_sync(lambda tx: tx.presets.get_default())]
    for name in ("zebra", "apple", None):
        deps.do_sync(partial(_choose, name))
        found.append(deps.read_sync(lambda tx: tx.presets.get_default()))
    assert found == [None, "zebra", "apple", None]
