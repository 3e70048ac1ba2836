"""The cost of the AI gateway next to LiteLLM's proxy, Portkey's gateway and bare forwarders; latency it adds.

``python -m benchmarks.gateway`` prints it; ``make bench`` has it as a part.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import gateway_report, load, machine, report, traffic
from benchmarks.gateway_rows import (
    CHAT_PATH,
    LABELS,
    PEERS,
    STREAMING,
    WHOLE,
    Forwarder,
    forwarders,
    provider,
    streamed,
)
from benchmarks.load import message, pace, saturate, write_messages
from benchmarks.plan import FAILURES, Plan, explain
from benchmarks.process import Server

CONNECTIONS = (32, 256)
RATE = 200.0
"""Requests a second at which delays are measured, sent by the clock."""
OPEN_STREAMS = 2_000
_PAUSES_SECONDS = 2
"""About how long a server takes to become idle after a slice."""


def measure(plan: Plan) -> dict[str, Any]:
    """Start all wanted rows, measure each in interleaved rounds, then the delays and memory of ARI.

    The provider runs on the load's core, the gateways on the server's; only one of them has work at a time.
    """
    with provider(plan.folder) as stand_in:
        wanted = wanted_rows(plan)
        rows = forwarders(plan.folder, stand_in.port, wanted, plan.peers)
        found: dict[str, Any] = {
            "rows": {name: {"label": LABELS[name], "skipped": None, "cases": {}} for name in wanted},
            "delays": {},
            "streams": {},
        }
        try:
            running = [row for row in rows if _start(plan, row, found["rows"].get(row.id, {}))]
            ari = next((row for row in running if row.id == "ari"), None)
            if ari and "ari-budget" in wanted:
                running.insert(1, ari.with_budget())
                _start(plan, running[1], found["rows"]["ari-budget"])
            measured = [row for row in running if row.id in wanted]
            for at in range(plan.rounds):
                for row in measured if at % 2 == 0 else reversed(measured):
                    _measure_row(plan, row, at, found["rows"][row.id])
            if ari and "ari" in wanted:
                bare = next((row for row in running if row.id == "aiohttp"), None)
                found["delays"] = _measure_delays(plan, ari, bare, stand_in)
                found["streams"] = _measure_streams(plan.folder, ari)
        finally:
            for row in rows:
                if row.server is not None:
                    row.server.stop()
    return found


def wanted_rows(plan: Plan) -> list[str]:
    """The IDs of the rows to measure: all if the whole part is wanted."""
    return [name for name in LABELS if plan.wanted("gateway") or plan.wanted(name)]


def estimate(plan: Plan) -> float:
    """About how many seconds a round takes."""
    total = 6.0 * plan.seconds
    for name in wanted_rows(plan):
        if plan.peers or name not in PEERS:
            seconds = plan.at_least(10) if name == "litellm" else plan.seconds
            total += len(CONNECTIONS) * (2 if name in STREAMING else 1) * (seconds + _PAUSES_SECONDS)
    return total


def _start(plan: Plan, row: Forwarder, found: dict[str, Any]) -> bool:
    if row.skipped is not None:
        found["skipped"] = row.skipped
        return False
    try:
        server = row.start()
    except FAILURES as error:
        found["skipped"] = explain(error)
        plan.log(f"{row.id} {found['skipped']}")
        return False
    found["start_seconds"] = server.start_seconds
    found["cases"] = {}
    plan.log(f"{row.id} started in {server.start_seconds:.1f} s")
    for name, _, file in _cases(plan.folder, row):
        saturate(server.port, file, CONNECTIONS[0], 1)
        server.wait_until_idle()
        found["cases"][name] = []
    found["megabytes"] = server.tree_megabytes()
    return True


def _cases(folder: Path, row: Forwarder) -> list[tuple[str, int, Path]]:
    """Name, connections and requests of each kind of load."""
    bodies = {"whole": WHOLE, **({"streamed": streamed()} if row.streams else {})}
    files = {
        kind: write_messages(folder / f"gateway-{row.id}-{kind}.messages", traffic.vary([row.chat(body)]))
        for kind, body in bodies.items()
    }
    return [(f"{kind}-{count}", count, file) for kind, file in files.items() for count in CONNECTIONS]


def _measure_row(plan: Plan, row: Forwarder, at: int, found: dict[str, Any]) -> None:
    assert row.server is not None
    for name, connections, file in _cases(plan.folder, row):
        cpu = row.server.cpu_seconds()
        one = saturate(row.server.port, file, connections, plan.at_least(row.least_seconds))
        cpu_us = (row.server.cpu_seconds() - cpu) / max(1, one.requests) * 1e6
        row.server.wait_until_idle()
        slice_ = {"round": at, "rate": one.rate_of(200), "cpu_us": cpu_us, "error_share": one.error_share(200)}
        found["cases"][name].append(slice_)
        plan.log(f"round {at + 1}: {row.id} {name} {slice_['rate']:,.0f}/s, {cpu_us:,.0f} µs each")
    found["megabytes"] = max(found["megabytes"], row.server.tree_megabytes())


def _measure_delays(plan: Plan, ari: Forwarder, bare: Forwarder | None, stand_in: Server) -> dict[str, Any]:
    """Medians of the provider alone, through ARI and through a bare forwarder, in µs, and the differences in ms."""
    sides = {"through": ari, **({} if bare is None else {"bare": bare})}
    places = {}
    for name, body in (("whole", WHOLE), ("first", streamed("pause"))):
        direct = message(stand_in.port, CHAT_PATH, {"authorization": "Bearer x"}, "POST", body)
        ways = {"direct": (stand_in.port, direct)}
        for side, row in sides.items():
            assert row.server is not None
            ways[side] = row.server.port, row.chat(body)
        for side, (port, one) in ways.items():
            file = write_messages(plan.folder / f"{side}-{name}.messages", traffic.vary([one]))
            places[side, name] = port, file
    found: dict[str, Any] = {f"{side}_{name}_us": [] for side, name in places}
    for _ in range(plan.rounds):
        for (side, name), (port, file) in places.items():
            if name == "whole":
                taken = pace(port, file, RATE, plan.seconds).p50_us
            else:
                taken = load.first_event_us(port, file, RATE / 4, plan.seconds)
            found[f"{side}_{name}_us"].append(taken)
    for name in ("whole", "first"):
        for side, added in (("through", "added"), ("bare", "bare_added")):
            both = zip(found[f"direct_{name}_us"], found.get(f"{side}_{name}_us", []), strict=side in sides)
            found[f"{added}_{name}_ms"] = [(through - alone) / 1_000 for alone, through in both]
    return found


def _measure_streams(folder: Path, ari: Forwarder) -> dict[str, Any]:
    """Memory of ARI's processes with ``OPEN_STREAMS`` open streams."""
    assert ari.server is not None
    file = write_messages(folder / "hold.messages", traffic.vary([ari.chat(streamed("hold"))]))
    before = ari.server.tree_megabytes()
    with load.open_streams(ari.server.port, file, OPEN_STREAMS) as count:
        return {"count": count, "before": [before], "megabytes": [ari.server.tree_megabytes()]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--no-peers", action="store_true")
    asked = parser.parse_args()
    machine.require_wrk()
    with tempfile.TemporaryDirectory() as scratch:
        plan = Plan(
            Path(scratch), asked.rounds, asked.seconds, lambda _: True, not asked.no_peers, False, lambda _: None
        )
        plan.expected_seconds = plan.rounds * estimate(plan)
        found = measure(plan)
    print("\n".join(report.aligned(gateway_report.HEAD, gateway_report.rows(found))), "", sep="\n")
    print("\n".join(gateway_report.sentences(found)))


if __name__ == "__main__":
    main()
