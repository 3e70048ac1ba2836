"""Promise 2: a log that PostgreSQL has moves to ClickHouse completely, and is never read in parts."""

import os
import signal
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import func, select

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage.clickhouse import mover
from ari.storage.clickhouse.sink import ClickHouseSink
from ari.storage.engine import Database
from ari.storage.tables import usage_log
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch
from tests.contract.storage.clickhouse.conftest import Open
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS
from tests.support.logged_traffic import make_batches, make_flood
from tests.support.seeds import choose_seed
from tests.support.usage import KEY, make_row, rows_of


def _count_here(instance: Instance) -> int:
    with instance.database.log.connect() as connection:
        return connection.scalar(select(func.count()).select_from(usage_log)) or 0


def _log_in_postgresql(open_instance: Open) -> tuple[list[UsageRow], UsageRow]:
    """Log requests in PostgreSQL. Returns all rows, and the row of a flood that goes on."""
    before = open_instance(None)
    for batch in make_batches(choose_seed(), 6):
        before.database.usage.commit(batch)
    flood = make_flood((3,))[0]
    before.database.usage.commit(Batch([flood]))
    before.database.usage.fold_all()
    rows = rows_of(before.database)
    before.close()
    return rows, flood


def test_all_rows_are_moved(open_instance: Open, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While some are left, none can be read; ends, repeats and floods go on."""
    monkeypatch.setattr(mover, "ROWS_PER_STEP", 50)
    rows, flood = _log_in_postgresql(open_instance)
    unended = next(row for row in rows if row.status is None)
    after = open_instance(clickhouse_url)
    usage = after.database.usage
    with pytest.raises(Unavailable, match="are being moved"):
        rows_of(after.database)
    usage.commit(Batch([more := make_row(), *rows[:3]], [Completion(unended.id, 204, 1.0, None)]))
    usage.fold()
    while usage.move_rows():
        pass
    found = {row.id: row for row in rows_of(after.database)}
    assert found.keys() == {more.id, *(row.id for row in rows)}
    assert found.pop(unended.id).status == 204
    assert all(found[row.id] == row for row in rows if row.id in found and row.ai is None)
    assert usage.totals([KEY])[KEY].request_count == 1 + sum(
        row.count for row in rows if row.key_id == KEY and row.accepted
    )
    usage.commit(Batch(make_flood_again(flood, 8)))
    assert {row.id: row.count for row in rows_of(after.database)}[flood.id] == 8
    assert _count_here(after) == 1, "the count of the flood, which may go on"
    assert usage.totals([KEY])[KEY].refused_count == sum(
        row.count for row in rows_of(after.database) if row.key_id == KEY and not row.accepted
    )


def make_flood_again(flood: UsageRow, count: int) -> list[UsageRow]:
    from msgspec.structs import replace

    return [replace(flood, count=count)]


def test_old_counts_of_floods_leave_postgresql(open_instance: Open, clickhouse_url: str) -> None:
    """An hour later, nothing goes on from them."""
    instance = open_instance(clickhouse_url)
    usage = instance.database.usage
    usage.commit(Batch(make_flood((1, 4))))
    usage.fold()
    usage.move_rows()
    assert _count_here(instance) == 1
    clock = instance.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(2 * HOUR_MS / 1000)
    later = open_instance(clickhouse_url)
    later.database.clock = clock
    assert not later.database.usage.move_rows()
    assert _count_here(instance) == 0
    assert [row.count for row in rows_of(instance.database)] == [4]


def test_a_killed_step_is_done_again(open_instance: Open, clickhouse_url: str) -> None:
    """The rows were sent but not deleted."""
    rows, _ = _log_in_postgresql(open_instance)
    after = open_instance(clickhouse_url)
    child = os.fork()
    if child == 0:
        try:
            database, add = Database.open(after.settings), ClickHouseSink.add

            def die(*given: Any) -> None:
                add(*given)
                os.kill(os.getpid(), signal.SIGKILL)

            patch.object(ClickHouseSink, "add", die).start()
            database.usage.move_rows()
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert _count_here(after) == len(rows)
    after.database.usage.move_rows()
    assert {row.id for row in rows_of(after.database)} == {row.id for row in rows}


def test_an_empty_log_needs_no_move(open_instance: Open, clickhouse_url: str) -> None:
    """A new instance reads and logs at once."""
    instance = open_instance(clickhouse_url)
    assert rows_of(instance.database) == []
    instance.database.usage.commit(Batch([make_row(START_MS - 3 * DAY_MS)]))
    assert len(rows_of(instance.database)) == 1
    assert _count_here(instance) == 0
