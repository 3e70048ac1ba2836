"""A long run of one server: ``python -m benchmarks.endurance [--requests 3000000] [--share 0.8] [--database sqlite]``.

Measures the capacity first, then sends ``--share`` of it by the clock until all requests are answered. ``--saturate``
sends as much as the server can respond to instead. After each slice it prints what should stay flat: memory, open
files, sizes on disk, latency and the requests that are not yet folded. At the end it restarts the server and fails if
the log has fewer requests than were answered. Server and load have a core each; PostgreSQL uses both.
"""

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ari.storage.engine import STAGING_FILE, USAGE_FILE
from benchmarks import data, machine, postgresql, traffic
from benchmarks.load import message, pace, saturate, write_messages
from benchmarks.process import Probe, Server
from benchmarks.rows import CONNECTIONS, KEYS, serve_ari, with_keys
from benchmarks.stats import number

WARM_UP_SHARE = 0.25
"""The share of the slices, from the first one, whose growth isn't counted."""
COLUMNS = (
    "| Requests | Per second | p50 ms | p99 ms | Worker MB | All MB | Open files | Files | Log MB | Staging WAL MB "
    "| Not folded |"
)
_FEW = 1_000
"""Requests that reports read without waiting until they are folded."""


@dataclass(frozen=True)
class Sample:
    """The server after a slice. ``refused`` were no 200, and ``files`` are those of the data directory.

    ``log_megabytes`` is the usage log's file or all of the PostgreSQL database; the staging WAL is SQLite's.
    """

    answered: int
    refused: int
    rate: float
    p50_ms: float
    p99_ms: float
    worker_megabytes: float
    all_megabytes: float
    open_files: int
    files: int
    log_megabytes: float
    wal_megabytes: float
    waiting: int

    def line(self) -> str:
        """A row of the table."""
        values = (
            self.rate,
            self.p50_ms,
            self.p99_ms,
            self.worker_megabytes,
            self.all_megabytes,
            self.open_files,
            self.files,
            self.log_megabytes,
            self.wal_megabytes,
            self.waiting,
        )
        return f"| {self.answered:,} | " + " | ".join(map(number, values)) + " |"


def take_sample(server: Server, known: data.Data, answered: int, refused: int, found: Sequence[float]) -> Sample:
    """The state of the server now; ``found`` are the slice's rate and its latencies in µs."""
    rate, p50_us, p99_us = found
    return Sample(
        answered,
        refused,
        rate,
        p50_us / 1000,
        p99_us / 1000,
        server.worker_megabytes(),
        server.tree_megabytes(),
        sum(_count_open_files(process) for process in server.processes()),
        sum(one.is_file() for one in known.data_dir.rglob("*")),
        _measure_log(known),
        _megabytes(known.data_dir / f"{STAGING_FILE}-wal"),
        _count_waiting(server.port),
    )


def send_slices(
    server: Server, known: data.Data, messages: Path, rate: float | None, given: argparse.Namespace
) -> Iterator[Sample]:
    """Send slices until all requests are answered; ``rate`` is requests a second, or ``None`` to saturate."""
    answered = refused = 0
    while answered < given.requests:
        if rate is None:
            part = saturate(server.port, messages, CONNECTIONS, given.seconds)
            answered, refused = answered + part.requests, refused + part.refused + part.broken
            found = (part.rate, part.p50_us, part.p99_us)
        else:
            paced = pace(server.port, messages, rate, given.seconds)
            answered, refused = answered + int(rate * given.seconds), refused + paced.refused
            found = (paced.rate, paced.p50_us, paced.p99_us)
        yield take_sample(server, known, answered, refused, found)


def describe_growth(samples: Sequence[Sample]) -> str:
    """What the last quarter has more than the quarter after the warm-up, in one line."""
    warm = samples[int(len(samples) * WARM_UP_SHARE) :]
    quarter = max(1, len(warm) // 3)
    words = []
    for label, name in (
        ("worker memory", "worker_megabytes"),
        ("memory of all", "all_megabytes"),
        ("open files", "open_files"),
        ("files", "files"),
        ("p50", "p50_ms"),
        ("p99", "p99_ms"),
    ):
        early, late = (
            sum(float(getattr(one, name)) for one in part) / quarter for part in (warm[:quarter], warm[-quarter:])
        )
        words.append(f"{label} {number(early)} → {number(late)}")
    return "After the warm-up, first and last third: " + ", ".join(words) + "."


def count_logged(settings: dict[str, str], port: int) -> int:
    """All requests of the last day in the log, when few wait to be folded (or after two minutes)."""
    deadline = time.monotonic() + 120
    while _count_waiting(port) > _FEW and time.monotonic() < deadline:
        time.sleep(0.5)
    found = json.loads(data.ari(settings, "usage", "summary", "--since", "24h", "--json"))
    return int(found["request_count"])


@contextmanager
def prepare(folder: Path, name: str) -> Iterator[data.Data]:
    """An instance with keys on the wanted database."""
    if name == "sqlite":
        yield data.on_sqlite(folder, KEYS)
        return
    with postgresql.database() as found:
        if found is None:
            raise SystemExit(postgresql.MISSING)
        yield data.on_postgresql(folder, found[0], KEYS)


def main(words: Sequence[str]) -> None:
    """Measure and print. Raises ``RuntimeError`` if requests failed or the log misses some."""
    given = options(words)
    machine.require_wrk()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-endurance-")))
        known = held.enter_context(prepare(folder, given.database))
        server = serve_ari(folder / "server", known)
        held.callback(server.stop)
        messages = with_keys(server.port, "/api/me", known.keys)
        server.start(Probe(messages[0]))
        varied = write_messages(folder / "messages", traffic.vary(messages))
        before = count_logged(known.settings, server.port)
        rate = None
        if not given.saturate:
            capacity = saturate(server.port, varied, CONNECTIONS, given.seconds)
            before += capacity.requests
            rate = capacity.rate * given.share
            print(f"Capacity {number(capacity.rate)}/s; sending {number(rate)}/s.")
            server.wait_until_idle()
        print(f"\n{COLUMNS}\n{'|---:' * COLUMNS.count(' |')}|", flush=True)
        samples = []
        for sample in send_slices(server, known, varied, rate, given):
            samples.append(sample)
            print(sample.line(), flush=True)
        print(f"\n{describe_growth(samples)}")
        waiting = samples[-1].waiting
        server.stop()
        server.start(Probe(message(server.port, "/api/health", {})))
        print(f"Restarted with {waiting:,} requests not yet folded: ready after {server.start_seconds:.1f} s.")
        logged = count_logged(known.settings, server.port) - before
        judge(samples[-1], logged)


def judge(last: Sample, logged: int) -> None:
    """Raise ``RuntimeError`` if the figures are of a server that refused or lost requests."""
    if last.refused:
        raise RuntimeError(f"{last.refused:,} requests were refused or broken")
    if logged < last.answered:
        raise RuntimeError(f"the log has {logged:,} of {last.answered:,} requests")
    print(f"All {last.answered:,} requests were answered with 200 and are in the log.")


def options(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=__doc__)
    parser.add_argument("--requests", type=int, default=3_000_000)
    parser.add_argument("--share", type=float, default=0.8, help="of the capacity (0.8)")
    parser.add_argument("--saturate", action="store_true", help="send as much as the server can respond to")
    parser.add_argument("--seconds", type=int, default=15, help="length of a slice (15)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    return parser.parse_args(words)


def _count_waiting(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/ready", timeout=60) as response:
        return int(json.load(response)["backlog_count"])


def _count_open_files(process: int) -> int:
    try:
        return len(list(Path(f"/proc/{process}/fd").iterdir()))
    except OSError:
        return 0


def _measure_log(known: data.Data) -> float:
    url = known.settings.get("ARI_DATABASE_URL")
    if url is None:
        return _megabytes(known.data_dir / USAGE_FILE)
    import psycopg  # noqa: PLC0415 - the extra "postgres"

    with psycopg.connect(url) as connection:
        [(size,)] = connection.execute("SELECT pg_database_size(current_database())").fetchall()
    return float(size) / 1e6


def _megabytes(file: Path) -> float:
    return file.stat().st_size / 1e6 if file.exists() else 0.0


if __name__ == "__main__":
    main(sys.argv[1:])
