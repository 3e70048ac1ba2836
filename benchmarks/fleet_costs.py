"""What requests cost a fleet: processor time by part, bytes and connections, from ``/proc`` and PostgreSQL."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ari.base.settings import load_settings
from ari.storage.engine import Database
from ari.storage.usage.fold import MAX_ENTRIES
from benchmarks import data
from benchmarks.fleet_waits import Waits, sampling
from benchmarks.process import Server
from benchmarks.usage_fold import FoldCosts, Shape, measure, processor_seconds

if TYPE_CHECKING:
    import psycopg

_SESSIONS = """SELECT pid, application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'ari%' AND pid <> pg_backend_pid()"""
_BYTES = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE relname"
_LOG_BYTES = f"{_BYTES} LIKE 'usage\\_log%' OR relname IN ('usage_names', 'usage_callers')"
_KEY_BYTES = f"{_BYTES} IN ('api_keys', 'key_secrets')"


@dataclass(frozen=True)
class Reading:
    """The counters at one moment: seconds of processor time by process, and sums since the database was made."""

    sessions: dict[int, tuple[str, float]]
    workers: float
    here: float
    commits: int
    wal: int
    rows: int
    row_bytes: int
    key_bytes: float


class Log:
    """The usage log, read and folded from outside the fleet."""

    def __init__(self, connection: "psycopg.Connection[Any]", database: Database) -> None:
        self._connection = connection
        self._database = database

    @classmethod
    @contextmanager
    def open(cls, known: data.Data) -> Iterator["Log"]:
        """Connect; the connection that reads isn't one of ARI's."""
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        url = known.settings["ARI_DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            database = Database.open(load_settings(data_dir=known.data_dir, database_url=url))
            try:
                yield cls(connection, database)
            finally:
                database.close()

    def fold_all(self) -> None:
        """Fold all that is staged, in this process: the fleet's own fold process waits for idle time."""
        self._database.usage.fold_all()

    def measure_fold(self, rows: int, keys: int) -> FoldCosts:
        """What a row of a fold costs whose keys and clients are known already; no node may run."""
        shape = Shape(keys, addresses=1, agents=1)
        costs = [measure(self._database, rows, MAX_ENTRIES, shape, seed) for seed in range(2)]
        return costs[-1]

    def sample_waits(self) -> AbstractContextManager[Waits]:
        """What sessions wait for until the end of the block."""
        return sampling(self._connection)

    def read(self, servers: Sequence[Server]) -> Reading:
        """All counters now."""
        found = self._connection.execute(_SESSIONS).fetchall()
        return Reading(
            {pid: (name, processor_seconds(pid)) for pid, name in found},
            sum(server.worker_cpu_seconds() for server in servers),
            time.process_time(),
            self._number("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"),
            self._number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"),
            self._number("SELECT coalesce(sum(request_count + refused_count), 0) FROM usage_totals"),
            self._number(_LOG_BYTES),
            self._number(_KEY_BYTES) / self._number("SELECT count(*) FROM api_keys"),
        )

    def _number(self, query: str) -> int:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@dataclass(frozen=True)
class Costs:
    """Per request: µs of processor time by part, and bytes. ``rows`` of the log were added by ``responses``."""

    nodes: int
    rate: float
    responses: int
    rows: int
    worker_us: float
    lookup_us: float
    commit_us: float
    fold_us: float
    fold_database_us: float
    rows_per_commit: float
    wal_bytes: float
    row_bytes: float
    key_bytes: float
    connections: int
    waits: Waits

    @classmethod
    def between(
        cls,
        before: Reading,
        loaded: Reading,
        folded: Reading,
        *,
        fold: FoldCosts,
        nodes: int,
        responses: int,
        rate: float,
        waits: Waits,
    ) -> "Costs":
        """From readings before the load, at its end, and when all of it was folded.

        What nodes folded during the load is not part of a commit.
        """
        added = folded.rows - before.rows
        rows = max(1, added)
        lookup, other = _spent(before, loaded)
        folding = (loaded.rows - before.rows) * fold.database_us / 1e6
        return cls(
            nodes,
            rate,
            responses,
            added,
            worker_us=(loaded.workers - before.workers) / rows * 1e6,
            lookup_us=lookup / rows * 1e6,
            commit_us=max(0.0, other - folding) / rows * 1e6,
            fold_us=fold.here_us,
            fold_database_us=fold.database_us,
            rows_per_commit=rows / max(1, loaded.commits - before.commits),
            wal_bytes=(folded.wal - before.wal) / rows,
            row_bytes=folded.row_bytes / max(1, folded.rows),
            key_bytes=folded.key_bytes,
            connections=len(loaded.sessions),
            waits=waits,
        )


def _spent(before: Reading, after: Reading) -> tuple[float, float]:
    """Seconds of the sessions that look keys up, and of the others."""
    lookup = other = 0.0
    for pid, (name, seconds) in after.sessions.items():
        spent = seconds - before.sessions.get(pid, (name, 0.0))[1]
        if name == "ari verify":
            lookup += spent
        else:
            other += spent
    return lookup, other
