"""Commit the usage log in a thread or on the event loop: ``python -m benchmarks.usage_flush``.

Sixty-four callers in a closed loop, each busy for as long as a request keeps the processor and then waiting for its
row, on disks of different speed. A slow disk is a store that sleeps before its commit (a sleep lets other threads run,
as waiting for a disk does). ``lag`` is how late the loop wakes a task that wants to run every 5 ms: what a health
check, a 503 or a refused key has to wait as well.
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ari.base.clock import SystemClock
from ari.base.ids import new_id
from ari.base.settings import Settings, load_settings
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from ari.usage.recorder import UsageRecorder
from benchmarks.stats import number

CALLERS = 64
_EVERY_SECONDS = 0.005


class OnLoop(UsageRecorder):
    """Commits on the event loop, which waits."""

    async def start(self) -> None:
        await super().start()

        def put(batch: Batch) -> None:
            self._store.commit(batch)
            self._loop.call_soon(self._finish, batch, None)

        commits: Any = self._commits
        commits.put = put


class Slow:
    """A store whose disk takes ``seconds`` at every n-th commit."""

    def __init__(self, store: Any, seconds: float, every: int) -> None:
        self._store = store
        self._seconds = seconds
        self._every = every
        self._count = 0

    def commit(self, batch: Batch) -> None:
        self._count += 1
        if self._seconds and self._count % self._every == 0:
            time.sleep(self._seconds)
        self._store.commit(batch)

    def count_staged(self) -> int:
        return int(self._store.count_staged())


@dataclass
class Found:
    """The figures of one round."""

    rows: int = 0
    waits: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)


WAYS: dict[str, tuple[type[UsageRecorder], float]] = {
    "thread, switch interval 5 ms": (UsageRecorder, 0.005),
    "thread, 1 ms": (UsageRecorder, 0.001),
    "thread, 0.5 ms": (UsageRecorder, 0.0005),
    "thread, 0.1 ms": (UsageRecorder, 0.0001),
    "on the loop": (OnLoop, 0.005),
}
DISKS: dict[str, tuple[dict[str, Any], float, int]] = {
    "this disk": ({}, 0, 1),
    "this disk, fsync": ({"usage_durability": "fsync"}, 0, 1),
    "20 ms a commit": ({}, 0.02, 1),
    "300 ms every 20th": ({}, 0.3, 20),
}


async def play(make: Callable[[], UsageRecorder], seconds: float, work: int) -> Found:
    """One round."""
    found, clock, usage = Found(), SystemClock(), make()
    await usage.start()
    end = time.perf_counter() + seconds
    body = b"x" * 1_000

    async def caller(place: int) -> None:
        turn = place
        while time.perf_counter() < end:
            turn += 1
            for _ in range(work):
                hashlib.sha256(body).digest()
            now_ms = clock.now_ms()
            row_id = new_id("req", now_ms)
            key = f"key_{place:026}"
            row = UsageRow(
                row_id, now_ms, row_id, key, "ari_k_Ab12…yz89", "ok", "GET", "/api/me", "/api/me", "192.0.2.7", "wrk",
                200, 0.5, 120,
            )  # fmt: skip
            began = time.perf_counter()
            await usage.write(row)
            found.waits.append((time.perf_counter() - began) * 1000)
            found.rows += 1

    async def watch() -> None:
        while time.perf_counter() < end:
            began = time.perf_counter()
            await asyncio.sleep(_EVERY_SECONDS)
            found.lags.append((time.perf_counter() - began - _EVERY_SECONDS) * 1000)

    await asyncio.gather(watch(), *(caller(place) for place in range(CALLERS)))
    await usage.stop()
    return found


def measure(folder: Path, rounds: int, seconds: float, work: int) -> dict[tuple[str, str], list[Found]]:
    """The ways take turns on each disk."""
    found: dict[tuple[str, str], list[Found]] = {(disk, way): [] for disk in DISKS for way in WAYS}
    for disk, (extra, stall, every) in DISKS.items():
        settings: Settings = load_settings(data_dir=folder / str(len(list(folder.iterdir()))), **extra)
        database = Database.open(settings)
        migrate(database)
        for _ in range(rounds):
            for way, (kind, interval) in WAYS.items():
                sys.setswitchinterval(interval)
                store: Any = Slow(database.usage, stall, every)

                def make(
                    kind: type[UsageRecorder] = kind, store: Any = store, settings: Settings = settings
                ) -> UsageRecorder:
                    return kind(store, SystemClock(), settings, lambda: 10**12)

                found[disk, way].append(asyncio.run(play(make, seconds, work)))
        database.close()
    return found


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main(words: Sequence[str]) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    parser.add_argument("--work", type=int, default=30, help="SHA-256 of 1 kB a request; 30 is about 40 µs")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="ari-usage-") as folder:
        found = measure(Path(folder), given.rounds, given.seconds, given.work)
    print("| disk | committed | rows/s | wait p50 ms | wait p99 | lag p99 ms | lag max |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for (disk, way), rounds in found.items():
        cells = (
            statistics.median(one.rows / given.seconds for one in rounds),
            statistics.median(_percentile(one.waits, 0.5) for one in rounds),
            statistics.median(_percentile(one.waits, 0.99) for one in rounds),
            statistics.median(_percentile(one.lags, 0.99) for one in rounds),
            statistics.median(max(one.lags) for one in rounds),
        )
        print(f"| {disk} | {way} | {' | '.join(map(number, cells))} |")


if __name__ == "__main__":
    main(sys.argv[1:])
