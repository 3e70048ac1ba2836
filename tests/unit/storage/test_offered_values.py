"""Names for shell completion: few, and only those that begin with what was typed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewConsumer
from ari.storage.engine import KEYS_FILE
from ari.storage.offered_values import MAX_VALUES, read_values
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as found:
        yield found


def test_a_long_list_is_cut(instance: Instance, data_dir: Path) -> None:
    """Nobody reads thousands of names; typing more narrows them. A pattern's characters mean themselves."""
    for number in range(MAX_VALUES + 1):
        Deps(instance).do_sync(keys.create_consumer, NewConsumer(f"N{number}", f"c{number:03}"))
    assert len(read_values(data_dir / KEYS_FILE, "consumers", "")) == MAX_VALUES
    assert read_values(data_dir / KEYS_FILE, "consumers", "c100") == [("c100", "N100")]
    assert read_values(data_dir / KEYS_FILE, "consumers", "c%") == []


def test_it_never_creates_a_file(data_dir: Path) -> None:
    """A mistyped folder stays empty."""
    with pytest.raises(sqlite3.Error):
        read_values(data_dir / "none.db", "keys", "")
    assert not (data_dir / "none.db").exists()
