"""The migration that adds webhooks gives no key a scope that it didn't have."""

from pathlib import Path

import pytest
from sqlalchemy import text

from ari.base.errors import ConfigurationError
from ari.storage import migrate as migrations
from tests.support.instances import opened
from tests.support.old_schema import drop_webhooks

DECLARE = "INSERT INTO custom_scopes VALUES (:name, 'Of an API', 0, 'usr_1')"


def test_a_declared_scope_of_that_name_stops_the_upgrade(data_dir: Path, database_url: str | None) -> None:
    """Keys with it could read and change webhooks; without it the upgrade goes on."""
    with opened(data_dir, database_url) as instance:
        database = instance.database
        with database.main.begin() as connection:
            drop_webhooks(connection)
            connection.execute(text(f"UPDATE {migrations.MAIN.version_table} SET version_num = '0018'"))
            connection.execute(text(DECLARE), [{"name": "webhooks:send"}, {"name": "webhook:send"}])
        with pytest.raises(ConfigurationError, match="The declared scope webhooks:send has a name"):
            migrations.migrate(database)
        with database.main.begin() as connection:
            connection.execute(text("DELETE FROM custom_scopes WHERE name = 'webhooks:send'"))
        assert migrations.migrate(database) == ["main 0019"]
