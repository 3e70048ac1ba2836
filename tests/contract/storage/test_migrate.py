"""Migrations: the schema is what the tables say, many may start at once, a newer database is refused."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ari import keys
from ari.base.errors import ConfigurationError
from ari.deps import Deps
from ari.keys import NewKey
from ari.storage import migrate as migrations
from ari.storage.checkup import check_audit_log
from ari.storage.dialect import lock_for_migration
from ari.storage.engine import Database
from ari.storage.migrate import LOG, MAIN, Chain
from ari.storage.postgres_sessions import LIMITS
from ari.storage.tables import usage_staging
from ari.usage.ports import Batch
from tests.support.command import Cli
from tests.support.instances import START_MS, opened, settings_for
from tests.support.old_schema import expand_log, join_keys_and_secrets
from tests.support.processes import eventually
from tests.support.usage import KEY, make_row, read_sums, rows_of


@pytest.mark.parametrize("chain", [MAIN, LOG], ids=["main", "log"])
def test_the_migrations_make_exactly_the_tables(data_dir: Path, database_url: str | None, chain: Chain) -> None:
    """No drift between the migrations and the single truth of the schema."""
    with opened(data_dir, database_url) as instance:
        engine = instance.database.main if chain is MAIN else instance.database.log

        def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
            return kind != "table" or name in chain.metadata.tables

        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"include_object": is_ours, "compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, chain.metadata) == []


def test_again_is_fine_and_applies_nothing(data_dir: Path, database_url: str | None) -> None:
    """Every start migrates; only the first has work."""
    database = Database.open(settings_for(data_dir, database_url))
    every = [f"{chain.name} {number}" for chain in (migrations.MAIN, LOG) for number in chain.revisions]
    assert migrations.migrate(database) == every
    assert migrations.migrate(database) == []
    migrations.check(database)
    database.close()


def test_rows_from_before_are_kept_and_counted(data_dir: Path, database_url: str | None) -> None:
    """A log of the first version: its rows get a source, and what keys were seen by is filled from them."""
    with opened(data_dir, database_url) as instance:
        engine = instance.database.log
        rows = [make_row(START_MS + n, code=("ok", "revoked")[n % 2]) for n in range(5)]
        instance.database.usage.commit(Batch([*rows, make_row(client_address=None, user_agent=None)]))
        instance.database.usage.fold_all()
        with engine.begin() as connection:
            expand_log(connection)
            for statement in (
                "DROP TABLE usage_seen",
                "DROP TABLE usage_folds",
                "DROP TABLE usage_all_hours",
                "DROP TABLE usage_days",
                "DROP TABLE usage_attempt_hours",
                "DROP TABLE usage_ai",
                "DROP TABLE usage_ai_hours",
                "DROP TABLE limit_counters",
                "DROP TABLE budget_warnings",
                "DROP INDEX ix_usage_rows_key_id_secret_number_id",
                "ALTER TABLE usage_rows DROP COLUMN secret_number",
                "ALTER TABLE usage_rows DROP COLUMN consumed",
                "DROP INDEX ix_usage_rows_key_id_code_id",
                "DROP INDEX ix_usage_rows_code_id",
                "CREATE INDEX ix_usage_rows_key_id_id ON usage_rows (key_id, id)",
                "ALTER TABLE usage_rows DROP COLUMN source",
                "ALTER TABLE usage_totals DROP COLUMN removed_request_count",
                "ALTER TABLE usage_totals DROP COLUMN removed_refused_count",
                f"UPDATE {LOG.version_table} SET version_num = '0001'",
            ):
                connection.execute(text(statement))
        assert migrations.migrate(instance.database) == [f"log {number}" for number in LOG.revisions[1:]]
        assert {row.source for row in rows_of(instance.database)} == {"request"}
        assert read_sums(instance.database) == {KEY: (4, 2)}
        seen = [(one.value, one.accepted_count, one.refused_count) for one in instance.database.usage.addresses(KEY, 9)]
        assert sorted(seen) == [("192.0.2.7", 3, 2), ("other", 1, 0)]


def test_a_trail_from_before_signatures_is_signed_by_the_upgrade(data_dir: Path, database_url: str | None) -> None:
    """An event says that what came before was taken as it was; from then on nobody can forge it."""
    with opened(data_dir, database_url) as instance:
        for name in ("a", "b"):
            Deps(instance).do_sync(keys.create, NewKey(name))
        with instance.database.main.begin() as connection:
            sqlite = connection.dialect.name == "sqlite"
            join_keys_and_secrets(connection)
            for table in ("audit_marks", "database_history", "idempotent_responses"):
                connection.execute(text(f"DROP TABLE {table}"))
            if sqlite:
                for trigger in ("events_no_replace", "events_no_delete"):
                    connection.execute(text(f"DROP TRIGGER {trigger}"))
                forbid = "BEGIN SELECT RAISE(ABORT, 'never changed'); END"
                connection.execute(text(f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events {forbid}"))
            else:
                connection.execute(text("DROP TRIGGER events_no_delete ON events"))
                connection.execute(text("DROP FUNCTION ari_events_before_the_cut, ari_cut_moves_forward"))
            connection.execute(text(f"UPDATE {MAIN.version_table} SET version_num = '0009'"))
        instance.database.witness.forget()
        instance.database.history.file.remove()  # such an instance kept none
    with opened(data_dir, database_url) as instance:
        event = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 1))[0]
        assert (event.name, event.detail) == ("audit_accepted", {"because": "upgrade", "events": 2})
        audit_log = check_audit_log(instance.database)
        assert audit_log.is_whole
        assert audit_log.head is not None
        assert (audit_log.walked, audit_log.head.position, audit_log.head.accepted) == (3, 3, 3)
        assert migrations.migrate(instance.database) == []


def test_several_processes_may_start_at_once(cli: Cli, database: object) -> None:
    """One migrates, the others wait and find it done."""
    with ThreadPoolExecutor(6) as threads:
        ran = list(threads.map(lambda _: cli("migrate"), range(6)))
    assert [one.returncode for one in ran] == [0] * 6, ran
    assert sorted(one.stdout.startswith("Applied: main 0001") for one in ran) == [False] * 5 + [True]


def test_the_inbox_is_made_once(data_dir: Path, postgres_url: str) -> None:
    """Who finds no inbox while another process is just making it waits for that one, and then finds it."""
    with opened(data_dir, postgres_url) as instance, ThreadPoolExecutor() as threads:
        folder = instance.database.folder
        with instance.database.main.begin() as other:
            other.execute(text("DROP TABLE usage_staging"))
        with instance.database.main.begin() as other:
            lock_for_migration(other)
            usage_staging.create(other)
            preparing = [threads.submit(folder.prepare) for _ in range(3)]
            eventually(lambda: _count_waiting(postgres_url) == 3)
        for one in preparing:
            one.result()
        row = make_row()
        instance.database.usage.commit(Batch([row]))
        assert instance.database.usage.totals([row.key_id])[row.key_id].request_count == 1


def test_a_long_migration_is_waited_for(data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start waits longer for one that migrates than any other lock is waited for, and for these as ever."""
    monkeypatch.setitem(LIMITS, "lock_timeout", "20ms")
    database, busy = (Database.open(settings_for(data_dir, postgres_url)) for _ in range(2))
    limit = text("SHOW lock_timeout")

    with ThreadPoolExecutor() as threads:
        with busy.main.begin() as other:
            lock_for_migration(other)
            migrating = threads.submit(migrations.migrate, database)
            eventually(lambda: _count_waiting(postgres_url, longer_than="40 ms"))
        assert migrating.result() != []
    with database.main.begin() as connection:
        lock_for_migration(connection)
        assert connection.execute(limit).scalar_one() == "20ms"
    database.close()
    busy.close()


def _count_waiting(url: str, longer_than: str = "0") -> int:
    """How many wait for a lock in this database."""
    query = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE datname = current_database() AND NOT granted AND waitstart < clock_timestamp() - %s::interval"""
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [longer_than]).fetchone()
    return 0 if row is None else int(row[0])


def test_a_newer_database_is_refused_with_a_clear_sentence(data_dir: Path, database_url: str | None) -> None:
    """An old program must not write into a schema it does not know."""
    settings = settings_for(data_dir, database_url)
    with opened(data_dir, database_url) as instance, instance.database.main.begin() as connection:
        connection.execute(text(f"UPDATE {MAIN.version_table} SET version_num = '9999'"))
    database = Database.open(settings)
    for attempt in (migrations.migrate, migrations.check):
        with pytest.raises(ConfigurationError, match="newer version of ARI"):
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
        Deps(instance).do_sync(keys.create, NewKey("n"))
        with pytest.raises(DBAPIError, match="never changed"), instance.database.main.begin() as connection:
            connection.execute(text(statement))
        assert len(Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 9))) == 1
