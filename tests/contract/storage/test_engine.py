"""ARI_USAGE_DURABILITY decides how the log is committed, and nothing about the keys. Connections are bounded."""

import asyncio
import itertools
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ari.storage import postgres_sessions
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


def _take_all(engine: Engine, held: ExitStack) -> int:
    """Connect until the pool has no more; returns how often it had."""
    for count in itertools.count():
        try:
            held.enter_context(engine.connect())
        except PoolTimeoutError:
            return count
    raise AssertionError


@pytest.mark.parametrize("limit", [15, 23])
def test_a_process_opens_no_more_connections_than_the_setting_says(
    data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """ARI_DATABASE_CONNECTIONS, with all that the hot path, the gateway and the heartbeat have of their own."""
    monkeypatch.setattr(postgres_sessions, "BUSY_SECONDS", 0.01)
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ari%'"

    async def run() -> tuple[int, ...]:
        with (
            opened(data_dir, postgres_url, database_connections=limit) as instance,
            psycopg.connect(postgres_url, autocommit=True) as other,
            ExitStack() as held,
        ):
            database = instance.database
            lookup, providers, rules = (
                await database.open_lookup(),
                database.provider_lookup(),
                database.ai_rules_lookup(),
            )
            await asyncio.gather(lookup.check(), lookup.has_imported(), providers.find("openai"), rules.find())
            taken = [_take_all(engine, held) for engine in (database.main, database.log)]
            row = other.execute(query).fetchone()
            assert row is not None
            for one in (lookup, providers, rules):
                await one.close()
            return (*taken, row[0])

    main, log, opened_in_all = asyncio.run(run())
    assert main == log == (limit - 7) // 2
    assert main + log < opened_in_all <= limit
