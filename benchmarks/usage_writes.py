"""What each part of a commit of the usage log costs: ``python -m benchmarks.usage_writes``.

The same rows go into copies of one log that differ in one thing; the variants take turns. Processor time is what
other load on the machine disturbs least; wall time is what a disk costs.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import text

from ari.base.ids import new_id
from ari.base.settings import load_settings
from ari.storage.engine import Database
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from benchmarks import postgresql
from benchmarks.stats import number
from benchmarks.usage_fill import END_MS, KEYS, fill

_KEY_CODE, _CODE = "ix_usage_log_key_code", "ix_usage_log_code"
_KEY = "CREATE INDEX tried ON usage_log (key, id_high)"


def batches(count: int, start: int, size: int, keys: int) -> list[Batch]:
    """Accepted requests of many keys, three in a hundred refused."""
    made = []
    for number_of_batch in range(start, start + count):
        rows = []
        for n in range(size):
            at_ms = END_MS + number_of_batch * 10
            serial = number_of_batch * size + n
            key = (serial * 7919) % keys
            row_id = new_id("req", at_ms)
            rows.append(
                UsageRow(
                    row_id,
                    at_ms,
                    row_id,
                    KEYS[key],
                    "ari_k_Ab12…yz89",
                    "ok" if serial % 33 else "expired",
                    "GET",
                    "/api/me",
                    "/api/me",
                    f"10.{key >> 8}.{key & 255}.{serial % 20}",
                    f"client/{key % 7}.{serial % 3}",
                    200,
                    0.5,
                    120,
                )
            )
        made.append(Batch(rows))
    return made


def _with(*statements: str) -> Callable[[Database], None]:
    def prepare(database: Database) -> None:
        with database.log.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    return prepare


VARIANTS: dict[str, tuple[dict[str, Any], Callable[[Database], None]]] = {
    "as it is": ({}, _with()),
    "with an index (key_id, id) as well": ({}, _with(_KEY)),
    "with it in the place of (key_id, code, id)": ({}, _with(_KEY, f"DROP INDEX {_KEY_CODE}")),
    "without the index (code, id)": ({}, _with(f"DROP INDEX {_CODE}")),
    "ARI_USAGE_DURABILITY=fsync": ({"usage_durability": "fsync"}, _with()),
}


def measure(stores: dict[str, Database], given: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Microseconds a row of wall time and of processor time, medians over rounds."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in stores}
    for turn in range(given.rounds):
        for name, database in stores.items():
            work = batches(given.commits, turn * given.commits, given.batch, given.keys)
            wall, processor = time.perf_counter(), time.process_time()
            for batch in work:
                database.usage.commit(batch)
            database.usage.fold_all()
            rows = given.commits * given.batch / 1e6
            found[name].append(((time.perf_counter() - wall) / rows, (time.process_time() - processor) / rows))
    return {
        name: (statistics.median(one[0] for one in times), statistics.median(one[1] for one in times))
        for name, times in found.items()
    }


def main(words: Sequence[str]) -> None:
    """Fill, copy, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="that are there before")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--commits", type=int, default=50, help="in each round")
    parser.add_argument("--batch", type=int, default=64, help="rows of one commit")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), help="of the variants")
    parser.add_argument("--keys", type=int, default=len(KEYS), help="that are used")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args(words)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-usage-")))
        stores = {}
        if given.database == "sqlite":
            fill(folder / "full", given.rows, None).database.close()
        for place, name in enumerate(given.only):
            settings, prepare = VARIANTS[name]
            data_dir, url = folder / str(place), None
            if given.database == "sqlite":
                shutil.copytree(folder / "full", data_dir)
            else:
                server = held.enter_context(postgresql.database())
                if server is None:
                    raise SystemExit(postgresql.MISSING)
                url = server[0]
                fill(data_dir, given.rows, url).database.close()
            stores[name] = Database.open(load_settings(data_dir=data_dir, database_url=url, **settings))
            held.callback(stores[name].close)
            prepare(stores[name])
        found = measure(stores, given)
    base = found[given.only[0]]
    print("| µs a row | wall | ratio | processor | ratio |\n|---|---:|---:|---:|---:|")
    for name, (wall, processor) in found.items():
        ratios = wall / base[0], processor / base[1]
        print(f"| {name} | {number(wall)} | {ratios[0]:.2f} | {number(processor)} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
