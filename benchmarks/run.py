"""Run rounds over the rows, then sizes, latency at a fixed rate, startup, and verification in process."""

import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import data, gateway, machine, peers, postgresql
from benchmarks.load import Slice, message, pace, saturate, write_messages
from benchmarks.process import Probe, Server, clean_environment
from benchmarks.rows import CONNECTIONS, COUNTED_SECONDS, Row, own_rows, serve_ari, start_bare, with_keys
from benchmarks.wsgi_rows import wsgi_rows

KEYS = 1_000
_SIZES = (1_000, 100_000, 1_000_000)
_LARGE = 10_000_000
_SHARE_OF_CAPACITY = 0.7
_FAILURES = (RuntimeError, ValueError, OSError, subprocess.SubprocessError)


@dataclass(frozen=True)
class Plan:
    """What to measure; ``wanted`` decides by the name of a row or part."""

    folder: Path
    rounds: int
    seconds: int
    wanted: Callable[[str], bool]
    peers: bool
    large: bool
    keep: Callable[[dict[str, Any]], None]
    """Called with the results after each round and part, so that an interrupted run keeps what it measured."""


def measure(plan: Plan) -> dict[str, Any]:
    """Measure everything planned and return it as plain data."""
    began = time.monotonic()
    known = data.on_sqlite(plan.folder / "sqlite", KEYS)
    results: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "facts": machine.facts(),
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "load_before": machine.load_average(),
        "latency": {},
        "sizes": {},
        "memory": {},
        "start": {},
        "in_process": {},
        "gateway": {},
        "rows": {},
        "bare": [],
        "parts": {},
        "load_after": machine.load_average(),
        "minutes": 0.0,
        "ended_early": True,
    }

    def keep() -> None:
        results["load_after"] = machine.load_average()
        results["minutes"] = round((time.monotonic() - began) / 60, 1)
        plan.keep(results)

    with bare(plan, known) as floor, postgresql.database() as found:
        stored = data.on_postgresql(plan.folder / "postgresql", found[0], KEYS) if found else None
        results["facts"]["PostgreSQL"] = found[1] if found else "none"
        rows = own_rows(plan.folder, known, stored, postgresql.MISSING)
        rows = [row for row in [*rows, *wsgi_rows(plan.folder, known)] if plan.wanted(row.id)]
        rows += peers.peer_rows(plan.folder, plan.wanted) if plan.peers else peers.left_out()
        results["facts"]["Peers"] = peers.versions()
        Rounds(plan, floor, results, keep).over(rows)
        _part(plan, results, "latency", lambda: {"latency": latency(plan, known, floor)})
    _part(plan, results, "sizes", lambda: dict(zip(("sizes", "memory"), sizes(plan, known), strict=True)))
    gateways = partial(gateway.measure, plan.folder, plan.rounds, plan.seconds, _log, plan.peers)
    _part(plan, results, "gateway", lambda: {"gateway": gateways()})
    _part(plan, results, "start", lambda: {"start": {"seconds": [_start(plan, known) for _ in range(plan.rounds)]}})
    _part(plan, results, "in-process", lambda: {"in_process": in_process(plan, known)})
    results["ended_early"] = False
    keep()
    return results


def _part(plan: Plan, results: dict[str, Any], name: str, measured: Callable[[], dict[str, Any]]) -> None:
    """Add a part's results, or its error, so that one failing part doesn't lose the others."""
    if not plan.wanted(name):
        return
    try:
        results.update(measured())
    except _FAILURES as error:
        results["parts"][name] = _why(error)
        _log(f"{name} {results['parts'][name]}")
    plan.keep(results)


def _why(error: Exception) -> str:
    return f"failed: {' '.join(str(error).split())[:200]}"


@dataclass(frozen=True)
class Floor:
    """The bare server, which keeps running, because an idle server costs nothing."""

    server: Server
    messages: Path


@contextlib.contextmanager
def bare(plan: Plan, known: data.Data) -> Iterator[Floor]:
    """Start the bare server and stop it at the end."""
    server, messages = start_bare(plan.folder / "bare", known.keys)
    try:
        floor = Floor(server, write_messages(plan.folder / "bare.messages", messages))
        saturate(server.port, floor.messages, CONNECTIONS, 1)
        yield floor
    finally:
        server.stop()


class Rounds:
    """Interleaved rounds, every other one reversed; the floor is measured immediately before and after each row."""

    def __init__(self, plan: Plan, floor: Floor, results: dict[str, Any], keep: Callable[[], None]) -> None:
        self._plan = plan
        self._floor = floor
        self._beside = max(1, math.ceil(plan.seconds / 4))
        self._keep = keep
        self._rows: dict[str, Any] = results["rows"]
        self._bare: list[dict[str, float]] = results["bare"]

    def over(self, rows: list[Row]) -> None:
        """Measure the rows of all rounds into ``found`` by ID, and all slices of the floor."""
        found = self._rows
        found |= {row.id: {"label": row.label, "skipped": row.skipped, "rounds": []} for row in rows}
        runnable = [row for row in rows if row.skipped is None]
        for at in range(self._plan.rounds):
            for row in runnable if at % 2 == 0 else reversed(runnable):
                try:
                    one = self._measure(row)
                except _FAILURES as error:
                    found[row.id]["skipped"] = _why(error)
                    _log(f"round {at + 1}: {row.id} {found[row.id]['skipped']}")
                    continue
                found[row.id]["rounds"].append({"round": at, **one})
                _log(f"round {at + 1}: {row.id} {one['rate']:,.0f}/s, {one['ratio']:.4f} of bare")
            self._keep()

    def _measure(self, row: Row) -> dict[str, float]:
        assert row.start is not None
        server, messages = row.start()
        try:
            file = write_messages(self._plan.folder / f"{row.id}.messages", messages)
            saturate(server.port, file, row.connections, 1)
            before = self._measure_floor()
            seconds = max(self._plan.seconds, row.least_seconds)
            found, mine = _loaded(server, file, row.connections, seconds, row.rest_seconds)
            after = self._measure_floor()
        finally:
            server.stop()
        mine["rate"] = found.rate_of(row.status)
        mine["ratio"] = mine["rate"] / ((before["rate"] + after["rate"]) / 2)
        mine["cpu_ratio"] = (before["cpu_us"] + after["cpu_us"]) / 2 / max(0.001, mine["cpu_us"])
        mine["error_share"] = found.error_share(row.status)
        return mine

    def _measure_floor(self) -> dict[str, float]:
        _, measured = _loaded(self._floor.server, self._floor.messages, CONNECTIONS, self._beside)
        self._bare.append(measured)
        return measured


def _loaded(
    server: Server, messages: Path, connections: int, seconds: int, rest_seconds: int = 0
) -> tuple[Slice, dict[str, float]]:
    """Put load on a server and return the slice with its rate, latencies and processor time."""
    cpu = server.cpu_seconds()
    found = saturate(server.port, messages, connections, seconds)
    time.sleep(rest_seconds)
    cpu_us = (server.cpu_seconds() - cpu) / max(1, found.requests) * 1e6
    return found, {"rate": found.rate, "p50_us": found.p50_us, "p99_us": found.p99_us, "cpu_us": cpu_us}


def latency(plan: Plan, known: data.Data, floor: Floor) -> dict[str, Any]:
    """p50 and p99 at 70 % of the capacity that each server had immediately before.

    Each is loaded long enough to include folding what it logs.
    """
    server = serve_ari(plan.folder / "ari", known)
    messages = with_keys(server.port, "/api/me", known.keys)
    server.start(Probe(messages[0]))
    found: dict[str, Any] = {"bare": [], "me": [], "ratio": []}
    try:
        mine = write_messages(plan.folder / "latency.messages", messages)
        saturate(server.port, mine, CONNECTIONS, 1)
        places = {"bare": (floor.server.port, floor.messages), "me": (server.port, mine)}
        for at in range(plan.rounds):
            for name in places if at % 2 == 0 else reversed(places):
                port, file = places[name]
                capacity = saturate(port, file, CONNECTIONS, COUNTED_SECONDS + plan.seconds).rate
                time.sleep(2 * COUNTED_SECONDS)
                one = pace(port, file, capacity * _SHARE_OF_CAPACITY, COUNTED_SECONDS + plan.seconds)
                found[name].append(vars(one))
                _log(f"round {at + 1}: latency of {name} at {one.wanted_rate:,.0f}/s: p99 {one.p99_us:,.0f} µs")
            found["ratio"].append(found["me"][-1]["p99_us"] / max(1.0, found["bare"][-1]["p99_us"]))
    finally:
        server.stop()
    return found


def sizes(plan: Plan, known: data.Data) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rates and processor time by number of keys, and a worker's memory at a million keys.

    All servers run at the same time and are loaded in turn; each gets time to fold before the next one.
    """
    counts = [*_SIZES, *([_LARGE] if plan.large else [])]
    sets = {count: known if count == KEYS else data.on_sqlite(plan.folder / str(count), count) for count in counts}
    places: dict[int, tuple[Server, Path]] = {}
    try:
        for count, stored in sets.items():
            server = serve_ari(plan.folder / str(count), stored)
            messages = with_keys(server.port, "/api/me", stored.keys)
            server.start(Probe(messages[0]))
            places[count] = (server, write_messages(plan.folder / f"{count}.messages", messages))
        fresh = places[1_000_000][0].worker_megabytes()
        for server, file in places.values():
            saturate(server.port, file, CONNECTIONS, 1)
        os.sync()  # gigabytes were copied a moment ago
        time.sleep(COUNTED_SECONDS)
        measured: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
        for at in range(plan.rounds):
            for count in counts if at % 2 == 0 else reversed(counts):
                server, file = places[count]
                _, one = _loaded(server, file, CONNECTIONS, plan.seconds, COUNTED_SECONDS)
                measured[count].append(one)
                _log(f"round {at + 1}: {count:,} keys {one['rate']:,.0f}/s, {one['cpu_us']:.1f} µs")
        memory = {"fresh": [fresh], "loaded": [places[1_000_000][0].worker_megabytes()]}
        started = {count: place[0].start_seconds for count, place in places.items()}
    finally:
        for server, _ in places.values():
            server.stop()
    found = {
        str(count): {
            "rate": [one["rate"] for one in measured[count]],
            "cpu_us": [one["cpu_us"] for one in measured[count]],
            "slowdown": [
                one["cpu_us"] / small["cpu_us"] for small, one in zip(measured[KEYS], measured[count], strict=True)
            ],
            "start_seconds": started[count],
        }
        for count in counts
    }
    return found, memory


def _start(plan: Plan, known: data.Data) -> float:
    server = serve_ari(plan.folder / "start", known)
    server.start(Probe(message(server.port, "/api/health", {})))
    server.stop()
    _log(f"start: {server.start_seconds:.2f} s")
    return server.start_seconds


def in_process(plan: Plan, known: data.Data) -> dict[str, Any]:
    """µs for each case, measured on the load generator's core while no server runs."""
    million = data.on_sqlite(plan.folder / "1000000", 1_000_000)
    given = []
    for name, stored in (("1,000", known), ("1,000,000", million)):
        file = plan.folder / f"{name}.keys"
        file.write_text("\n".join(stored.keys))
        given.append(f"{name}={stored.data_dir}={file}")
    command = [*machine.pinned(machine.LOAD_CORE), sys.executable, "-m", "benchmarks.inprocess", str(plan.rounds)]
    done = subprocess.run(
        [*command, *given], env=clean_environment({}), cwd=machine.ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
