"""Connections and errors of both databases are counted; broken rules of the schema are not errors."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ari.instance import Instance
from ari.metrics import catalog
from tests.support.instances import opened


def _read(instance: Instance, family: catalog.Family) -> int:
    return instance.metrics.add_up()[instance.metrics.layout.find(family)]


def test_connections_and_errors_are_counted(data_dir: Path, database_url: str | None) -> None:
    """A database that fails or drops connections shows in the metrics."""
    with opened(data_dir, database_url) as instance:
        before = _read(instance, catalog.CONNECTIONS)
        instance.close_connections()
        instance.database.ping()
        assert _read(instance, catalog.CONNECTIONS) > before
        repeated = text("INSERT INTO notes (name, value) VALUES ('twice', ''), ('twice', '')")
        with pytest.raises(IntegrityError), instance.database.main.begin() as connection:
            connection.execute(repeated)
        assert _read(instance, catalog.DATABASE_ERRORS) == 0
        for engine in (instance.database.main, instance.database.folder.engine):
            errors = _read(instance, catalog.DATABASE_ERRORS)
            with engine.connect() as connection:
                _break(connection.connection.driver_connection)
                with pytest.raises(SQLAlchemyError):
                    connection.execute(text("SELECT count(*) FROM nothing_here"))
            assert _read(instance, catalog.DATABASE_ERRORS) == errors + 1


def _break(driver: object) -> None:
    """Close a connection on the server's side where there is a server; a missing table is enough for SQLite."""
    finish = getattr(getattr(driver, "pgconn", None), "finish", None)
    if finish is not None:
        finish()
