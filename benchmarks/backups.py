"""What a scheduled backup costs: ``python -m benchmarks.backups --keys 100000 --rows 10000000``.

Makes an instance on SQLite, or at ``--url`` on an empty PostgreSQL database, writes a backup to a directory as ``ari
serve`` does, and measures its phases, its size, memory, the growth of the usage log's WAL, and how long a change of a
key waits while another process makes 20 of them a second.
"""

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import insert

from ari.base.settings import Settings, load_settings
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.scheduled_backup import ignore_progress
from ari.keys import NewKey, create
from ari.storage.backup.write import MAIN_TABLES
from ari.storage.dialect import is_sqlite
from ari.storage.engine import USAGE_FILE
from ari.storage.tables import api_keys, key_secrets
from benchmarks import usage_fill

_MB = 1_000_000
_BATCH = 5_000
_SECONDS_BETWEEN_CHANGES = 0.05


def fill(folder: Path, keys: int, rows: int, url: str | None) -> Settings:
    """An instance with so many active keys and usage rows."""
    filled = usage_fill.fill(folder, rows, url)
    filled.database.close()
    settings = load_settings(data_dir=folder, database_url=url)
    instance = Instance.open(settings, migrate=True)
    Deps(instance).do_sync(create, NewKey("model"))
    with instance.database.main.begin() as connection:
        models = [dict(connection.execute(table.select()).mappings().one()) for table in (api_keys, key_secrets)]
        for start in range(1, keys, _BATCH):
            numbers = range(start, min(start + _BATCH, keys))
            for table, model in zip((api_keys, key_secrets), models, strict=True):
                connection.execute(insert(table), [_vary(model, number) for number in numbers])
        assert len(MAIN_TABLES) > 2
        assert is_sqlite(connection) == (url is None)
    instance.close()
    return settings


def _vary(model: dict[str, object], number: int) -> dict[str, object]:
    own = {"id": f"key_{number:026}", "key_id": f"key_{number:026}", "digest": os.urandom(32), "name": f"key {number}"}
    return {name: own.get(name, value) for name, value in model.items()}


def change_keys(settings: Settings, results: Connection) -> None:
    """Write 20 changes a second until the parent speaks, then send how long each took."""
    instance = Instance.open(settings)
    deps, took = Deps(instance), list[float]()
    results.send(None)
    while not results.poll(_SECONDS_BETWEEN_CHANGES):
        began = time.perf_counter()
        deps.do_sync(lambda tx: tx.key_value.put("bench", "x"))
        took.append(time.perf_counter() - began)
    results.send(took)


@contextmanager
def changing(settings: Settings, title: str) -> Iterator[None]:
    """Print how long changes took, made by another process."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=change_keys, args=(settings, there), daemon=True)
    process.start()
    here.recv()
    yield
    here.send(None)
    took = sorted(here.recv())
    process.join()
    longest, middle = took[-1] * 1000, statistics.median(took) * 1000
    print(f"changes of a key {title}: {middle:.1f} ms in the middle, {longest:.0f} ms the longest of {len(took)}")


@contextmanager
def timed(title: str) -> Iterator[None]:
    """Print the time and the processor time of a phase."""
    began, used = time.perf_counter(), time.process_time()
    yield
    print(f"{title}: {time.perf_counter() - began:.1f} s, {time.process_time() - used:.1f} s of it processor time")


def measure(settings: Settings, folder: Path) -> None:
    """Write and verify one backup, phase by phase."""
    instance = Instance.open(settings)
    path, work = folder / "new.backup", folder / "work"
    work.mkdir()
    wal = settings.data_dir / f"{USAGE_FILE}-wal"
    with changing(settings, "during all of it"):
        with timed("write"), path.open("wb") as file:
            written = instance.write_backup(file, instance.now_ms(), ignore_progress)
        grown = wal.stat().st_size if wal.exists() else 0
        print(f"{written.keys:,} keys, {written.usage_rows:,} usage rows: {path.stat().st_size / _MB:,.0f} MB")
        with timed("verify by reading"):
            instance.backup_files.read_whole(path, ignore_progress)
        largest = 0

        def look(_table: str, done: int, _total: int) -> None:
            nonlocal largest
            if done % 500_000 == 0:
                largest = max(largest, sum(one.stat().st_size for one in work.rglob("*") if one.is_file()))

        with timed("verify by restoring"):
            instance.backup_files.try_restore(path, work, instance.now_ms(), look)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"temporary instance {largest / _MB:,.0f} MB, WAL of the usage log {grown / _MB:.0f} MB, "
        f"memory {memory / _MB:.0f} MB"
    )
    instance.close()


def main() -> None:
    """Fill, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backups", description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--url", help="an empty PostgreSQL database")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary directory")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ari-backups-", dir=given.folder))
    try:
        with get_context("spawn").Pool(1) as filler:  # its memory is not the backup's
            settings = filler.apply(fill, (folder / "data", given.keys, given.rows, given.url))
        measure(settings, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
