"""Run the rounds over the rows, then the parts: workers, latency, sizes, gateway, start, verification in process."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from benchmarks import data, gateway, gateway_rows, latency, machine, peers, postgresql, sizes, workers
from benchmarks.load import message
from benchmarks.nginx_lua import nginx_row
from benchmarks.plan import FAILURES, Plan, explain
from benchmarks.process import Probe, clean_environment
from benchmarks.rounds import Rounds, bare
from benchmarks.rows import KEYS, Row, own_rows, serve_ari
from benchmarks.wsgi_rows import wsgi_rows

PARTS = {
    "workers": [fleet.id for fleet in workers.fleets()],
    "latency": [],
    "sizes": [],
    "gateway": list(gateway_rows.LABELS),
    "start": [],
    "in-process": [],
}
"""The parts after the rows, each with the names of its own rows; such a name selects the part as well."""
_START_SECONDS = 2.5
"""About what starting, warming up and stopping a server takes."""


def measure(plan: Plan) -> dict[str, Any]:
    """Measure everything planned and return it as plain data."""
    known = data.on_sqlite(plan.folder / "sqlite", KEYS)
    results: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "facts": machine.facts(),
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "load_before": machine.load_average(),
        "others": [machine.others_share()],
        "rows": {},
        "bare": [],
        **{name: {} for name in ("workers", "latency", "sizes", "memory", "gateway", "start", "in_process", "parts")},
        "load_after": machine.load_average(),
        "minutes": 0.0,
        "ended_early": True,
    }

    def keep() -> None:
        results["load_after"] = machine.load_average()
        results["minutes"] = round(plan.minutes(), 1)
        plan.keep(results)

    with bare(plan, known) as floor, postgresql.database() as found:
        stored = cache(lambda: data.on_postgresql(plan.folder / "postgresql", found[0], KEYS)) if found else None
        results["facts"]["PostgreSQL"] = found[1] if found else "none"
        rows = [row for row in all_rows(plan, known, stored) if plan.wanted(row.id)]
        rows += peers.peer_rows(plan.folder, plan.wanted) if plan.peers else peers.left_out(plan.wanted)
        results["facts"]["Peers"] = peers.versions()
        plan.expected_seconds = plan.minutes() * 60 + estimate(plan, rows)
        Rounds(plan, floor, results, keep).over(rows)
        _part(plan, results, "workers", lambda: {"workers": workers.measure(plan, known, stored, postgresql.MISSING)})
        _part(plan, results, "latency", lambda: {"latency": latency.measure(plan, known, floor)})
    _part(plan, results, "sizes", lambda: sizes.measure(plan, known))
    _part(plan, results, "gateway", lambda: {"gateway": gateway.measure(plan)})
    _part(plan, results, "start", lambda: {"start": {"seconds": [_start(plan, known) for _ in range(plan.rounds)]}})
    _part(plan, results, "in-process", lambda: {"in_process": in_process(plan, known)})
    results["others"].append(machine.others_share())
    results["ended_early"] = False
    keep()
    return results


def all_rows(plan: Plan, known: data.Data, stored: Callable[[], data.Data] | None) -> list[Row]:
    """Every row but those of the peers."""
    own = own_rows(plan.folder, known, stored, postgresql.MISSING)
    return [*own, *wsgi_rows(plan.folder, known), nginx_row(plan.folder, known)]


def estimate(plan: Plan, rows: Iterable[Row]) -> float:
    """About how many seconds the run takes, without installing peers or creating data sets for the first time."""
    length, rest = plan.seconds, plan.rest_seconds
    total = 0.0
    for row in rows:
        if row.skipped is None:
            total += _START_SECONDS + 3 + plan.at_least(row.least_seconds) + (rest if row.works_behind else 0)
    parts = {
        "workers": len(workers.fleets(plan.wanted)) * (2 * _START_SECONDS + length + rest),
        "latency": 2 * (2 * (length + rest) + 2 * rest),
        "sizes": len(sizes.counts_of(plan)) * (length + rest),
        "gateway": gateway.estimate(plan),
        "start": _START_SECONDS,
        "in-process": 6,
    }
    return plan.rounds * (total + sum(seconds for name, seconds in parts.items() if is_wanted(plan, name)))


def is_wanted(plan: Plan, part: str) -> bool:
    """Whether the part or one of its rows is wanted."""
    return any(map(plan.wanted, (part, *PARTS[part])))


def _part(plan: Plan, results: dict[str, Any], name: str, measured: Callable[[], dict[str, Any]]) -> None:
    """Add a part's results, or its error, so that one failing part doesn't lose the others."""
    if not is_wanted(plan, name):
        return
    try:
        plan.check_time()
        results["others"].append(machine.others_share())
        results.update(measured())
    except FAILURES as error:
        results["parts"][name] = explain(error)
        plan.log(f"{name} {results['parts'][name]}")
    plan.keep(results)


def _start(plan: Plan, known: data.Data) -> float:
    server = serve_ari(plan.folder / "start", known)
    server.start(Probe(message(server.port, "/api/health", {})))
    server.stop()
    plan.log(f"start: {server.start_seconds:.2f} s")
    return server.start_seconds


def in_process(plan: Plan, known: data.Data) -> dict[str, Any]:
    """µs for each case, measured on the load generator's core while no server runs."""
    sets = {"1,000": known}
    if not plan.quick:
        sets["1,000,000"] = data.on_sqlite(plan.folder / "1000000", 1_000_000)
    given = []
    for name, stored in sets.items():
        file = plan.folder / f"{name}.keys"
        file.write_text("\n".join(stored.keys))
        given.append(f"{name}={stored.data_dir}={file}")
    command = [*machine.pinned(machine.LOAD_CORE), sys.executable, "-m", "benchmarks.inprocess", str(plan.rounds)]
    done = subprocess.run(
        [*command, *given],
        env=clean_environment({}),
        cwd=machine.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
