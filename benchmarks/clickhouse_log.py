"""What a log in ClickHouse takes: ``python -m benchmarks.clickhouse_log --rows 2000000 --keys 1000 1000000``.

Fills a table in batches as folds do, with the traffic of ``benchmarks.traffic``: 200 addresses, 50 user agents, and a
request id of the caller's own in every row or in none. Then it prints bytes per row by column,
rows stored per second, and the milliseconds of reads. Without ``--url`` it starts ClickHouse's engine (``chdb-core``).
"""

import argparse
import base64
import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from ari.base.clickhouse_url import ClickHouseUrl
from ari.base.clock import DAY_MS
from ari.base.settings import load_settings
from ari.storage.clickhouse.clickhouse_client import ClickHouse
from ari.storage.clickhouse.clickhouse_rows import ClickHouseRows
from ari.storage.clickhouse.sink import ClickHouseSink
from ari.storage.clickhouse.table import TABLE, make_create
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from ari.storage.usage.logged_row import LoggedRow, version_of
from ari.storage.usage.row_ids import TIME_SHIFT
from ari.storage.usage.shipping import Shipment
from ari.usage.model import UsageFilter
from ari.usage.search import StatusRange, UsageSearch
from benchmarks.traffic import ADDRESSES, AGENTS, make_agent
from tests.support.clickhouse import start_own

START_MS = 1_800_000_000_000
BATCH = 20_000
ROUTES = ("/api/me", "/api/keys", "/api/usage", "/api/keys/{key_id}", "/api/verify")
REPEATS = 9


@cache
def name_key(number: int) -> str:
    """The id of a key, which is as random as real ones."""
    return f"key_01{base64.b32encode(hashlib.sha256(b'%d' % number).digest()).decode()[:24]}"


def make_rows(rows: int, keys: int, *, own_ids: bool, days: int) -> Iterator[list[LoggedRow]]:
    """Batches of rows over so many days, evenly."""
    chance = random.Random(1)
    agents = [make_agent(chance, number) for number in range(AGENTS)]
    addresses = [".".join(str(chance.randrange(1, 255)) for _ in range(4)) for _ in range(ADDRESSES)]
    step = days * DAY_MS / rows
    for start in range(0, rows, BATCH):
        batch = []
        for number in range(start, min(rows, start + BATCH)):
            high = (START_MS + int(number * step) << TIME_SHIFT) | chance.getrandbits(TIME_SHIFT)
            key, code = int(keys * chance.random() ** 2), "ok" if chance.random() < 0.95 else "expired"
            request_id = f"{chance.getrandbits(128):032x}" if own_ids else ""
            status, route = 200 if code == "ok" else 401, chance.choice(ROUTES)
            path = route.replace("{key_id}", f"key_{chance.randrange(1_000):026}")
            batch.append(LoggedRow(
                high, chance.getrandbits(64) - (1 << 63), version_of(status, 1), number, 0, request_id, name_key(key),
                f"ari_k_{name_key(key)[4:8]}…{name_key(key)[-4:]}", code,
                chance.choice(("GET", "GET", "GET", "POST")), route,
                "" if path == route else path, chance.choice(addresses), chance.choice(agents), status,
                round(chance.lognormvariate(1, 1), 3), chance.randrange(80, 2_000), 1, "request", None, None,
            ))  # fmt: skip
        yield batch


def fill(sink: ClickHouseSink, batches: Iterator[list[LoggedRow]]) -> tuple[int, float]:
    """Store the batches as folds do. Returns how many rows, and the seconds that storing took."""
    count, seconds = 0, 0.0
    for batch in batches:
        began = time.perf_counter()
        sink.store(Shipment(batch))
        seconds += time.perf_counter() - began
        count += len(batch)
    return count, seconds


def measure_space(database: ClickHouse) -> dict[str, float]:
    """Compressed bytes per row of each column and index, once all parts are merged."""
    database.change(f"OPTIMIZE TABLE {TABLE} FINAL")
    of_table = "database = currentDatabase() AND table = %(table)s"
    given = {"table": TABLE}
    ((rows, whole, primary, skipping),) = database.read(
        f"""SELECT sum(rows), sum(bytes_on_disk), sum(primary_key_size),
            sum(secondary_indices_compressed_bytes + secondary_indices_marks_bytes)
            FROM system.parts WHERE active AND {of_table}""",
        given,
    )
    columns = database.read(f"SELECT name, data_compressed_bytes FROM system.columns WHERE {of_table}", given)
    found = {name: size / rows for name, size in columns}
    return {"all": whole / rows, "primary index": primary / rows, "indexes": skipping / rows} | found


def measure_reads(rows: ClickHouseRows, keys: int) -> dict[str, float]:
    """Milliseconds, the median of several calls."""
    busy, rare = name_key(0), name_key(keys - 1)
    asked: dict[str, Callable[[], object]] = {
        "page: no filter": lambda: rows.find(UsageSearch(), None, 51),
        "page: busy key": lambda: rows.find(UsageSearch(UsageFilter(busy)), None, 51),
        "page: rare key": lambda: rows.find(UsageSearch(UsageFilter(rare)), None, 51),
        "page: key without rows": lambda: rows.find(UsageSearch(UsageFilter("key_none")), None, 51),
        "page: code expired": lambda: rows.find(UsageSearch(UsageFilter(code="expired")), None, 51),
        "page: code of no row": lambda: rows.find(UsageSearch(UsageFilter(code="disabled")), None, 51),
        "search: status 5xx": lambda: rows.find(UsageSearch(status=StatusRange(500, 599)), None, 51),
        "search: text": lambda: rows.find(UsageSearch(text="chrome"), None, 51),
        "part of an export, 1,000 rows": lambda: rows.find(UsageSearch(), None, 1_000),
        "use of a secret": lambda: rows.secret_use(busy, 1),
    }
    return {name: _time(call) for name, call in asked.items()}


def _time(call: Callable[[], object]) -> float:
    found = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1_000)
    return statistics.median(found)


def run(url: str, folder: Path, rows: int, keys: int, days: int, *, own_ids: bool) -> None:
    """Fill one table and print its figures."""
    database = ClickHouse(lambda: ClickHouseUrl.parse(url))
    database.change(make_create(1))
    count, seconds = fill(ClickHouseSink(database, lambda: None), make_rows(rows, keys, own_ids=own_ids, days=days))
    ids = "its own request id in every row" if own_ids else "no request id of the caller's"
    print(f"\n{count:,} rows, {keys:,} keys, {days} days, {ids}")
    print(f"stored {count / seconds:,.0f} rows/s, {seconds / count * 1e6:.1f} µs a row")
    space = measure_space(database)
    print("bytes per row: " + ", ".join(f"{name} {size:.2f}" for name, size in space.items() if size >= 0.01))
    local = Database.open(load_settings(data_dir=folder, database_url=None))
    migrate(local)
    for name, took in measure_reads(ClickHouseRows(database, local.log, lambda: None), keys).items():
        print(f"{name}: {took:.1f} ms")
    local.close()
    database.change(f"TRUNCATE TABLE {TABLE}")
    database.close()


def main() -> None:
    """Measure each number of keys, with and without request ids."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--url", help="an empty database; the table is emptied afterwards")
    given = parser.parse_args()
    with ExitStack() as stack:
        url = given.url
        if url is None:
            engine = stack.enter_context(start_own())
            url = engine.create()
        for keys in given.keys:
            for own_ids in (False, True):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                run(url, folder, given.rows, keys, given.days, own_ids=own_ids)


if __name__ == "__main__":
    main()
