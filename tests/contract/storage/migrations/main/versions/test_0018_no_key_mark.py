"""The migration that removes the mark of changed keys leaves nodes of the version before right."""

from pathlib import Path

import psycopg

from ari.storage import migrate as migrations
from tests.support.commands import create_key, revoke_key
from tests.support.instances import opened
from tests.support.old_schema import mark_keys

_OLD_MARK = "SELECT (SELECT transaction FROM key_mark WHERE name = 'api_keys')"
"""As the version before reads it: without a mark it caches nothing, and a mark that changed ends its cache."""


def test_an_old_node_finds_no_mark_and_so_caches_nothing(data_dir: Path, postgres_url: str) -> None:
    """Also after later changes, which need no trigger any more."""
    with opened(data_dir, postgres_url) as instance, psycopg.connect(postgres_url, autocommit=True) as old:
        with instance.database.main.begin() as connection:
            mark_keys(connection)
        key = create_key(instance).key
        marks = [old.execute(_OLD_MARK).fetchone()]
        with instance.database.main.begin() as connection:
            connection.exec_driver_sql("UPDATE api_keys SET name = 'm'")
        marks.append(old.execute(_OLD_MARK).fetchone())
        assert migrations.migrate(instance.database) == ["main 0018", "main 0019"]
        revoke_key(instance, key)
        marks.append(old.execute(_OLD_MARK).fetchone())
        triggers = old.execute("SELECT count(*) FROM pg_trigger WHERE tgname ~ '_(changed|emptied)\\Z'").fetchone()
    assert marks[0] == (0,)
    assert marks[1] not in ((0,), (None,))
    assert (marks[2], triggers) == ((None,), (0,))


def test_an_upgrade_in_one_step_with_changed_keys(data_dir: Path, postgres_url: str) -> None:
    """A change in the same transaction has a trigger that waits for its end; the tables lose theirs all the same."""
    with opened(data_dir, postgres_url) as instance:
        create_key(instance)
        with instance.database.main.begin() as connection:
            mark_keys(connection)
            connection.exec_driver_sql("UPDATE api_keys SET name = 'm'")
            migrations.upgrade_chain(connection, migrations.MAIN)
        assert migrations.migrate(instance.database) == []
