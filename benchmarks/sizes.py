"""Rates and processor time by number of keys, and a worker's memory with a million keys."""

import os
import time
from pathlib import Path
from typing import Any

from benchmarks import data, traffic
from benchmarks.load import saturate, write_messages
from benchmarks.plan import Plan
from benchmarks.process import Probe, Server
from benchmarks.rounds import load
from benchmarks.rows import CONNECTIONS, KEYS, serve_ari, with_keys

COUNTS = (KEYS, 100_000, 1_000_000)
LARGE = 10_000_000


def counts_of(plan: Plan) -> list[int]:
    """The numbers of keys of this run, the smallest first."""
    return [*COUNTS[:2]] if plan.quick else [*COUNTS, *([LARGE] if plan.large else [])]


def measure(plan: Plan, known: data.Data) -> dict[str, Any]:
    """All servers run at the same time and are loaded in turn; each gets time to fold before the next one."""
    counts = counts_of(plan)
    sets = {count: known if count == KEYS else data.on_sqlite(plan.folder / str(count), count) for count in counts}
    places: dict[int, tuple[Server, Path]] = {}
    try:
        for count, stored in sets.items():
            server = serve_ari(plan.folder / str(count), stored)
            messages = with_keys(server.port, "/api/me", stored.keys)
            server.start(Probe(messages[0]))
            varied = traffic.vary(messages)
            places[count] = (server, write_messages(plan.folder / f"{count}.messages", varied))
        largest = places[min(counts[-1], 1_000_000)][0]
        fresh = largest.worker_megabytes()
        for server, file in places.values():
            saturate(server.port, file, CONNECTIONS, 1)
        os.sync()  # gigabytes were copied a moment ago
        time.sleep(plan.rest_seconds)
        measured: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
        for at in range(plan.rounds):
            for count in counts if at % 2 == 0 else reversed(counts):
                server, file = places[count]
                _, one = load(server, file, CONNECTIONS, plan.seconds, plan.rest_seconds)
                measured[count].append(one)
                plan.log(f"round {at + 1}: {count:,} keys {one['rate']:,.0f}/s, {one['cpu_us']:.1f} µs")
        memory = {"fresh": [fresh], "loaded": [largest.worker_megabytes()]}
        started = {count: place[0].start_seconds for count, place in places.items()}
    finally:
        for server, _ in places.values():
            server.stop()
    found = {
        str(count): {
            "rate": [one["rate"] for one in measured[count]],
            "cpu_us": [one["cpu_us"] for one in measured[count]],
            "slowdown": [
                one["cpu_us"] / small["cpu_us"]
                for small, one in zip(measured[KEYS], measured[count], strict=True)
                if small["cpu_us"]  # 0 if a short slice on a busy machine had no processor time
            ],
            "start_seconds": started[count],
        }
        for count in counts
    }
    return {"sizes": found, "memory": {} if plan.quick else memory}
