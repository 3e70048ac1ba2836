"""What retention costs those who write: ``python -m benchmarks.usage_retention``.

Commits of 16 rows at a steady pace, in turns with and without retention removing old rows from the same log.
Changes the log in ``--folder``.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path

from ari.base.clock import DAY_MS
from ari.storage.usage.store import UsageTables
from ari.usage.retention import remove_old
from benchmarks import postgresql
from benchmarks.stats import number
from benchmarks.usage_fill import END_MS, KEYS, fill
from benchmarks.usage_writes import batches
from tests.support.clock import FrozenClock

_EVERY_SECONDS = 0.01


def commits(store: UsageTables, seconds: float, start: int) -> Generator[float]:
    """Milliseconds of each commit."""
    end, turn = time.perf_counter() + seconds, start
    while time.perf_counter() < end:
        [batch] = batches(1, turn, 16, len(KEYS))
        turn += 1
        began = time.perf_counter()
        store.commit(batch)
        took = time.perf_counter() - began
        yield took * 1000
        time.sleep(max(0.0, _EVERY_SECONDS - took))


def main(words: Sequence[str]) -> None:
    """Fill, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args(words)
    times: dict[str, list[list[float]]] = {"without": [], "with": []}
    removed, spent = 0, 0.0
    with ExitStack() as held:
        folder = given.folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-usage-")))
        url = None
        if given.database == "postgresql":
            server = held.enter_context(postgresql.database())
            if server is None:
                raise SystemExit(postgresql.MISSING)
            url = server[0]
        log = fill(folder, given.rows, url)
        held.callback(log.database.close)
        store = log.database.usage
        for turn in range(given.rounds):
            times["without"].append(list(commits(store, given.seconds, 2_000_000 * turn)))
            stop, counted = threading.Event(), list[int]()

            def work(stop: threading.Event = stop, counted: list[int] = counted) -> None:
                counted.append(remove_old(store, _Running(END_MS + 60 * DAY_MS), 90, stop))

            thread = threading.Thread(target=work)
            began = time.perf_counter()
            thread.start()
            times["with"].append(list(commits(store, given.seconds, 2_000_000 * turn + 1_000_000)))
            stop.set()
            thread.join()
            spent += time.perf_counter() - began
            removed += counted[0]
    print("| commits of 16 rows | p50 ms | p99 ms | longest ms |\n|---|---:|---:|---:|")
    for name, rounds in times.items():
        cells = [
            statistics.median(sorted(one)[int(len(one) * share)] for one in rounds) for share in (0.5, 0.99, 0.99999)
        ]
        print(f"| {name} retention | {' | '.join(map(number, cells))} |")
    print(f"\n{removed:,} entries removed, {number(removed / spent)} a second.")


class _Running(FrozenClock):
    """The day doesn't change; the time does."""

    def monotonic(self) -> float:
        return time.monotonic()


if __name__ == "__main__":
    main(sys.argv[1:])
