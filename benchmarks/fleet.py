"""Nodes on one PostgreSQL database, and what a large fleet would need: ``python -m benchmarks.fleet``.

Each node is an ``ari serve`` with its own data directory. Two cores show neither the rate nor the latency of twenty
nodes, but they show what a request costs each part; ``fleet_needs`` multiplies that. Where the cores are overloaded,
fewer requests share a statement, so costs are upper bounds. While the nodes are loaded, it samples what PostgreSQL's
sessions wait for: a row or lock that serializes nodes would show.

Every run also checks what must hold in a fleet: a revoked key is refused by every node at its next request, and no
response that a caller got is missing from the log.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import data, machine, postgresql, traffic
from benchmarks.fleet_costs import Costs, Log
from benchmarks.fleet_needs import Wanted, print_needs
from benchmarks.fleet_waits import show_waits
from benchmarks.load import Slice, message, saturate, write_messages
from benchmarks.process import Probe, Server, ask
from benchmarks.rows import CONNECTIONS, serve_ari, with_keys
from benchmarks.stats import number
from benchmarks.usage_fold import FoldCosts


def start_nodes(held: ExitStack, folder: Path, known: data.Data, nodes: int, workers: int) -> list[Server]:
    """Started servers with their own data directories and one master key; they end with ``held``."""
    key_file = known.data_dir / "master.key"
    servers = []
    for node in range(nodes):
        settings = {
            **known.settings,
            "ARI_DATA_DIR": str(folder / f"{nodes}-{node}"),
            "ARI_MASTER_KEY_FILE": str(key_file),
            "ARI_WORKERS": str(workers),
        }
        server = serve_ari(folder / f"node-{nodes}-{node}", data.Data(settings, known.keys, known.revoked))
        server.core = None
        held.callback(server.stop)
        servers.append(server.start(Probe(message(server.port, "/api/me", {"x-api-key": known.keys[0]}))))
    return servers


def load(servers: Sequence[Server], folder: Path, keys: list[str], seconds: int) -> list[Slice]:
    """The results of loading all nodes at once, with the same number of connections in sum."""
    files = []
    for at, server in enumerate(servers):
        varied = traffic.vary(with_keys(server.port, "/api/me", keys), seed=at)
        files.append(write_messages(folder / f"fleet-{at}.messages", varied))
    with ThreadPoolExecutor(len(servers)) as pool:
        each = max(1, CONNECTIONS // len(servers))
        waiting = [
            pool.submit(saturate, server.port, file, each, seconds) for server, file in zip(servers, files, strict=True)
        ]
        return [one.result() for one in waiting]


def count_revived(servers: Sequence[Server], settings: dict[str, str], revokes: int) -> int:
    """How often a node accepted a key in the request after its revoke was confirmed; 0 is right."""
    accepted = 0
    for _ in range(revokes):
        made = json.loads(data.ari(settings, "keys", "create", "Fleet", "--json"))
        requests = [message(server.port, "/api/me", {"x-api-key": made["secret"]}) for server in servers]
        before = [ask(server.port, request) for server, request in zip(servers, requests, strict=True)]
        if before != [200] * len(servers):
            raise RuntimeError(f"A new key was refused: {before}")
        data.ari(settings, "keys", "revoke", made["key"]["id"], "--yes")
        after = [ask(server.port, request) for server, request in zip(servers, requests, strict=True)]
        accepted += sum(status != 401 for status in after)
    return accepted


def make_limited(settings: dict[str, str], count: int) -> list[str]:
    """Keys with a limit that never refuses: nodes share the counter of each."""
    words = ("keys", "create", "Limited", "--limit", "1000000000/1m")
    return [data.ari(settings, *words).strip() for _ in range(count)]


def measure(folder: Path, known: data.Data, nodes: int, fold: FoldCosts, given: argparse.Namespace) -> Costs:
    """What a request costs with so many nodes. Raises ``RuntimeError`` if the fleet broke a promise."""
    with ExitStack() as held:
        servers = start_nodes(held, folder, known, nodes, given.workers)
        log = held.enter_context(Log.open(known))
        load(servers, folder, known.keys, 1)
        log.fold_all()
        before = log.read(servers)
        with log.sample_waits() as waits:
            slices = load(servers, folder, known.keys, given.seconds)
        loaded = log.read(servers)
        log.fold_all()
        folded = log.read(servers)
        responses = sum(one.requests for one in slices)
        rate = sum(one.rate_of(200) for one in slices)
        costs = Costs.between(
            before, loaded, folded, fold=fold, nodes=nodes, responses=responses, rate=rate, waits=waits
        )
        if costs.rows < responses:
            raise RuntimeError(f"{responses - costs.rows} responses are missing from the log")
        if count_revived(servers, known.settings, given.revokes):
            raise RuntimeError("a node accepted a revoked key")
        return costs


def show(costs: Costs) -> str:
    """A line of the table."""
    values = (costs.worker_us, costs.lookup_us, costs.commit_us, costs.fold_us, costs.fold_database_us)
    figures = " | ".join(number(value) for value in values)
    sizes = f"{costs.rows_per_commit:.1f} | {number(costs.wal_bytes)} | {number(costs.row_bytes)} | {costs.connections}"
    return f"| {costs.nodes} | {number(costs.rate)} | {figures} | {sizes} |"


def options(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--workers", type=int, default=1, help="of each node")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--limited-keys", type=int, default=0, help="load only so many keys, each with a limit")
    parser.add_argument("--seconds", type=int, default=8, help="of load for each number of nodes")
    parser.add_argument("--fold-rows", type=int, default=100_000, help="to fold without load")
    parser.add_argument("--revokes", type=int, default=3, help="with each number of nodes")
    parser.add_argument("--quick", action="store_true", help="two nodes, few keys and a second of load")
    found = parser.parse_args(words)
    if found.quick:
        found.nodes, found.keys, found.seconds, found.fold_rows, found.revokes = [2], 50, 1, 500, 1
    return found


def main(words: Sequence[str]) -> None:
    """Measure with each number of nodes, print, and calculate."""
    given = options(words)
    machine.require_wrk()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-fleet-")))
        server = held.enter_context(postgresql.database())
        if server is None:
            raise SystemExit(postgresql.MISSING)
        url, version = server
        known = data.on_postgresql(folder, url, given.keys)
        if given.limited_keys:
            known = replace(known, keys=make_limited(known.settings, given.limited_keys))
        print(f"{version}; {len(known.keys):,} keys; {given.workers} worker for each node. Processor time in µs.\n")
        print(
            "| Nodes | Requests/s | Worker | Lookup in PostgreSQL | Commit in PostgreSQL | Fold process "
            "| Fold in PostgreSQL | Rows per commit | WAL bytes | Bytes per row | Connections |"
        )
        print("|---:" * 11 + "|")
        with Log.open(known) as log:
            fold = log.measure_fold(given.fold_rows, given.keys)
        measured = []
        for nodes in given.nodes:
            measured.append(measure(folder, known, nodes, fold, given))
            print(show(measured[-1]), flush=True)
        print(
            "\nEach revoked key was refused by every node at its next request. No response is missing from the log.\n"
        )
        print(show_waits([(costs.nodes, costs.waits) for costs in measured]) + "\n")
        print_needs(measured[-1], Wanted())


if __name__ == "__main__":
    main(sys.argv[1:])
