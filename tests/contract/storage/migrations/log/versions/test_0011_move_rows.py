"""A log from before the compact rows: the upgrade moves each row once, in small transactions, and goes on if killed."""

from pathlib import Path

import pytest
from sqlalchemy import text

from ari.base.errors import ConfigurationError
from ari.instance import Instance
from ari.storage import migrate as migrations
from ari.storage.migrate import LOG, upgrade_chain
from ari.storage.migrations import old_rows
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.old_schema import expand_log
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

STEP = 4


def _make_old(instance: Instance) -> list[UsageRow]:
    """An old log with rows that differ in every text. Returns them, newest first."""
    rows = [make_row(START_MS + n, key_id=(KEY, OTHER_KEY)[n % 2], path=f"/api/me/{n}") for n in range(6)]
    rows += [
        make_row(START_MS + 10, client_address=None, user_agent=None, status=None, bytes=2**40),
        make_row(START_MS + 11, code="expired", count=7, request_id="own", method="POST", source="verify"),
        make_row(START_MS + 12, user_agent="Ünï 🐦", secret_number=2, consumed='{"default":1}'),
        make_row(START_MS + 13, status=40_000),
    ]
    instance.database.usage.commit(Batch(rows))
    instance.database.usage.fold_all()
    with instance.database.log.begin() as connection:
        expand_log(connection)
    return rows[::-1]


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_rows, "ROWS_PER_STEP", STEP)


def test_every_row_is_the_same_afterwards(data_dir: Path, database_url: str | None) -> None:
    """With its id, so that cursors stay valid; new requests follow."""
    with opened(data_dir, database_url) as instance:
        rows = _make_old(instance)
        said: list[str] = []
        assert migrations.migrate(instance.database, said.append) == [f"log {number}" for number in LOG.revisions[9:]]
        assert said == [f"Upgrading the usage log (0009 to {LOG.revisions[-1]}). A large one takes minutes."]
        assert rows_of(instance.database) == rows
        assert rows_of(instance.database, UsageFilter(KEY, "ok"), rows[0].id, 9) == [
            row for row in rows[1:] if (row.key_id, row.code) == (KEY, "ok")
        ]
        new = make_row(START_MS + 20)
        instance.database.usage.commit(Batch([new]))
        assert rows_of(instance.database) == [new, *rows]
        read_sums(instance.database)


def test_an_operators_view_stops_the_upgrade_before_anything_changes(data_dir: Path, database_url: str | None) -> None:
    """It would read the old rows, which are dropped. It is named; without it, the next start migrates."""
    with opened(data_dir, database_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            connection.execute(text("CREATE VIEW my_report AS SELECT key_id, at_ms FROM usage_rows"))
        with pytest.raises(ConfigurationError, match="my_report depends on it"):
            migrations.migrate(instance.database)
        with instance.database.log.begin() as connection:
            connection.execute(text("DROP VIEW my_report"))
        migrations.migrate(instance.database)
        assert rows_of(instance.database) == rows


def test_a_move_that_was_killed_goes_on(data_dir: Path, database_url: str | None) -> None:
    """Each step is committed; the next start moves the rest."""
    with opened(data_dir, database_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            upgrade_chain(connection, LOG, "0010")
        with instance.database.log.begin() as connection:
            assert old_rows.move_some(connection) == STEP
            assert old_rows.count(connection) == len(rows) - STEP
        assert migrations.migrate(instance.database) == [f"log {number}" for number in LOG.revisions[10:]]
        assert rows_of(instance.database) == rows


def test_the_migration_alone_moves_everything(data_dir: Path, database_url: str | None) -> None:
    """Also in one transaction, if nothing was moved before."""
    with opened(data_dir, database_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            upgrade_chain(connection, LOG)
        assert rows_of(instance.database) == rows


def test_entries_of_an_older_node_are_folded(data_dir: Path, database_url: str | None) -> None:
    """A node that still runs the version before stages ids as text only."""
    with opened(data_dir, database_url) as instance:
        row = make_row(client_address="192.0.2.99")
        instance.database.usage.commit(Batch([row]))
        with instance.database.folder.staging.begin() as connection:
            old = {"id": row.id, "request_id": row.request_id, "path": row.path}
            as_before = "id_high = NULL, id_low = NULL, id = :id, request_id = :request_id, path = :path"
            connection.execute(text(f"UPDATE usage_staging SET {as_before}"), old)
        assert rows_of(instance.database) == [row]
