"""What folding the usage log costs: ``python -m benchmarks.usage_fold --database postgresql --keys 10000``.

Each round commits requests of random keys, routes and clients, folds them as the fold process does, and adds the counts
of clients. The first round has only new keys and clients, and the others hardly any. Figures are µs of processor time
for each row: of this process, and of the database's session; ``--statements`` lists what the session spent them on.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from ari.base.ids import new_id
from ari.base.settings import load_settings
from ari.keys.reasons import ACCEPTED
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from ari.usage.model import ROW_KIND, UsageRow
from ari.usage.ports import Batch
from benchmarks import postgresql
from benchmarks.stats import number

BATCH_ROWS = 64
_ROUTES = ("/api/v1/orders/{id}", "/api/v1/orders", "/api/v1/customers/{id}", "/api/v1/search", "/api/v1/status")
_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ari%'"


@dataclass(frozen=True)
class Shape:
    """How many different keys there are, and how many addresses and user agents each of them has."""

    keys: int
    addresses: int
    agents: int


@dataclass(frozen=True)
class FoldCosts:
    """µs for each row: processor time of the process that folds and of its session, and elapsed time."""

    here_us: float
    database_us: float
    wall_us: float


def make_batches(rows: int, shape: Shape, seed: int) -> Iterator[Batch]:
    """Batches of requests that began now, three in a hundred refused, each with a request ID of its own."""
    chance = random.Random(seed)
    at_ms = time.time_ns() // 1_000_000
    for start in range(0, rows, BATCH_ROWS):
        yield Batch([_make_row(chance, at_ms, shape) for _ in range(start, min(rows, start + BATCH_ROWS))])


def _make_row(chance: random.Random, at_ms: int, shape: Shape) -> UsageRow:
    key, route = chance.randrange(shape.keys), chance.choice(_ROUTES)
    place, agent = chance.randrange(shape.addresses), chance.randrange(shape.agents)
    path = route.replace("{id}", str(chance.randrange(1_000)))
    code, status = (ACCEPTED, 200) if chance.random() < 0.97 else ("expired", 401)
    client = (key * 7 + place) % 200 if shape.addresses > 1 else key % 200
    return UsageRow(
        new_id(ROW_KIND, at_ms), at_ms, f"{chance.getrandbits(64):016x}", f"key_{key:026}",
        f"ari_k_{key % 32768:04x}…{key:04x}", code, "GET", route, path, f"10.0.{client}.1",
        f"client/{(key + agent) % 50}", status, 0.5, 120,
    )  # fmt: skip


def fold(database: Database, most: int) -> None:
    """Fold all that is staged, ``most`` entries at once, as the fold process does."""
    usage = database.usage
    while usage.move(most):
        usage.delete_folded()
    while usage.add_clients():
        pass
    usage.checkpoint()


def measure(database: Database, rows: int, most: int, shape: Shape, seed: int) -> FoldCosts:
    """Commit so many requests, and fold them. No other process may use the database."""
    for batch in make_batches(rows, shape, seed):
        database.usage.commit(batch)
    before, here, wall = read_session_seconds(database), time.process_time(), time.perf_counter()
    fold(database, most)
    here, wall = time.process_time() - here, time.perf_counter() - wall
    after = read_session_seconds(database)
    spent = sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())
    return FoldCosts(here / rows * 1e6, spent / rows * 1e6, wall / rows * 1e6)


def read_session_seconds(database: Database) -> dict[int, float]:
    """Processor time of each of ARI's PostgreSQL sessions; nothing on SQLite."""
    if not database.shared:
        return {}
    with database.main.connect() as connection:
        return {pid: processor_seconds(pid) for pid in connection.scalars(text(_SESSIONS))}


def processor_seconds(pid: int) -> float:
    """Processor time of one process on this machine, to the nanosecond; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except OSError:
        return 0.0


class Statements:
    """Elapsed time of the folder's statements, by their first words."""

    def __init__(self, database: Database) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._began = 0.0
        event.listen(database.folder.engine, "before_cursor_execute", self._begin)
        event.listen(database.folder.engine, "after_cursor_execute", self._end)

    def _begin(self, *_given: Any) -> None:
        self._began = time.perf_counter()

    def _end(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.seconds[" ".join(statement.split())[:70]] += time.perf_counter() - self._began

    def list_longest(self, rows: int) -> list[str]:
        """Lines of a table, in µs for each of ``rows``."""
        longest = sorted(self.seconds.items(), key=lambda one: -one[1])[:12]
        return [f"| `{words}` | {number(seconds / rows * 1e6)} |" for words, seconds in longest]


def options(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.usage_fold", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=100_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="+", default=[20_000], help="rows of one fold")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--addresses", type=int, default=1, help="of each key")
    parser.add_argument("--agents", type=int, default=1, help="of each key")
    parser.add_argument("--statements", action="store_true", help="list where the last round's time went")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> None:
    """Measure and print."""
    given = options(words)
    shape = Shape(given.keys, given.addresses, given.agents)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-fold-")))
        print(f"{given.rows:,} rows a round, {shape}. µs for each row.\n")
        print("| Rows of a fold | Round | This process | PostgreSQL's session | Elapsed |\n|---:|---:|---:|---:|---:|")
        for most in given.at_once:
            url = None
            if given.database == "postgresql":
                server = held.enter_context(postgresql.database())
                if server is None:
                    raise SystemExit(postgresql.MISSING)
                url = server[0]
            database = Database.open(load_settings(data_dir=folder / str(most), database_url=url))
            held.callback(database.close)
            migrate(database)
            statements = None
            for turn in range(given.rounds):
                if given.statements and turn == given.rounds - 1:
                    statements = Statements(database)
                costs = measure(database, given.rows, most, shape, turn)
                figures = " | ".join(map(number, (costs.here_us, costs.database_us, costs.wall_us)))
                print(f"| {most:,} | {turn + 1} | {figures} |", flush=True)
            if statements is not None:
                print("\n| Statement | Elapsed |\n|---|---:|")
                print("\n".join(statements.list_longest(given.rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
