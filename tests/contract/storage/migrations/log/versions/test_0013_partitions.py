"""The upgrade to partitions moves no row, holds no long lock, and goes on if it was killed."""

from pathlib import Path

import pytest
from sqlalchemy import text

from ari.base.clock import DAY_MS, system_clock
from ari.base.errors import ConfigurationError
from ari.instance import Instance
from ari.storage import migrate as migrations
from ari.storage.migrate import LOG
from ari.storage.migrations import partitioned_log
from ari.storage.migrations.partitioned_log import bound_rows, check_rows, is_plain
from ari.storage.usage.partitions import BEFORE, DAYS_AHEAD, OTHER, list_partitions
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.old_schema import join_partitions
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

NOW_MS = system_clock(None).now_ms()
LATE_MS = NOW_MS + 400 * DAY_MS
"""By a clock that was wrong."""


def _make_old(instance: Instance, *more_ms: int) -> list[UsageRow]:
    times = [NOW_MS - day * DAY_MS for day in (100, 40, 2, 1, 0)]
    rows = [make_row(at_ms, key_id=key) for at_ms in (*times, *more_ms) for key in (KEY, OTHER_KEY)]
    instance.database.usage.commit(Batch(rows))
    instance.database.usage.fold_all()
    with instance.database.log.begin() as connection:
        join_partitions(connection)
    return sorted(rows, key=lambda row: row.id, reverse=True)


@pytest.mark.parametrize("more_ms", [(), (LATE_MS,)], ids=["usual", "with a wrong clock"])
def test_every_row_is_the_same_afterwards(data_dir: Path, postgres_url: str, more_ms: tuple[int, ...]) -> None:
    """Rows stay in their table, which becomes the first partition; the next days have theirs."""
    with opened(data_dir, postgres_url) as instance:
        rows = _make_old(instance, *more_ms)
        before = read_sums(instance.database)
        with instance.database.log.connect() as connection:
            table = connection.exec_driver_sql("SELECT pg_relation_filenode('usage_log')").scalar()
        assert migrations.migrate(instance.database) == [f"log {LOG.revisions[-1]}"]
        with instance.database.log.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT pg_relation_filenode('{BEFORE}')").scalar() == table
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {OTHER}").scalar() == 2 * len(more_ms)
            found = list_partitions(connection)
        assert [one.name == BEFORE for one in found] == [True, *[False] * (DAYS_AHEAD - 1)]
        assert found[0].high == found[1].low
        assert rows_of(instance.database) == rows
        assert rows_of(instance.database, UsageFilter(KEY)) == [row for row in rows if row.key_id == KEY]
        assert read_sums(instance.database) == before
        instance.database.usage.commit(Batch([make_row(NOW_MS + day * DAY_MS) for day in range(20)]))
        assert len(rows_of(instance.database)) == len(rows) + 20


@pytest.mark.parametrize("steps", [1, 2])
def test_an_upgrade_that_was_killed_goes_on(data_dir: Path, postgres_url: str, steps: int) -> None:
    """Until then, older nodes store rows as before."""
    with opened(data_dir, postgres_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            bound_rows(connection, NOW_MS)
        if steps > 1:
            with instance.database.log.begin() as connection:
                check_rows(connection)
        instance.database.usage.commit(Batch([new := make_row(NOW_MS + DAY_MS // 2)]))
        assert rows_of(instance.database) == [new, *rows]
        migrations.migrate(instance.database)
        assert rows_of(instance.database) == [new, *rows]


def test_a_bound_that_is_over_is_replaced(data_dir: Path, postgres_url: str) -> None:
    """An upgrade that was killed days ago doesn't decide which rows are stored now."""
    with opened(data_dir, postgres_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            bound_rows(connection, NOW_MS - 10 * DAY_MS)
        migrations.migrate(instance.database)
        with instance.database.log.connect() as connection:
            assert not is_plain(connection)
        assert {row.id for row in rows_of(instance.database)} == {row.id for row in rows}


def test_a_clock_that_is_behind_moves_no_log(
    data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If many rows seem to be of the future, all of them stay in the first partition."""
    monkeypatch.setattr(partitioned_log, "MAX_MOVED", 3)
    with opened(data_dir, postgres_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            bound_rows(connection, NOW_MS - 50 * DAY_MS)
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {OTHER}").scalar() == 0
            check_rows(connection)
        assert rows_of(instance.database) == rows


def test_an_operators_view_stops_it_before_anything_changes(data_dir: Path, postgres_url: str) -> None:
    """It would see old rows only. A view of ``usage_rows`` and the rights of other roles are kept."""
    with opened(data_dir, postgres_url) as instance:
        _make_old(instance)
        with instance.database.log.begin() as connection:
            connection.execute(text("CREATE VIEW mine AS SELECT count(*) AS n FROM usage_log"))
            connection.execute(text("CREATE VIEW fine AS SELECT count(*) AS n FROM usage_rows"))
            connection.execute(text("GRANT SELECT ON usage_log TO PUBLIC"))
        with pytest.raises(ConfigurationError, match="The table usage_log is partitioned, but mine depends on it"):
            migrations.migrate(instance.database)
        with instance.database.log.begin() as connection:
            assert is_plain(connection)
            connection.execute(text("DROP VIEW mine"))
        migrations.migrate(instance.database)
        with instance.database.log.connect() as connection:
            assert connection.exec_driver_sql("SELECT n FROM fine").scalar() == 10
            granted = "SELECT has_table_privilege('pg_monitor', 'usage_log', 'SELECT')"
            assert connection.exec_driver_sql(granted).scalar()


def test_rows_are_written_while_the_old_ones_are_checked(data_dir: Path, postgres_url: str) -> None:
    """The check reads the whole log. Until it ends, no other transaction waits for it."""
    with opened(data_dir, postgres_url) as instance:
        rows = _make_old(instance)
        with instance.database.log.begin() as connection:
            bound_rows(connection, NOW_MS)
        with instance.database.log.begin() as connection:
            check_rows(connection)  # its locks are held now
            instance.database.usage.commit(Batch([new := make_row(NOW_MS)]))
            assert rows_of(instance.database) == sorted([new, *rows], key=lambda row: row.id, reverse=True)
