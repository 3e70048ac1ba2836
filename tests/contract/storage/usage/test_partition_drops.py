"""Retention on PostgreSQL drops whole days, and what was counted from them stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.usage.partitions import OTHER, DayPartitions, list_partitions
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

TODAY_MS = START_MS - START_MS % DAY_MS
DAY = "usage_log_20270115"


@pytest.fixture
def instance(data_dir: Path, postgres_url: str) -> Iterator[Instance]:
    """With 700 rows each of two days that have a partition, and one row of a day that has none."""
    with opened(data_dir, postgres_url) as found:
        DayPartitions(found.database.log).create(START_MS)
        for day in range(2):
            rows = [
                make_row(
                    TODAY_MS + day * DAY_MS + n, key_id=(KEY, OTHER_KEY)[n % 2], code=("ok", "revoked", "ok")[n % 3]
                )
                for n in range(699)
            ]
            flood = make_row(TODAY_MS + day * DAY_MS + 700, code="revoked", count=9)
            found.database.usage.commit(Batch([*rows, flood]))
        found.database.usage.commit(Batch([make_row(TODAY_MS - 20 * DAY_MS)]))
        found.database.usage.fold_all()
        yield found


def _names(instance: Instance) -> list[str]:
    with instance.database.log.connect() as connection:
        return [one.name for one in list_partitions(connection)]


def _remove(instance: Instance, before_ms: int) -> int:
    return sum(instance.database.usage.remove_before(before_ms))


def test_a_day_is_dropped_when_all_of_it_is_old(instance: Instance) -> None:
    """Until then its rows stay; the sums are even after each step."""
    before, totals = read_sums(instance.database), instance.database.usage.totals([KEY, OTHER_KEY])
    assert _remove(instance, TODAY_MS + DAY_MS - 1) == 1, "the row of the day without a partition"
    assert DAY in _names(instance)
    statements: list[str] = []
    event.listen(instance.database.log, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert next(instance.database.usage.remove_before(TODAY_MS + DAY_MS)) == 700
    assert not [one for one in statements if one.startswith("DELETE FROM usage_log")]
    assert DAY not in _names(instance)
    assert len(rows_of(instance.database)) == 700
    assert read_sums(instance.database) == before
    assert instance.database.usage.totals([KEY, OTHER_KEY]) == totals


def test_rows_that_come_after_their_day_was_dropped(instance: Instance) -> None:
    """They are stored, shown and counted, and removed with the next run."""
    _remove(instance, TODAY_MS + DAY_MS)
    before = read_sums(instance.database)
    instance.database.usage.commit(Batch([make_row(TODAY_MS + 5)]))
    assert len(rows_of(instance.database)) == 701
    assert read_sums(instance.database)[KEY][0] == before[KEY][0] + 1
    assert _remove(instance, TODAY_MS + DAY_MS) == 1
    assert read_sums(instance.database)[KEY][0] == before[KEY][0] + 1


@pytest.mark.parametrize("statement", [f"SELECT count(*) FROM {DAY}", f"UPDATE {DAY} SET status = 1 WHERE id_low = 0"])
def test_a_transaction_that_stays_is_not_waited_for(instance: Instance, statement: str) -> None:
    """As a backup does. Nothing changes, others can read, and the next run, soon after the error, drops the day."""
    before = read_sums(instance.database)
    with instance.database.log.connect() as other:
        other.execute(text(statement))
        removed: list[int] = []
        with pytest.raises(Unavailable, match=f"use the log: {DAY} can't be dropped"):
            removed.extend(instance.database.usage.remove_before(TODAY_MS + DAY_MS))
        assert sum(removed) == 1
        assert len(rows_of(instance.database, limit=2_000)) == 1_400
        assert read_sums(instance.database) == before
        other.rollback()
    assert _remove(instance, TODAY_MS + DAY_MS) == 700
    assert read_sums(instance.database) == before


def test_a_view_of_the_operators_keeps_a_day_from_being_dropped(instance: Instance) -> None:
    """Its rows are removed one by one then."""
    with instance.database.log.begin() as connection:
        connection.execute(text(f"CREATE VIEW mine AS SELECT * FROM {DAY}"))
    before = read_sums(instance.database)
    assert _remove(instance, TODAY_MS + DAY_MS) == 701
    assert DAY in _names(instance)
    assert read_sums(instance.database) == before


def test_a_run_that_is_killed_while_it_drops_changes_nothing(instance: Instance) -> None:
    """Counting and dropping are one transaction."""
    before = read_sums(instance.database)

    def kill(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("DROP TABLE"):
            raise KeyboardInterrupt

    event.listen(instance.database.log, "after_cursor_execute", kill)
    with pytest.raises(KeyboardInterrupt):
        _remove(instance, TODAY_MS + DAY_MS)
    event.remove(instance.database.log, "after_cursor_execute", kill)
    assert DAY in _names(instance)
    assert read_sums(instance.database) == before
    assert _remove(instance, TODAY_MS + DAY_MS) == 701


def test_an_empty_day_is_dropped_too(instance: Instance) -> None:
    """All partitions go, in whatever state they are, and rows are still stored."""
    assert _remove(instance, TODAY_MS + 30 * DAY_MS) == 1_401 + 4, "with the clients of both keys"
    assert _names(instance) == []
    instance.database.usage.commit(Batch([make_row(TODAY_MS)]))
    instance.database.usage.fold_all()
    with instance.database.log.connect() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {OTHER}").scalar() == 1
