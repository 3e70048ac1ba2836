"""The query for one page of the usage log: the right rows, by an index, for every filter."""

import itertools

import pytest
from sqlalchemy import text

from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.base.ids import new_id
from ari.instance import Instance
from ari.storage.usage.pages import page_query, read_rows
from ari.storage.usage.row_ids import lowest_id
from ari.usage.model import ROW_KIND, UsageFilter, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

CODES = ("ok", "expired", "rate_limited")


@pytest.fixture
def rows(instance: Instance) -> list[UsageRow]:
    """Rows of two keys with three codes in three hours, newest first."""
    made = [
        make_row(START_MS + hour * HOUR_MS, key_id=key, code=code)
        for hour, key, code in itertools.product(range(3), (KEY, OTHER_KEY), CODES)
    ]
    instance.database.usage.commit(Batch(made))
    instance.database.usage.fold_all()
    return sorted(made, key=lambda row: row.id, reverse=True)


FILTERS = [
    UsageFilter(key, code, since, until)
    for key, code, since, until in itertools.product(
        (None, KEY), (None, "expired"), (None, START_MS + HOUR_MS), (None, START_MS + 2 * HOUR_MS)
    )
]


def _matches(row: UsageRow, where: UsageFilter) -> bool:
    return (
        where.key_id in (None, row.key_id)
        and where.code in (None, row.code)
        and (where.since_ms is None or row.at_ms >= where.since_ms)
        and (where.until_ms is None or row.at_ms < where.until_ms)
    )


@pytest.mark.parametrize("where", FILTERS)
def test_pages_hold_every_fitting_row_once(instance: Instance, rows: list[UsageRow], where: UsageFilter) -> None:
    """For each combination of filters: newest first, with nothing skipped or repeated between pages."""
    found: list[str] = []
    before: str | None = None
    with instance.database.log.connect() as connection:
        while page := [row.id for row in read_rows(connection, page_query(connection, where, before, 2))]:
            assert len(page) <= 2
            found += page
            before = page[-1]
    assert found == [row.id for row in rows if _matches(row, where)]


@pytest.mark.parametrize("where", FILTERS)
def test_no_filter_reads_the_whole_log(instance: Instance, rows: list[UsageRow], where: UsageFilter) -> None:
    """A page must stay fast with ten million rows, so SQLite searches or walks an index for it."""
    with instance.database.log.connect() as connection:
        query = page_query(connection, where, None, 2).compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert any("usage_log" in step for step in plan)
    assert [step for step in plan if step.startswith("SCAN usage_log") and "USING" not in step] == []


def test_a_time_is_a_place_among_the_ids() -> None:
    """Ids sort by their time, so the lowest id of a time comes after all earlier ids and before all from then on."""
    low = lowest_id(START_MS)
    assert new_id(ROW_KIND, START_MS - 1) < low <= new_id(ROW_KIND, START_MS)
    assert lowest_id(-1) == lowest_id(0)
    assert lowest_id(1 << 60) > new_id(ROW_KIND, START_MS + MINUTE_MS)
