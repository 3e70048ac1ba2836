"""Retention: old rows go bit by bit, what is counted from them stays, and nobody waits for it."""

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.instance import Instance
from ari.storage.engine import USAGE_FILE, Database
from ari.storage.tables import usage_hours
from ari.storage.usage.retention import ROWS_PER_STEP
from ari.usage.model import Attempt, KeyTotals, UsageFilter
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened, settings_for
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

OLD_MS = START_MS - 100 * DAY_MS
CUTOFF_MS = START_MS - 90 * DAY_MS
KEPT_FOR_A_TIME = ("usage_log", "usage_attempts", "usage_attempt_hours", "usage_seen", "usage_ai")


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _fill(instance: Instance, old: int = 1_200) -> None:
    codes = ("ok", "ok", "revoked")
    rows = [make_row(OLD_MS + n, key_id=(KEY, OTHER_KEY)[n % 2], code=codes[n % 3]) for n in range(old)]
    for start in range(0, old, 1_000):
        instance.database.usage.commit(Batch(rows[start : start + 1_000]))
    fresh = [make_row(CUTOFF_MS), make_row(START_MS), make_row(START_MS, code="expired", count=7)]
    instance.database.usage.commit(Batch(fresh))


def test_old_rows_go_and_what_was_counted_stays(instance: Instance) -> None:
    """The cutoff itself is kept; request_count = rollups = rows + rows removed."""
    _fill(instance)
    store, engine = instance.database.usage, instance.database.log
    before = read_sums(instance.database)
    with engine.connect() as connection:
        hours = connection.execute(select(func.count(), func.sum(usage_hours.c["count"]))).one()
    totals = store.totals([KEY, OTHER_KEY])
    assert sum(store.remove_before(CUTOFF_MS)) == 1_200 + 2, "with the address and the agent of the other key"
    assert sorted(row.at_ms for row in rows_of(instance.database)) == [CUTOFF_MS, START_MS, START_MS]
    assert read_sums(instance.database) == before
    assert store.totals([KEY, OTHER_KEY]) == totals
    assert totals[KEY] == KeyTotals(402, 207, OLD_MS, START_MS)
    with engine.connect() as connection:
        assert connection.execute(select(func.count(), func.sum(usage_hours.c["count"]))).one() == hours
    assert sum(store.remove_before(CUTOFF_MS)) == 0


def test_attempts_addresses_and_user_agents_obey_it_too(instance: Instance) -> None:
    """Clients seen again since are kept, with their counts."""
    store = instance.database.usage
    store.commit(
        Batch(
            [
                make_row(OLD_MS, client_address="192.0.2.1"),
                make_row(OLD_MS, client_address="192.0.2.2", user_agent="old/1"),
            ],
            attempts=[Attempt(OLD_MS, "unknown", f"10.0.{n >> 8}.{n & 255}") for n in range(700)],
        )
    )
    minute = START_MS - START_MS % MINUTE_MS
    store.commit(
        Batch([make_row(START_MS, client_address="192.0.2.1")], attempts=[Attempt(START_MS, "unknown", "192.0.2.9")])
    )
    list(store.remove_before(CUTOFF_MS))
    assert store.attempts(0, 9) == [Attempt(minute, "unknown", "192.0.2.9")]
    assert [(seen.value, seen.accepted_count) for seen in store.addresses(KEY, 9)] == [("192.0.2.1", 2)]
    assert [seen.value for seen in store.agents(KEY, 9)] == ["curl/7.88.1"]
    assert read_sums(instance.database) == {KEY: (3, 0)}


def test_it_goes_in_small_steps_and_can_be_resumed(
    instance: Instance, data_dir: Path, database_url: str | None
) -> None:
    """Each step is a transaction of its own, after which the sums are even; another process goes on where one ended."""
    _fill(instance)
    steps = instance.database.usage.remove_before(CUTOFF_MS)
    before = read_sums(instance.database)
    assert next(steps) == ROWS_PER_STEP
    assert read_sums(instance.database) == before
    steps.close()
    other = Database.open(settings_for(data_dir, database_url))
    assert [count for count in other.usage.remove_before(CUTOFF_MS) if count] == [ROWS_PER_STEP, 200, 2]
    other.close()
    assert read_sums(instance.database) == before


def test_no_step_reads_a_whole_table(instance: Instance) -> None:
    """However much the log holds, a step looks at what it removes, by an index: it would hold up the counting."""
    _fill(instance)
    store, engine = instance.database.usage, instance.database.log
    store.commit(
        Batch(
            [make_row(OLD_MS, client_address=f"192.0.2.{n}") for n in range(200)],
            attempts=[Attempt(OLD_MS + n * MINUTE_MS, "unknown", f"10.0.{n >> 8}.{n & 255}") for n in range(800)],
        )
    )
    store.fold_all()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    asked: dict[str, Any] = {}

    def remember(_connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> None:
        if any(f" {table}" in statement for table in KEPT_FOR_A_TIME):
            asked[statement] = given[0] if many else given

    event.listen(engine, "before_cursor_execute", remember)
    assert sum(store.remove_before(CUTOFF_MS)) > 2_000
    event.remove(engine, "before_cursor_execute", remember)
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # small tables are read whole, whatever the index
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        plans = {sql: "\n".join(map(str, connection.exec_driver_sql(explain + sql, asked[sql]))) for sql in asked}
    assert {sql.split()[0] for sql in plans} == {"SELECT", "DELETE"}
    for sql, plan in plans.items():
        in_its_order = "FROM usage_seen ORDER BY" in sql and "TEMP B-TREE" not in plan
        for table in KEPT_FOR_A_TIME:
            assert f"SCAN {table}" not in plan or in_its_order, (sql, plan)
            assert f"Seq Scan on {table}" not in plan, (sql, plan)
        if sql.startswith("DELETE") and not sqlite:
            assert "Index Cond: (ROW(" in plan or "= ANY" in plan or "Index Cond: ((ROW(" in plan, (sql, plan)


def test_one_process_at_a_time(instance: Instance, data_dir: Path, database_url: str | None) -> None:
    """The others find it taken and do nothing; it is free again when the first has ended."""
    _fill(instance)
    steps = instance.database.usage.remove_before(CUTOFF_MS)
    next(steps)
    other = Database.open(settings_for(data_dir, database_url))
    assert list(other.usage.remove_before(CUTOFF_MS)) == []
    steps.close()
    assert sum(other.usage.remove_before(CUTOFF_MS)) == 702
    other.close()


def test_commits_go_on_between_the_steps(instance: Instance) -> None:
    """No step holds a transaction open when it is done, on either side."""
    _fill(instance)
    steps = instance.database.usage.remove_before(CUTOFF_MS)
    for n, _ in enumerate(steps):
        instance.database.usage.commit(Batch([make_row(START_MS + n), make_row(OLD_MS + 5_000 + n)]))
    assert read_sums(instance.database)[KEY][0] >= 402 + 3


def test_writers_and_retention_at_once_lose_nothing(instance: Instance) -> None:
    """Rows that are old already when they come, keys that all share: no deadlock, and the sums are even."""
    store = instance.database.usage

    def write(seed: int) -> None:
        for n in range(40):
            store.commit(
                Batch([make_row(OLD_MS + n), make_row(START_MS + seed, key_id=OTHER_KEY), make_row(OLD_MS + seed)])
            )

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, seed) for seed in range(3)]
        while not all(writer.done() for writer in writers):
            list(store.remove_before(CUTOFF_MS))
        for writer in writers:
            writer.result()
    list(store.remove_before(CUTOFF_MS))
    assert read_sums(instance.database) == {KEY: (240, 0), OTHER_KEY: (120, 0)}
    assert len(rows_of(instance.database, UsageFilter(key_id=KEY), None, 999)) == 0


def test_the_file_gives_room_back(data_dir: Path) -> None:
    """SQLite: what is free beyond a reserve leaves the file, in steps, and what was removed is not left in it."""
    with opened(data_dir, None) as instance:
        for start in range(0, 12_000, 1_000):
            agents = [f"very-own-agent {'x' * 200} {start + n}" for n in range(1_000)]
            instance.database.usage.commit(Batch([make_row(OLD_MS + start, user_agent=agent) for agent in agents]))
        instance.database.usage.fold_all()
        steps = instance.database.usage.remove_before(CUTOFF_MS)
        pages = [_pages(data_dir), *(_pages(data_dir) for _ in steps)]
    assert pages[-1] < pages[0] * 0.6
    assert all(0 <= more - less <= 105 for more, less in pairwise(pages))
    connection = sqlite3.connect(data_dir / USAGE_FILE)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert b"very-own-agent" not in (data_dir / USAGE_FILE).read_bytes()


def test_postgresql_cleans_up_early(data_dir: Path, postgres_url: str) -> None:
    """Autovacuum begins at a share of the rows, which by default would be a fifth of a log of any size."""
    with opened(data_dir, postgres_url) as instance, instance.database.log.connect() as connection:
        found = connection.exec_driver_sql("SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'usage_%%'")
        shares = {name: dict(one.split("=") for one in options or ()) for name, options in found}
    scale = "autovacuum_vacuum_scale_factor"
    partitions = {name for name in shares if re.fullmatch(r"usage_log_(before|other|\d{8})", name)}
    assert len(partitions) > 2
    assert {shares[name][scale] for name in partitions} == {"0.01"}
    for table in ("usage_totals", "usage_hours", "usage_seen", "usage_attempts", "usage_days", "usage_attempt_hours"):
        assert shares[table][scale] == "0.05", table


def _pages(data_dir: Path) -> int:
    connection: Any = sqlite3.connect(data_dir / USAGE_FILE)
    count = int(connection.execute("PRAGMA page_count").fetchone()[0])
    connection.close()
    return count
