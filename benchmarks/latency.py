"""Latency at 70 % of the capacity that a server had immediately before."""

import time
from typing import Any

from benchmarks import data, traffic
from benchmarks.load import pace, saturate, write_messages
from benchmarks.plan import Plan
from benchmarks.process import Probe
from benchmarks.rounds import Floor
from benchmarks.rows import CONNECTIONS, serve_ari, with_keys

SHARE_OF_CAPACITY = 0.7


def measure(plan: Plan, known: data.Data, floor: Floor) -> dict[str, Any]:
    """p50 and p99 of the bare server and of ARI on SQLite, and the ratios of their p99 within a round.

    Each is loaded long enough to include folding what it logs.
    """
    server = serve_ari(plan.folder / "ari", known)
    messages = with_keys(server.port, "/api/me", known.keys)
    server.start(Probe(messages[0]))
    found: dict[str, Any] = {"bare": [], "me": [], "ratio": []}
    seconds = plan.rest_seconds + plan.seconds
    try:
        mine = write_messages(plan.folder / "latency.messages", traffic.vary(messages))
        saturate(server.port, mine, CONNECTIONS, 1)
        places = {"bare": (floor.server.port, floor.messages), "me": (server.port, mine)}
        for at in range(plan.rounds):
            for name in places if at % 2 == 0 else reversed(places):
                port, file = places[name]
                capacity = saturate(port, file, CONNECTIONS, seconds).rate
                time.sleep(2 * plan.rest_seconds)
                one = pace(port, file, capacity * SHARE_OF_CAPACITY, seconds)
                found[name].append(vars(one))
                plan.log(f"round {at + 1}: latency of {name} at {one.wanted_rate:,.0f}/s: p99 {one.p99_us:,.0f} µs")
            found["ratio"].append(found["me"][-1]["p99_us"] / max(1.0, found["bare"][-1]["p99_us"]))
    finally:
        server.stop()
    return found
