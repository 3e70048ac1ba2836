"""Whether a database is at this program's schema; migrations themselves are tested on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.storage.engine import Database
from ari.storage.migrate import LOG, MAIN, Chain, check, migrate, revision_of
from tests.support.instances import settings_for


@pytest.fixture
def database(data_dir: Path) -> Iterator[Database]:
    """Not migrated."""
    opened = Database.open(settings_for(data_dir, None))
    yield opened
    opened.close()


@pytest.mark.parametrize("chain", [MAIN, LOG])
def test_numbers_of_a_chain_sort_as_text(chain: Chain) -> None:
    """They are compared as text, so each has four digits, and none is there twice."""
    numbers = chain.revisions
    assert numbers[0] == "0001"
    assert numbers == [f"{number:04d}" for number in sorted(set(map(int, numbers)))]


def test_everything_is_applied_once(database: Database) -> None:
    """In the order of the numbers; a second start applies nothing."""
    with pytest.raises(ConfigurationError, match="Run: ari migrate"):
        check(database)
    every = [f"{chain.name} {number}" for chain in (MAIN, LOG) for number in chain.revisions]
    assert migrate(database) == every
    assert migrate(database) == []
    check(database)
    with database.main.connect() as connection:
        assert revision_of(connection, MAIN) == MAIN.revisions[-1]


@pytest.mark.parametrize("chain", [MAIN, LOG])
def test_a_newer_database_is_left_alone(database: Database, chain: Chain) -> None:
    """This program does not know what is in it."""
    migrate(database)
    engine = database.main if chain is MAIN else database.log
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {chain.version_table} SET version_num = '9999'")
    for refuse in (check, migrate):
        with pytest.raises(ConfigurationError, match=f"{chain.name} 9999"):
            refuse(database)
