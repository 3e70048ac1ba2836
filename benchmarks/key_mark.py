"""What a change of a key costs the lookups of all others: ``python -m benchmarks.key_mark``.

Other processes change keys at a fixed rate, each in its own transaction with its event, while this one looks up keys.
Rows read again and statements per lookup hardly depend on other load of the machine; rates and times do.
"""

import argparse
import asyncio
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ari.base.settings import load_settings
from ari.storage.dialect import insert_many
from ari.storage.engine import KEYS_FILE, Database
from ari.storage.lookups.keys import PostgresKeyLookup, SqliteKeyLookup
from ari.storage.migrate import migrate
from ari.storage.tables import api_keys, key_secrets
from benchmarks import postgresql
from benchmarks.stats import number

_INTO_EVENTS = "INSERT INTO events (id, at_ms, name, actor, door, detail, hash)"
_POSTGRESQL = f"""WITH changed AS (UPDATE api_keys SET disabled = NOT disabled WHERE id = %s RETURNING id)
    {_INTO_EVENTS} SELECT 'evt_' || gen_random_uuid(), 1, 'key_disabled', 'acc_1', 'api', '{{}}', '' FROM changed"""
_SQLITE = (
    "BEGIN IMMEDIATE",
    "UPDATE api_keys SET disabled = NOT disabled WHERE id = ?",
    f"{_INTO_EVENTS} VALUES ('evt_' || hex(randomblob(16)), 1, 'key_disabled', 'acc_1', 'api', '{{}}', '')",
    "COMMIT",
)


@dataclass(frozen=True)
class Figures:
    """Of one rate of changes, per second or per lookup. Times are in microseconds."""

    changes: float
    lookups: float
    rows: float
    statements: float
    process: float
    database: float | None


def make_digest(n: int) -> bytes:
    """The digest of key ``n``."""
    return sha256(str(n).encode()).digest()


def fill(database: Database, keys: int) -> None:
    """Add keys, with one secret each."""
    made = {"name": "n", "folded_name": "n", "hint": "h", "created_at_ms": 1, "environment": "live"}
    more = {"scopes": "keys:read usage:read", "created_by": "acc_1", "disabled": False}
    secret = {"number": 1, "scheme": "ari", "hint": "h", "created_at_ms": 1}
    with database.main.begin() as connection:
        insert_many(connection, api_keys, [made | more | {"id": f"key_{n:026}"} for n in range(keys)])
        secrets = [secret | {"key_id": f"key_{n:026}", "digest": make_digest(n)} for n in range(keys)]
        insert_many(connection, key_secrets, secrets)
    if database.shared:
        with database.main.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def change_keys(target: str, shared: bool, fsync: bool, keys: int, rate: float, seconds: float, count: Any) -> None:
    """Change keys for this time, at most ``rate`` a second; adds to ``count``."""
    run = _connect(target, shared, fsync)
    chance = random.Random(rate)
    began = time.monotonic()
    done = 0
    while (now := time.monotonic() - began) < seconds:
        if done >= now * rate:
            time.sleep(0.0005)
            continue
        run(f"key_{chance.randrange(keys):026}")
        done += 1
        with count.get_lock():
            count.value += 1


def _connect(target: str, shared: bool, fsync: bool) -> Callable[[str], None]:
    if shared:
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        server = psycopg.connect(target, autocommit=True)
        if not fsync:
            server.execute("SET synchronous_commit = off")

        def change_one(key_id: str) -> None:
            server.execute(_POSTGRESQL, (key_id,), prepare=True)

        return change_one
    file = sqlite3.connect(target, isolation_level=None, timeout=5)
    file.execute(f"PRAGMA synchronous={'FULL' if fsync else 'OFF'}")

    def change(key_id: str) -> None:
        for statement in _SQLITE:
            file.execute(statement, (key_id,) if "?" in statement else ())

    return change


async def look_up(database: Database, given: argparse.Namespace, ends: Callable[[], bool]) -> tuple[int, int, int, int]:
    """Look up random keys until ``ends``: how many, rows read, statements, and nanoseconds of the database."""
    lookup = await database.open_lookup(patience_seconds=10)
    counts = _count(lookup)
    pids = await asyncio.to_thread(_find_backends, database)
    digests = [make_digest(n) for n in range(given.keys)]
    done = 0

    async def ask(client: int) -> None:
        nonlocal done
        chance = random.Random(client)
        while not ends():
            await lookup.find(chance.choice(digests))
            done += 1
            if not database.shared:
                await asyncio.sleep(0)

    for start in range(0, len(digests), 500):  # warm
        await asyncio.gather(*map(lookup.find, digests[start : start + 500]))
    pids = await asyncio.to_thread(_find_backends, database)
    before, (rows, statements) = _processor_time(pids), counts
    await asyncio.gather(*map(ask, range(given.clients)))
    found = (done, counts[0] - rows, counts[1] - statements, _processor_time(pids) - before)
    await lookup.close()
    return found


def _count(lookup: Any) -> list[int]:
    """Rows of keys and statements of a lookup, from now on."""
    counts = [0, 0]
    if isinstance(lookup, SqliteKeyLookup):
        read = lookup.keys.row

        def read_and_count(key: Any) -> Any:
            counts[0] += 1
            counts[1] += 1
            return read(key)

        lookup.keys.row = read_and_count  # type: ignore[method-assign]  # to count
        return counts
    assert isinstance(lookup, PostgresKeyLookup)
    ask, examine = lookup.keys.rows, lookup.keys.link.aexamine

    async def ask_and_count(*asked: Any) -> Any:
        rows = await ask(*asked)
        counts[0] += sum(row[5] is not None for row in rows)
        counts[1] += 1
        return rows

    async def examine_and_count(connection: Any) -> None:
        counts[1] += 1
        await examine(connection)

    lookup.keys.rows = ask_and_count  # type: ignore[method-assign,assignment]  # to count
    lookup.keys.link.aexamine = examine_and_count  # type: ignore[method-assign]  # to count
    return counts


def _find_backends(database: Database) -> list[int]:
    if not database.shared:
        return []
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ari verify'"
    with database.main.connect() as connection:
        return list(connection.exec_driver_sql(query).scalars())


def _processor_time(pids: Sequence[int]) -> int:
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) for pid in pids)


def measure(database: Database, target: str, given: argparse.Namespace, rate: float) -> Figures:
    """Lookups next to ``rate`` changes a second by each writer."""
    context = multiprocessing.get_context("spawn")
    count = context.Value("q", 0)
    words = (target, database.shared, given.fsync, given.keys, rate, given.seconds + 600, count)
    writers = given.writers if rate else 0
    processes = [context.Process(target=change_keys, args=words, daemon=True) for _ in range(writers)]
    for process in processes:
        process.start()
    while processes and count.value == 0:
        time.sleep(0.05)
    began = 0.0
    changed = used = 0.0

    def ends() -> bool:
        nonlocal began, changed, used
        if not began:
            began, changed, used = time.monotonic(), count.value, time.process_time()
        return time.monotonic() - began > float(given.seconds)

    done, rows, statements, database_ns = asyncio.run(look_up(database, given, ends))
    seconds, used = time.monotonic() - began, time.process_time() - used
    changes = (count.value - changed) / seconds
    for process in processes:
        process.terminate()
        process.join()
    return Figures(
        changes,
        done / seconds,
        rows / done,
        statements / done,
        used / done * 1e6,
        database_ns / done / 1e3 if database.shared else None,
    )


def main(words: Sequence[str]) -> None:
    """Fill, change, look up, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=5_000)
    parser.add_argument("--clients", type=int, default=32, help="lookups at the same time")
    parser.add_argument("--seconds", type=float, default=5, help="for each rate")
    parser.add_argument("--rates", type=float, nargs="*", default=[0, 10, 100, 1_000], help="changes per second")
    parser.add_argument("--writers", type=int, default=1, help="processes that change keys, each at this rate")
    parser.add_argument("--fsync", action="store_true", help="let each change wait for the disk, as ARI's own do")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    given = parser.parse_args(words)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-marks-")))
        url, target = None, str(folder / KEYS_FILE)
        if given.database == "postgresql":
            server = held.enter_context(postgresql.database())
            if server is None:
                raise SystemExit(postgresql.MISSING)
            url = target = server[0]
        database = Database.open(load_settings(data_dir=folder, database_url=url))
        held.callback(database.close)
        migrate(database)
        fill(database, given.keys)
        print("| changes/s | lookups/s | rows read per lookup | statements | µs here | µs in the database |")
        print("|---:|---:|---:|---:|---:|---:|")
        for rate in given.rates:
            found = measure(database, target, given, rate)
            database_us = "–" if found.database is None else number(found.database)
            print(
                f"| {number(found.changes)} | {number(found.lookups)} | {found.rows:.4f} | {found.statements:.3f} "
                f"| {number(found.process)} | {database_us} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
