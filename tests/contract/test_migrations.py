"""Migrations: the schema is what the tables say, many may start at once, a newer database is refused."""

import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ari.base.caller import SYSTEM
from ari.base.errors import ConfigurationError
from ari.keys import manage
from ari.keys.manage import NewKey
from ari.storage import migrate as migrations
from ari.storage.engine import Database
from ari.storage.migrate import LOG, MAIN, Chain
from tests.support.instances import opened, settings_for


@pytest.mark.parametrize("chain", [MAIN, LOG], ids=["main", "log"])
def test_the_migrations_make_exactly_the_tables(data_dir: Path, database_url: str | None, chain: Chain) -> None:
    """No drift between the migrations and the single truth of the schema."""
    with opened(data_dir, database_url) as instance:
        engine = instance.database.main if chain is MAIN else instance.database.log

        def ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
            return kind != "table" or name in chain.metadata.tables

        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"include_object": ours, "compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, chain.metadata) == []


def test_again_is_fine_and_applies_nothing(data_dir: Path, database_url: str | None) -> None:
    """Every start migrates; only the first has work."""
    database = Database.open(settings_for(data_dir, database_url))
    assert migrations.migrate(database) == ["main 0001", "log 0001"]
    assert migrations.migrate(database) == []
    migrations.check(database)
    database.close()


def _migrate(data_dir: Path, database_url: str | None) -> None:
    database = Database.open(settings_for(data_dir, database_url))
    migrations.migrate(database)
    database.close()


def test_several_processes_may_start_at_once(data_dir: Path, database_url: str | None) -> None:
    """One migrates, the others wait and find it done."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_migrate, args=(data_dir, database_url)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_newer_database_is_refused_with_a_clear_sentence(data_dir: Path, database_url: str | None) -> None:
    """An old program must not write into a schema it does not know."""
    settings = settings_for(data_dir, database_url)
    with opened(data_dir, database_url) as instance, instance.database.main.begin() as connection:
        connection.execute(text(f"UPDATE {MAIN.version_table} SET version_num = '9999'"))
    database = Database.open(settings)
    for attempt in (migrations.migrate, migrations.check):
        with pytest.raises(ConfigurationError, match="newer ARI"):
            attempt(database)
    database.close()


def test_an_unmigrated_database_says_how_to_migrate(data_dir: Path, database_url: str | None) -> None:
    """Only serve and migrate migrate."""
    database = Database.open(settings_for(data_dir, database_url))
    with pytest.raises(ConfigurationError, match="ari migrate"):
        migrations.check(database)
    database.close()


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'x'", "DELETE FROM events"])
def test_rule_21_events_cannot_be_changed(data_dir: Path, database_url: str | None, statement: str) -> None:
    """security.md 21: triggers on both databases."""
    with opened(data_dir, database_url) as instance:
        instance.command(SYSTEM, lambda unit, by: manage.create(unit, by, 1, NewKey("n")))
        with pytest.raises(DBAPIError, match="never changed"), instance.database.main.begin() as connection:
            connection.execute(text(statement))
        assert len(instance.read(lambda unit: unit.events.page(None, None, 9))) == 1
