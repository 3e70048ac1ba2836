"""Promise 2: all rows come back from ClickHouse as they were, also if that was begun before."""

from ari.storage.clickhouse import returner
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from tests.contract.storage.clickhouse.conftest import Open
from tests.support.logged_traffic import make_batches, make_flood
from tests.support.seeds import choose_seed
from tests.support.usage import make_row, read_sums, rows_of


def test_all_rows_come_back(open_instance: Open, clickhouse_url: str) -> None:
    """Also after a run that ended in the middle."""
    instance = open_instance(clickhouse_url)
    usage, clickhouse = instance.database.usage, instance.database.clickhouse
    assert clickhouse is not None
    for batch in make_batches(choose_seed(), 6):
        usage.commit(batch)
    usage.commit(Batch(make_flood((1, 4))))
    usage.fold_all()
    rows = rows_of(instance.database)
    sizes = _return_some(clickhouse.returner, 50)
    assert sum(sizes) == 100
    assert sum(clickhouse.returner.steps()) == len(rows)
    instance.close()
    after = open_instance(None)
    assert rows_of(after.database) == rows
    after.database.usage.commit(Batch([more := make_row()]))
    assert more.id in {row.id for row in rows_of(after.database)}
    assert read_sums(after.database)


def _return_some(one: returner.RowReturner, size: int) -> list[int]:
    """Two steps of a run that ends then."""
    before, returner.ROWS_PER_STEP = returner.ROWS_PER_STEP, size
    steps = one.steps()
    found = [next(steps), next(steps)]
    returner.ROWS_PER_STEP = before
    return found


def test_staged_requests_of_others_are_left_alone(open_instance: Open, clickhouse_url: str) -> None:
    """They are counted by the next fold."""
    instance = open_instance(clickhouse_url)
    usage, clickhouse = instance.database.usage, instance.database.clickhouse
    assert clickhouse is not None
    usage.commit(Batch([make_row() for _ in range(3)]))
    usage.fold()
    usage.commit(Batch([waiting := make_row()]))
    assert sum(clickhouse.returner.steps()) == 3
    instance.close()
    after = open_instance(None)
    found: list[UsageRow] = rows_of(after.database)
    assert len(found) == 4
    assert waiting.id in {row.id for row in found}
    assert read_sums(after.database)
