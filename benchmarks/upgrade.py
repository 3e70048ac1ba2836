"""What upgrading a large instance costs: ``python -m benchmarks.upgrade --keys 1000000 --rows 10000000``.

Makes a database as version 0.1.0 left it, kills ``ari migrate`` in the middle, runs it again, and measures time, disk
space and memory. Then it checks that nothing was lost: each key has its digest and fields, a sample of keys verifies as
before, and the log has all of its rows.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import postgresql, released
from benchmarks.process import clean_environment
from benchmarks.released import Released
from benchmarks.upgrade_check import Before, compare, remember
from benchmarks.upgrade_space import Space, measure_sqlite, measuring_postgresql

_LOOK_SECONDS = 0.1
_COMMAND = (sys.executable, "-m", "ari", "migrate")
_MIB = 1024 * 1024


@dataclass
class Figures:
    """What an upgrade took. Sizes are bytes; ``server_memory`` is that of PostgreSQL's process."""

    seconds: float = 0.0
    size_before: int = 0
    size_peak: int = 0
    size_after: int = 0
    memory: int = 0
    server_memory: int = 0
    wal: int = 0

    def __str__(self) -> str:
        parts = [
            f"{self.seconds:.1f} s",
            f"disk: {_mib(self.size_before)} before, {_mib(self.size_peak)} at most, {_mib(self.size_after)} after",
            f"memory of ari migrate: {_mib(self.memory)}",
        ]
        if self.wal:
            parts.append(f"WAL written: {_mib(self.wal)}, memory of PostgreSQL's process: {_mib(self.server_memory)}")
        return "; ".join(parts)


def _mib(size: int) -> str:
    return f"{size / _MIB:,.0f} MiB"


def kill_in_the_middle(made: Released, within_seconds: float, chance: random.Random) -> bool:
    """Start the migration and kill it up to ``within_seconds`` after it began to move data; whether it was running."""
    process = subprocess.Popen(_COMMAND, env=clean_environment(made.settings), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()
    try:
        process.wait(chance.random() * within_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.stderr.close()
    return process.wait() == -signal.SIGKILL


def migrate(made: Released, space: Space) -> Figures:
    """Run the migration to its end. Raises ``RuntimeError`` if it fails."""
    figures = Figures(size_before=space.size(None), wal=-space.wal())
    began = time.perf_counter()
    process = subprocess.Popen(
        _COMMAND, env=clean_environment(made.settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with _watching(process, space, figures):
        output, errors = process.communicate()
    figures.seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"ari migrate failed: {errors.strip()}")
    figures.size_after = space.size(None)
    figures.wal += space.wal()
    figures.size_peak = max(figures.size_peak, figures.size_after)
    print(f"{errors}{output}".rstrip(), file=sys.stderr, flush=True)
    return figures


@contextmanager
def _watching(process: "subprocess.Popen[str]", space: Space, figures: Figures) -> Iterator[None]:
    """Look at sizes and memory again and again."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            figures.size_peak = max(figures.size_peak, space.size(process.pid))
            figures.memory = max(figures.memory, space.memory(process.pid))
            figures.server_memory = max(figures.server_memory, space.server_memory())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def measure(folder: Path, url: str | None, keys: int, rows: int, kills: int, within_seconds: float) -> Figures:
    """Make, kill, upgrade, compare. Raises ``AssertionError`` with what was lost."""
    _say(f"Making {keys:,} keys and {rows:,} rows …")
    made = released.make(folder / "data", url, keys, rows)
    before: Before = remember(made, folder)
    chance = random.Random(5)
    with closing(measure_sqlite(folder / "data") if url is None else measuring_postgresql(url)) as space:
        for _ in range(kills):
            was_running = kill_in_the_middle(made, within_seconds, chance)
            _say("Killed in the middle." if was_running else "It ended before a kill.")
        _say("Upgrading …")
        figures = migrate(made, space)
    _say("Comparing …")
    compare(made, before)
    return figures


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main(words: Sequence[str]) -> None:
    """Measure on the databases that were named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upgrade", description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=0, help="how often the migration is killed first")
    parser.add_argument("--kill-within", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, help="where databases are made and removed again")
    given = parser.parse_args(words)
    for name in given.database:
        with tempfile.TemporaryDirectory(prefix="ari-upgrade-", dir=given.folder) as folder:
            sizes = (given.keys, given.rows, given.kills, given.kill_within)
            if name == "sqlite":
                figures = measure(Path(folder), None, *sizes)
            else:
                with postgresql.database() as server:
                    if server is None:
                        raise SystemExit(postgresql.MISSING)
                    figures = measure(Path(folder), server[0], *sizes)
        print(f"{name}, {given.keys:,} keys, {given.rows:,} rows: {figures}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
