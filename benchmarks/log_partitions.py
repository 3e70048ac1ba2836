"""Pages and retention of a log with a partition for each day: ``python -m benchmarks.log_partitions --rows 1000000``.

Fills the last 90 days of a log on PostgreSQL: a busy key, a thousand others, and a rare key with a row every third day.
Times pages of the log, and the removal of the oldest day by a drop and of the next one row by row.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, text

from ari.base.clock import DAY_MS, system_clock
from ari.base.settings import load_settings
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from ari.storage.usage.partition_drops import drop
from ari.storage.usage.partitions import BEFORE, create_day, list_partitions
from ari.storage.usage.row_ids import TIME_SHIFT
from ari.usage.model import UsageFilter
from ari.usage.search import UsageSearch
from benchmarks import postgresql
from benchmarks.stats import number

DAYS = 90
BUSY, RARE = "key_busy", "key_rare"
CALLS = 15
_NAMES = "INSERT INTO usage_names SELECT row_number() OVER (), name FROM unnest(CAST(:names AS text[])) AS name"
_ROWS = f"""INSERT INTO usage_log (id_high, id_low, caller, "key", key_hint, route, count, code, status, method)
    SELECT (CAST(:first AS bigint) + n * CAST(:step_ms AS bigint)) << {TIME_SHIFT}, n, n % 100,
        CASE WHEN n % CAST(:rare AS bigint) = 0 THEN 2 WHEN n % 3 = 0 THEN 1 ELSE 10 + n % 1000 END, 3, 4, 1,
        CASE WHEN n % 33 = 0 THEN 6 ELSE 5 END, 200, 'GET' FROM generate_series(CAST(1 AS bigint), :rows) AS n"""
_FILTERS = {
    "no filter": UsageFilter(),
    "busy key": UsageFilter(BUSY),
    "rare key, 30 rows in 90 days": UsageFilter(RARE),
    "code expired": UsageFilter(code="expired"),
    "busy key, code expired": UsageFilter(BUSY, "expired"),
    "code of no row": UsageFilter(code="disabled"),
}


def fill(database: Database, rows: int, now_ms: int) -> None:
    """Put rows into a migrated, empty database, with a partition for each day."""
    today = now_ms // DAY_MS
    with database.log.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"DROP TABLE {BEFORE}"))
        for day in range(today - DAYS, today):
            create_day(connection, day)
        names = [BUSY, RARE, "hint", "/api/me", "ok", "expired", "disabled", "a", "b"]
        connection.execute(text(_NAMES), {"names": [*names, *(f"key_{n}" for n in range(1_000))]})
        given = {"first": (today - DAYS) * DAY_MS, "step_ms": DAYS * DAY_MS // rows, "rows": rows, "rare": rows // 30}
        connection.execute(text(_ROWS), given)
        totals = "INSERT INTO usage_totals SELECT text, 0, 0 FROM usage_names WHERE starts_with(text, 'key_')"
        connection.execute(text(totals))
    with database.log.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
    database.log.dispose()


def measure_pages(database: Database) -> dict[str, float]:
    """The median of milliseconds for each filter."""
    found = {}
    for name, where in _FILTERS.items():
        times = []
        for _ in range(CALLS):
            began = time.perf_counter()
            database.reports.search(UsageSearch(where), None, 50)
            times.append((time.perf_counter() - began) * 1000)
        found[f"page: {name}"] = statistics.median(times)
    return found


def measure_removal(database: Database, engine: Engine) -> dict[str, float]:
    """Milliseconds to drop a day, most of which counts its rows, and to remove the next one by rows."""
    with engine.connect() as connection:
        oldest, following = list_partitions(connection)[:2]
    began = time.perf_counter()
    dropped = drop(engine, oldest) or 0
    dropped_at = time.perf_counter()
    with engine.begin() as connection:  # what isn't a day of its own is removed row by row
        connection.execute(text(f"ALTER TABLE usage_log DETACH PARTITION {following.name}"))
        bounds = f"FROM (MINVALUE) TO ({following.high})"
        connection.execute(text(f"ALTER TABLE usage_log ATTACH PARTITION {following.name} FOR VALUES {bounds}"))
    detached_at = time.perf_counter()
    removed = sum(database.usage.remove_before((following.high >> TIME_SHIFT) - 1))
    ended = time.perf_counter()
    return {
        f"drop a day of {dropped:,} rows": (dropped_at - began) * 1000,
        f"remove {removed:,} rows in steps, without pauses": (ended - detached_at) * 1000,
    }


def main(words: Sequence[str]) -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.log_partitions", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="ari-partitions-") as folder, postgresql.database() as server:
        if server is None:
            raise SystemExit(postgresql.MISSING)
        database = Database.open(load_settings(data_dir=Path(folder), database_url=server[0]))
        try:
            migrate(database)
            fill(database, given.rows, system_clock(None).now_ms())
            print(f"{server[1]}; {given.rows:,} rows in {DAYS} days.\n\n| What | ms |\n|---|---:|")
            for name, milliseconds in (measure_pages(database) | measure_removal(database, database.log)).items():
                print(f"| {name} | {number(milliseconds)} |", flush=True)
        finally:
            database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
