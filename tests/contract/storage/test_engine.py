"""ARI_USAGE_DURABILITY decides how the log is committed, and nothing about the keys."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.instances import opened

COMMIT, FSYNC = ("1", "off"), ("2", "on")


def _read_level(engine: Engine) -> str:
    question = "PRAGMA synchronous" if engine.dialect.name == "sqlite" else "SHOW synchronous_commit"
    with engine.connect() as connection:
        return str(connection.exec_driver_sql(question).scalar_one())


@pytest.mark.parametrize(("setting", "log"), [("commit", COMMIT), ("fsync", FSYNC)])
def test_the_log_is_as_durable_as_asked(
    data_dir: Path, database_url: str | None, setting: str, log: tuple[str, str]
) -> None:
    """SQLite: WAL with NORMAL or FULL. PostgreSQL: synchronous_commit off or on. Keys: always the stronger one.

    What a response waits for is the inbox, on SQLite a file of its own; what moves from there on is as durable.
    """
    which = 0 if database_url is None else 1
    with opened(data_dir, database_url, usage_durability=setting) as instance:
        folder = instance.database.folder
        for engine in (instance.database.log, folder.staging, folder.engine):
            assert _read_level(engine) == log[which]
        assert _read_level(instance.database.main) == FSYNC[which]
