"""Promise 2: a log never reads or writes another one's rows, and never takes an empty table for its own."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from ari.base.errors import ConfigurationError, Unavailable
from ari.instance import Instance
from ari.storage.clickhouse.clickhouse_log import ClickHouseLog
from ari.storage.clickhouse.table import TABLE
from ari.usage.ports import Batch
from tests.contract.storage.clickhouse.conftest import Open
from tests.support.usage import make_row, rows_of


def _log_of(instance: Instance) -> ClickHouseLog:
    log = instance.database.clickhouse
    assert log is not None
    return log


def _fill(instance: Instance, count: int = 3) -> None:
    instance.database.usage.commit(Batch([make_row() for _ in range(count)]))
    instance.database.usage.fold()


def _forget(instance: Instance) -> None:
    """As after a restore, which has no note of ClickHouse."""
    with instance.database.log.begin() as connection:
        connection.execute(text("DELETE FROM usage_folds WHERE name LIKE 'clickhouse%'"))


def _require_refusal(instance: Instance, words: str) -> None:
    """Nothing is folded or read, and nothing lost."""
    usage = instance.database.usage
    usage.commit(Batch([make_row()]))
    staged = usage.count_staged()
    refusals: list[Callable[[], object]] = [
        usage.fold,
        instance.database.usage.rows.oldest_at_ms,
        _log_of(instance).owner.require,
    ]
    for refused in refusals:
        with pytest.raises(Unavailable) as raised:
            refused()
        assert words in str(raised.value.reason)
    assert usage.count_staged() == staged


def test_a_dropped_table_is_not_replaced(open_instance: Open, clickhouse_url: str) -> None:
    """An empty one would show a part as the whole. The operator can accept the loss."""
    instance = open_instance(clickhouse_url)
    _fill(instance)
    _log_of(instance).database.change(f"DROP TABLE {TABLE}")
    again = open_instance(clickhouse_url)
    _require_refusal(again, "is gone")
    _log_of(again).owner.take_over()
    assert len(rows_of(again.database)) == 1


def test_a_restored_instance_is_refused_until_it_takes_over(open_instance: Open, clickhouse_url: str) -> None:
    """Then the original is refused. It may use another database right away."""
    original = open_instance(clickhouse_url)
    _fill(original)
    _forget(original)
    restored = open_instance(clickhouse_url)
    _require_refusal(restored, "belongs to another instance")
    _log_of(restored).owner.take_over()
    assert len(rows_of(restored.database)) == 4
    _log_of(restored).database.change(f"ALTER TABLE {TABLE} MODIFY COMMENT 'Rows of the ARI log 7'")
    _require_refusal(open_instance(clickhouse_url), "belongs to another instance")


def test_rows_that_went_back_do_not_come_again(open_instance: Open, clickhouse_url: str) -> None:
    """PostgreSQL may have removed some since."""
    first = open_instance(clickhouse_url)
    _fill(first)
    assert sum(_log_of(first).returner.steps()) == 3
    again = open_instance(clickhouse_url)
    _require_refusal(again, "belongs to another instance")
    with pytest.raises(ConfigurationError, match="Drop the table"):
        _log_of(again).owner.take_over()
    _log_of(again).database.change(f"DROP TABLE {TABLE}")
    assert len(rows_of(again.database)) == 4


@pytest.mark.parametrize("is_created", [False, True])
def test_a_process_that_ended_while_it_created_the_table(
    open_instance: Open, clickhouse_url: str, is_created: bool
) -> None:
    """Before it, or after it: the next one goes on."""
    instance = open_instance(clickhouse_url)
    _log_of(instance).owner.require()
    if not is_created:
        _log_of(instance).database.change(f"DROP TABLE {TABLE}")
    with instance.database.log.begin() as connection:
        connection.execute(text("UPDATE usage_folds SET seq = -seq WHERE name = 'clickhouse_table'"))
    _fill(instance)
    assert len(rows_of(instance.database)) == 3


def test_a_table_of_an_older_version_is_kept(open_instance: Open, clickhouse_url: str) -> None:
    """It has no comment, and PostgreSQL notes that it has rows."""
    instance = open_instance(clickhouse_url)
    _fill(instance)
    rows_of(instance.database)
    _log_of(instance).database.change(f"ALTER TABLE {TABLE} MODIFY COMMENT ''")
    with instance.database.log.begin() as connection:
        connection.execute(text("DELETE FROM usage_folds WHERE name = 'clickhouse_table'"))
    assert len(rows_of(open_instance(clickhouse_url).database)) == 3
