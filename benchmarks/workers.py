"""What a request costs with 1, 2 and 4 workers, and with 1, 2 and 4 nodes on one PostgreSQL database.

The servers may use every core, also that of the load generator, so workers really run at the same time. Rates say
little where cores are few; processor time per request shows whether workers hinder each other.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import data, postgresql, traffic
from benchmarks.load import saturate, write_messages
from benchmarks.plan import FAILURES, Plan, explain
from benchmarks.process import Probe, Server
from benchmarks.rows import CONNECTIONS, serve_ari, with_keys

PROCESSES = (1, 2, 4)
GROUPS = {
    "workers-sqlite": "worker{s} on SQLite",
    "workers-postgresql": "worker{s} on PostgreSQL",
    "nodes-postgresql": "node{s} of one worker on PostgreSQL",
}


@dataclass(frozen=True)
class Fleet:
    """Servers on one database, each with ``workers`` workers."""

    id: str
    label: str
    nodes: int
    workers: int
    on_postgresql: bool


def fleets(wanted: Callable[[str], bool] = lambda _: True) -> list[Fleet]:
    """All rows, or those whose ID is wanted."""
    found = []
    for group, label in GROUPS.items():
        for count in PROCESSES:
            nodes, workers = (count, 1) if group.startswith("nodes") else (1, count)
            words = f"{count} {label.format(s='s' if count > 1 else '')}"
            found.append(Fleet(f"{group}-{count}", words, nodes, workers, "postgresql" in group))
    return [fleet for fleet in found if wanted(fleet.id) or wanted("workers")]


def measure(plan: Plan, sqlite: data.Data, stored: Callable[[], data.Data] | None, missing: str) -> dict[str, Any]:
    """The rounds of each fleet by ID; one that can't run has the reason."""
    wanted = fleets(plan.wanted)
    found: dict[str, Any] = {fleet.id: {"label": fleet.label, "skipped": None, "rounds": []} for fleet in wanted}
    for at in range(plan.rounds):
        for fleet in wanted if at % 2 == 0 else reversed(wanted):
            row = found[fleet.id]
            if fleet.on_postgresql and stored is None:
                row["skipped"] = missing
                continue
            known = stored() if fleet.on_postgresql and stored is not None else sqlite
            try:
                one = _measure(plan, fleet, known)
            except FAILURES as error:
                row["skipped"] = explain(error)
                plan.log(f"round {at + 1}: {fleet.id} {row['skipped']}")
                continue
            row["rounds"].append({"round": at, **one})
            plan.log(f"round {at + 1}: {fleet.id} {one['rate']:,.0f}/s, {one['worker_cpu_us']:.1f} µs of the workers")
    return found


def _measure(plan: Plan, fleet: Fleet, known: data.Data) -> dict[str, float]:
    settings = {**known.settings, "ARI_WORKERS": str(fleet.workers)}
    servers: list[tuple[Server, Path]] = []
    try:
        for node in range(fleet.nodes):
            server = serve_ari(plan.folder / "fleet" / str(node), data.Data(settings, known.keys, known.revoked))
            server.core = None
            messages = with_keys(server.port, "/api/me", known.keys)
            server.start(Probe(messages[0]))
            varied = traffic.vary(messages, seed=node)
            servers.append((server, write_messages(plan.folder / f"fleet-{node}.messages", varied)))
        _load(servers, 1)
        return _load(servers, plan.seconds, plan.rest_seconds)
    finally:
        for server, _ in servers:
            server.stop()


def _load(servers: Sequence[tuple[Server, Path]], seconds: int, rest_seconds: int = 0) -> dict[str, float]:
    """Load all at once with the same number of connections in sum; rates added up, times per request in µs."""
    before = _used(servers)
    with ThreadPoolExecutor(len(servers)) as pool:
        waiting = [
            pool.submit(saturate, server.port, file, CONNECTIONS // len(servers), seconds) for server, file in servers
        ]
        slices = [one.result() for one in waiting]
    if rest_seconds:
        time.sleep(rest_seconds)
        for server, _ in servers:
            server.wait_until_idle()
    after = _used(servers)
    requests = sum(one.requests for one in slices)
    times = {f"{name}_cpu_us": (after[name] - before[name]) / max(1, requests) * 1e6 for name in after}
    return {
        "rate": sum(one.rate_of(200) for one in slices),
        "p99_us": max(one.p99_us for one in slices),
        "error_share": max(one.error_share(200) for one in slices),
        **times,
    }


def _used(servers: Sequence[tuple[Server, Path]]) -> dict[str, float]:
    return {
        "worker": sum(server.worker_cpu_seconds() for server, _ in servers),
        "server": sum(server.cpu_seconds() for server, _ in servers),
        "database": postgresql.used_seconds(),
    }
