"""From settings to an open database: its transactions are signed and whole, and it says what it cannot be."""

from pathlib import Path

import pytest

from ari.base.audit import Head
from ari.base.errors import ConfigurationError, Unavailable
from ari.instance import Instance
from ari.storage.engine import KEYS_FILE, STAGING_FILE, USAGE_FILE, Database
from tests.support.audit_log import create
from tests.support.instances import settings_for


def test_a_standby_cannot_be_required_of_files(data_dir: Path) -> None:
    """A setting that does not hold must not be taken for one that does."""
    with pytest.raises(ConfigurationError, match="needs PostgreSQL"):
        Database.open(settings_for(data_dir, None, database_sync="required"))
    assert not (data_dir / KEYS_FILE).exists()


def test_nobody_else_can_read_the_files(instance: Instance) -> None:
    """They hold digests of keys and what callers sent."""
    for name in (KEYS_FILE, USAGE_FILE, STAGING_FILE):
        assert (instance.settings.data_dir / name).stat().st_mode & 0o077 == 0


def test_a_failed_transaction_leaves_no_trace(instance: Instance) -> None:
    """No row, no event, and no head that is kept as a witness."""
    create(instance, "a")
    before = instance.database.witness.read()

    def fail() -> None:
        with instance.database.writing() as unit:
            unit.key_value.put("half", "1")
            raise RuntimeError("a crash before the commit")

    with pytest.raises(RuntimeError):
        fail()
    with instance.database.reading() as unit:
        assert unit.key_value.get("half") is None
    assert instance.database.witness.read() == before


def test_each_change_is_witnessed(instance: Instance) -> None:
    """The file next to the database names the newest committed event; a change without events changes nothing."""
    create(instance, "a")
    with instance.database.reading() as unit:
        newest = unit.events.newest()
    head = instance.database.witness.head()
    assert isinstance(head, Head)
    assert (head.event_id, head.hash) == newest
    with instance.database.writing() as unit:
        unit.key_value.put("n", "1")
    assert instance.database.witness.head() == head


def test_a_reader_cannot_see_half_of_a_change(instance: Instance) -> None:
    """It keeps the snapshot that it began with."""
    with instance.database.reading() as reader:
        assert reader.key_value.get("n") is None
        with instance.database.writing() as unit:
            unit.key_value.put("n", "1")
        assert reader.key_value.get("n") is None


def test_a_ping_asks_for_our_own_tables(instance: Instance) -> None:
    """A database that responds without them serves no request."""
    instance.database.ping()
    with instance.database.main.begin() as connection:
        connection.exec_driver_sql("DROP TABLE notes")
    with pytest.raises(Unavailable):
        instance.database.ping()
