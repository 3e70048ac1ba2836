"""The cost of the AI gateway: latency added at a fixed rate, and requests per second on one core.

``python -m benchmarks.gateway`` prints it; ``make bench`` has it as a part.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import data, machine, report
from benchmarks.load import message, pace, saturate, write_messages
from benchmarks.process import Probe, Server, free_port
from benchmarks.rows import serve_app, serve_ari
from benchmarks.stats import spread

CONNECTIONS = 32
RATE = 200.0
"""Requests a second at which the delay is measured, sent by the clock."""
CLIENTS = {
    "aiohttp": "aiohttp, bare",
    "outbound": "aiohttp as ARI uses it, addresses checked",
    "httpx2": "httpx2, bare",
}
_PATH = "/v1/chat/completions"
_BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say hello. " * 20}]}).encode()


def measure(folder: Path, rounds: int, seconds: int, log: Callable[[str], None]) -> dict[str, Any]:
    """Rates at ``CONNECTIONS`` connections and what each request cost the server's core; delays at ``RATE``.

    The provider runs on the load's core, the server on its own.
    """
    found: dict[str, Any] = {"rate": [], "cpu_us": [], "direct_us": [], "through_us": [], "added_ms": [], "clients": {}}
    known = data.on_sqlite(folder / "gateway", 100)
    made = json.loads(data.ari(known.settings, "keys", "create", "Bench, AI", "--scope", "ai:openai", "--json"))
    key = made["secret"]
    with _provider(folder) as provider:
        given = {"OPENAI_API_KEY": "sk-bench-" + "x" * 40, "OPENAI_BASE_URL": f"http://127.0.0.1:{provider.port}"}
        server = serve_ari(folder / "gateway", data.Data({**known.settings, **given}, [], []))
        through = message(server.port, f"/api/ai/openai{_PATH}", {"x-api-key": key}, "POST", _BODY)
        direct = message(provider.port, _PATH, {"authorization": "Bearer x"}, "POST", _BODY)
        files = [write_messages(folder / f"{n}.messages", [one]) for n, one in enumerate((direct, through))]
        server.start(Probe(through))
        try:
            saturate(server.port, files[1], CONNECTIONS, 1)
            for at in range(rounds):
                rate, cpu_us = _carried(server, files[1], seconds)
                found["rate"].append(rate)
                found["cpu_us"].append(cpu_us)
                alone = pace(provider.port, files[0], RATE, seconds).p50_us
                both = pace(server.port, files[1], RATE, seconds).p50_us
                found["direct_us"].append(alone)
                found["through_us"].append(both)
                found["added_ms"].append((both - alone) / 1_000)
                log(f"round {at + 1}: gateway {rate:,.0f}/s, {cpu_us:,.0f} µs each; adds {both - alone:,.0f} µs")
        finally:
            server.stop()
        for name in CLIENTS:
            found["clients"][name] = _client(folder, name, provider.port, rounds, seconds)
            log(f"client {name}: {spread(found['clients'][name]['rate']).median:,.0f}/s")
    return found


@contextmanager
def _provider(folder: Path) -> Iterator[Server]:
    """The provider, on the load generator's core."""
    port = free_port()
    command = [*machine.pinned(machine.LOAD_CORE), sys.executable, str(machine.APPS / "serve.py"), str(port)]
    settings = {"ARI_DATA_DIR": str(folder / "none")}
    server = Server("provider", [*command, "benchmarks.apps.provider:app"], settings, folder / "provider", port)
    server.start(Probe(message(port, _PATH, {}, "POST", _BODY)))
    try:
        yield server
    finally:
        server.stop()


def _client(folder: Path, name: str, provider_port: int, rounds: int, seconds: int) -> dict[str, Any]:
    settings = {
        "ARI_DATA_DIR": str(folder / "none"),
        "BENCH_PROVIDER": f"http://127.0.0.1:{provider_port}{_PATH}",
    }
    server = serve_app(folder / name, f"forward:{name}_app", settings)
    one = message(server.port, _PATH, {}, "POST", _BODY)
    file = write_messages(folder / f"{name}.messages", [one])
    server.start(Probe(one))
    try:
        saturate(server.port, file, CONNECTIONS, 1)
        slices = [_carried(server, file, seconds) for _ in range(rounds)]
    finally:
        server.stop()
    rates, costs = zip(*slices, strict=True)
    return {"label": CLIENTS[name], "rate": list(rates), "cpu_us": list(costs)}


def _carried(server: Server, messages: Path, seconds: int) -> tuple[float, float]:
    """Good answers a second, and the server's processor time for each in µs."""
    before = server.cpu_seconds()
    found = saturate(server.port, messages, CONNECTIONS, seconds)
    return found.rate_of(200), (server.cpu_seconds() - before) / max(1, found.requests) * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    asked = parser.parse_args()
    machine.require_wrk()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(Path(scratch), asked.rounds, asked.seconds, lambda line: print(line, file=sys.stderr))
    print(
        "\n".join(report.aligned(report.GATEWAY_HEAD, report.gateway(found))),
        "",
        report.gateway_sentence(found),
        sep="\n",
    )


if __name__ == "__main__":
    main()
