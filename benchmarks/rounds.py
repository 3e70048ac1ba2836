"""Interleaved rounds over the rows, each next to the bare server."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import data, machine, traffic
from benchmarks.load import Slice, saturate, write_messages
from benchmarks.plan import FAILURES, Plan, explain
from benchmarks.process import Server
from benchmarks.rows import CONNECTIONS, Row, start_bare


@dataclass(frozen=True)
class Floor:
    """The bare server, which keeps running, because an idle server costs nothing."""

    server: Server
    messages: Path
    uniform: Path
    """The same requests without anything that differs between two requests with one key."""


@contextlib.contextmanager
def bare(plan: Plan, known: data.Data) -> Iterator[Floor]:
    """Start the bare server and stop it at the end."""
    server, messages = start_bare(plan.folder / "bare", known.keys)
    try:
        varied = write_messages(plan.folder / "bare.messages", traffic.vary(messages))
        floor = Floor(server, varied, write_messages(plan.folder / "bare-uniform.messages", messages))
        saturate(server.port, floor.messages, CONNECTIONS, 1)
        yield floor
    finally:
        server.stop()


class Rounds:
    """Every other round is reversed; the floor is measured immediately before and after each row."""

    def __init__(self, plan: Plan, floor: Floor, results: dict[str, Any], keep: Callable[[], None]) -> None:
        self._plan = plan
        self._floor = floor
        self._floor_seconds = max(1, math.ceil(plan.seconds / 4))
        self._keep = keep
        self._rows: dict[str, Any] = results["rows"]
        self._bare: list[dict[str, float]] = results["bare"]
        self._others: list[float] = results["others"]

    def over(self, rows: list[Row]) -> None:
        """Measure the rows of all rounds by ID, and all slices of the floor."""
        found = self._rows
        found |= {
            row.id: {"label": row.label, "skipped": row.skipped, "stored": row.stored, "rounds": []} for row in rows
        }
        runnable = [row for row in rows if row.skipped is None]
        for at in range(self._plan.rounds):
            for row in runnable if at % 2 == 0 else reversed(runnable):
                try:
                    self._plan.check_time()
                    one = self._measure(row)
                except FAILURES as error:
                    found[row.id]["skipped"] = explain(error)
                    self._plan.log(f"round {at + 1}: {row.id} {found[row.id]['skipped']}")
                    continue
                found[row.id]["rounds"].append({"round": at, **one})
                self._plan.log(f"round {at + 1}: {row.id} {one['rate']:,.0f}/s, {one['ratio']:.4f} of bare")
            self._keep()

    def _measure(self, row: Row) -> dict[str, float]:
        assert row.start is not None
        self._others.append(machine.others_share())
        server, messages = row.start()
        try:
            sent = messages if row.uniform else traffic.vary(messages)
            file = write_messages(self._plan.folder / f"{row.id}.messages", sent)
            saturate(server.port, file, row.connections, 1)
            before = self._measure_floor(row)
            seconds = self._plan.at_least(row.least_seconds)
            rest = self._plan.rest_seconds if row.works_behind else 0
            found, mine = load(server, file, row.connections, seconds, rest)
            after = self._measure_floor(row)
        finally:
            server.stop()
        mine["rate"] = found.rate_of(row.status)
        mine["ratio"] = mine["rate"] / ((before["rate"] + after["rate"]) / 2)
        mine["cpu_ratio"] = (before["cpu_us"] + after["cpu_us"]) / 2 / max(0.001, mine["cpu_us"])
        mine["error_share"] = found.error_share(row.status)
        return mine

    def _measure_floor(self, row: Row) -> dict[str, float]:
        messages = self._floor.uniform if row.uniform else self._floor.messages
        _, measured = load(self._floor.server, messages, CONNECTIONS, self._floor_seconds)
        if not row.uniform:
            self._bare.append(measured)
        return measured


def load(
    server: Server, messages: Path, connections: int, seconds: int, rest_seconds: int = 0
) -> tuple[Slice, dict[str, float]]:
    """Put load on a server and return the slice with its rate, latencies and processor time.

    That of its work behind counts too: ``rest_seconds``, and as long as it takes then.
    """
    cpu, worker_cpu = server.cpu_seconds(), server.worker_cpu_seconds()
    found = saturate(server.port, messages, connections, seconds)
    if rest_seconds:
        time.sleep(rest_seconds)
        server.wait_until_idle()
    per_request = 1e6 / max(1, found.requests)
    return found, {
        "rate": found.rate,
        "p50_us": found.p50_us,
        "p99_us": found.p99_us,
        "cpu_us": (server.cpu_seconds() - cpu) * per_request,
        "worker_cpu_us": (server.worker_cpu_seconds() - worker_cpu) * per_request,
        "generator_share": found.generator_share,
    }
