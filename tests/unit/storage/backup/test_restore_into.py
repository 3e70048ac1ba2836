"""The target of a restore: the old files stay until the new ones are whole."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ari.base.errors import Conflict
from ari.base.master_key import MasterKeys
from ari.instance import Instance
from ari.storage.backup.restore_into import into_sqlite
from ari.storage.engine import KEYS_FILE
from tests.support.audit_log import create
from tests.support.instances import opened, settings_for


def _fill(main: Connection, _log: Connection, _ended: object) -> None:
    main.execute(text("INSERT INTO notes (name, value) VALUES ('restored', '1')"))


def _fail(main: Connection, log: Connection, ended: object) -> None:
    _fill(main, log, ended)
    raise RuntimeError("in the middle")


def _restore_into(folder: Path, fill: object = _fill, *, replace: bool = False) -> None:
    assert callable(fill)
    into_sqlite(settings_for(folder, None), replace, MasterKeys(folder), fill)


def _note(folder: Path) -> str | None:
    with opened(folder, None) as instance, instance.database.reading() as unit:
        return unit.key_value.get("restored")


@pytest.fixture
def filled_dir(data_dir: Path) -> Path:
    """The data directory of a stopped instance with a key."""
    with opened(data_dir, None) as instance:
        create(instance, "a")
    return data_dir


def test_an_empty_instance_is_filled(data_dir: Path) -> None:
    """Whether or not it was started before."""
    _restore_into(data_dir)
    assert _note(data_dir) == "1"
    assert [path.name for path in data_dir.glob("restore-*")] == []


def test_a_filled_instance_is_replaced_only_on_purpose(filled_dir: Path) -> None:
    """Keys that are in use would be gone."""
    with pytest.raises(Conflict, match="--force"):
        _restore_into(filled_dir)
    assert _note(filled_dir) is None
    _restore_into(filled_dir, replace=True)
    assert _note(filled_dir) == "1"


def test_nothing_changes_if_it_fails_in_the_middle(filled_dir: Path) -> None:
    """The old instance serves on, and no half of a new one is left."""
    with pytest.raises(RuntimeError):
        _restore_into(filled_dir, _fail, replace=True)
    assert [path.name for path in filled_dir.glob("restore-*")] == []
    with opened(filled_dir, None) as instance, instance.database.reading() as unit:
        assert [key.name for key in unit.keys.page(0, "all", None, 9)] == ["a"]


def test_a_file_in_use_is_not_replaced(filled_dir: Path) -> None:
    """A process that has it open would go on with the old one and verify keys that were replaced."""
    with closing(sqlite3.connect(filled_dir / KEYS_FILE)) as other:
        other.execute("SELECT count(*) FROM notes").fetchall()
        with pytest.raises(Conflict, match="ARI is running"):
            _restore_into(filled_dir, replace=True)
    _restore_into(filled_dir, replace=True)
    assert _note(filled_dir) == "1"


def test_a_damaged_file_counts_as_filled(filled_dir: Path) -> None:
    """Something was in it; with the word for it, it is restored over."""
    with (filled_dir / KEYS_FILE).open("r+b") as file:
        file.write(b"no database" * 500)
    with pytest.raises(Conflict, match="--force"):
        _restore_into(filled_dir)
    _restore_into(filled_dir, replace=True)
    assert _note(filled_dir) == "1"


def test_nodes_follow_the_new_history(instance: Instance) -> None:
    """A restore needs no accepting: the history that the node knew is among the new ones."""
    create(instance, "a")
    folder = instance.settings.data_dir
    record = instance.database.history.record()
    assert record is not None
    instance.close()
    _restore_into(folder, replace=True)
    with closing(sqlite3.connect(folder / KEYS_FILE)) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM database_history ORDER BY position")]
    assert record.history in ids[:-1]
