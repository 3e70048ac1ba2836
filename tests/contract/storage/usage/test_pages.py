"""The pages of the log on both databases: from an index, whatever the filter, and from every partition."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from ari.base.clock import DAY_MS, HOUR_MS, system_clock
from ari.instance import Instance
from ari.storage.usage.store import UsageTables
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row, rows_of


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


@pytest.fixture
def store(instance: Instance) -> UsageTables:
    return instance.database.usage


@pytest.fixture
def engine(instance: Instance) -> Engine:
    return instance.database.log


def test_every_page_is_read_from_an_index(instance: Instance, store: UsageTables, engine: Engine) -> None:
    """However large the log is, a page costs the same."""
    codes = ("ok",) * 30 + ("expired", "revoked")
    for n in range(20):
        hour = START_MS + n * HOUR_MS
        keys = [OTHER_KEY if m % 50 else KEY for m in range(500)]
        store.commit(Batch([make_row(hour + m, key_id=key, code=codes[m % 32]) for m, key in enumerate(keys)]))
    store.fold_all()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _remember(_connection: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> None:
        if "usage_log" in statement and not statement.startswith("EXPLAIN"):
            asked.append((statement, given))

    span = START_MS + 5 * HOUR_MS, START_MS + 6 * HOUR_MS
    middle = rows_of(instance.database, UsageFilter(None, None, None, span[1]), None, 1)[0].id
    asked.clear()
    for key_id, code, (since_ms, until_ms) in product((None, KEY), (None, "ok", "revoked"), ((None, None), span)):
        for before in (None, middle):
            rows_of(instance.database, UsageFilter(key_id, code, since_ms, until_ms), before, 5)  # of 100,000: 50
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        plans = ["\n".join(map(str, connection.exec_driver_sql(explain + sql, given))) for sql, given in asked]
    least = 2 * (12 + 2)
    assert len(plans) == least or engine.dialect.name == "postgresql", "the codes of a key are asked first"
    for (sql, _), plan in zip(asked, plans, strict=True):
        assert not re.search(r"Seq Scan on usage_log(_other)? ", plan), "other partitions are empty"
        assert "SCAN usage_log" not in plan or "USING INDEX" in plan, plan
        if "UNION ALL" not in sql:
            assert "TEMP B-TREE" not in plan, plan
        if "usage_log.key," in sql.partition("WHERE")[2]:
            assert _uses(plan, "usage_log_key_code"), plan
        elif "(usage_log.code," in sql.partition("WHERE")[2]:
            assert _uses(plan, "usage_log_code"), plan


def _uses(plan: str, index: str) -> bool:
    """Whether it reads rows from the index; on PostgreSQL all rows are in one partition."""
    is_empty = re.search(r"usage_log_other_pkey.* rows=1 ", plan) is not None
    has_rows = "SEARCH" in plan or ("usage_log_other" in plan and not is_empty)
    return not has_rows or f"ix_{index}" in plan or index.replace("usage_log", "usage_log_other") in plan


def test_the_page_of_a_key_is_merged_from_all_its_codes(instance: Instance, store: UsageTables) -> None:
    """In the order of time, whatever the codes are, from any cursor, none twice."""
    codes = ("ok", "revoked", "a code of tomorrow", "expired")
    rows = [make_row(START_MS + n, code=codes[n * n % 7 % 4]) for n in range(40)]
    store.commit(Batch([*rows, *(make_row(START_MS + n, key_id=OTHER_KEY) for n in range(40))]))
    found: list[UsageRow] = []
    while page := rows_of(instance.database, UsageFilter(KEY), found[-1].id if found else None, 7):
        found += page
    assert found == sorted(rows, key=lambda row: row.id, reverse=True)
    narrow = UsageFilter(KEY, since_ms=START_MS + 10, until_ms=START_MS + 20)
    assert {row.at_ms - START_MS for row in rows_of(instance.database, narrow, None, 99)} == set(range(10, 20))
    assert rows_of(instance.database, UsageFilter("key_unknown"), None, 9) == []


def test_pages_go_through_all_days(instance: Instance, store: UsageTables) -> None:
    """Days with many rows, with none, and hundreds of days apart, in the past and the future, for each filter."""
    today = system_clock(None).now_ms()
    days = (-700, -300, -91, -90, -65, -33, -32, -9, -3, -2, -1, 0, 0, 0, 1, 6, 9, 500)
    made = [
        make_row(today + day * DAY_MS + n, key_id=(KEY, OTHER_KEY)[n % 2], code=("ok", "expired", "tomorrow")[n % 3])
        for n, day in enumerate(days * 2)
    ]
    store.commit(Batch(made))
    for key_id, code in product((None, KEY), (None, "expired", "tomorrow")):
        for since_ms, until_ms in ((None, None), (today - 80 * DAY_MS, None), (None, today - DAY_MS)):
            where = UsageFilter(key_id, code, since_ms, until_ms)
            wanted = [row for row in made if _fits(row, where)]
            found: list[UsageRow] = []
            while page := rows_of(instance.database, where, found[-1].id if found else None, 5):
                found += page
            assert found == sorted(wanted, key=lambda row: row.id, reverse=True), where


def _fits(row: UsageRow, where: UsageFilter) -> bool:
    return (
        where.key_id in (None, row.key_id)
        and where.code in (None, row.code)
        and (where.since_ms is None or row.at_ms >= where.since_ms)
        and (where.until_ms is None or row.at_ms < where.until_ms)
    )
