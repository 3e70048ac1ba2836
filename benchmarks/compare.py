"""Compare two checkouts: ``python -m benchmarks.compare BEFORE AFTER [--rounds 20] [--rows me,verify] [--same-heads]``.

Each checkout runs its own servers with its own ``.venv`` on its own data. For each row both servers are up, and short
slices of load alternate between them. A ratio below 1 means that AFTER costs less. CPU time (user and system, of all
processes of a server, with counting usage in the background) is robust on a busy machine; rates are not.

The traffic is that of ``benchmarks.traffic``; ``--same-heads`` sends each key's head unchanged.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import machine, traffic
from benchmarks.load import message, saturate, write_messages
from benchmarks.plan import COUNTED_SECONDS
from benchmarks.process import Probe, Server, clean_environment, free_port
from benchmarks.rows import CONNECTIONS, KEYS
from benchmarks.stats import ranged, spread

_MAKE_KEYS = (
    "import json, sys, pathlib, benchmarks.data as data; "
    "made = data.on_sqlite(pathlib.Path(sys.argv[1]), int(sys.argv[2])); print(json.dumps([made.settings, made.keys]))"
)


@dataclass
class Checkout:
    """A working tree with a ``.venv`` that runs it, and an instance of its own with keys."""

    root: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    caller: str = ""
    """A key that may verify others."""

    def prepare(self) -> None:
        """Create the instance and its keys."""
        self.settings, self.keys = json.loads(self._run("-c", _MAKE_KEYS, str(self.folder), str(KEYS)))
        self.settings |= {**traffic.SETTINGS, "PYTHONPATH": str(self.root)}
        made = self._run("-m", "ari", "keys", "create", "Bench, caller", "--scope", "keys:verify", "--json")
        self.caller = json.loads(made)["secret"]

    def serve(self, *words: str) -> Server:
        """A server of this checkout, not yet started; ``{port}`` in ``words`` is its port."""
        port = free_port()
        command = [str(self.python), *(word.format(port=port, root=self.root) for word in words)]
        return Server(str(self.root), command, self.settings, self.folder / "run", port)

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"

    def _run(self, *words: str) -> str:
        environment = clean_environment({**self.settings, "PYTHONPATH": str(self.root)})
        command = [str(self.python), *words]
        done = subprocess.run(command, env=environment, cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.root}: {done.stderr.strip()[-500:]}")
        return done.stdout


def _me(checkout: Checkout) -> tuple[Server, list[bytes]]:
    server = checkout.serve("-m", "ari", "serve", "--port", "{port}")
    return server, [message(server.port, "/api/me", {"x-api-key": key}) for key in checkout.keys]


def _verify(checkout: Checkout) -> tuple[Server, list[bytes]]:
    server = checkout.serve("-m", "ari", "serve", "--port", "{port}")
    headers = {"x-api-key": checkout.caller}
    bodies = [json.dumps({"key": key}).encode() for key in checkout.keys]
    return server, [message(server.port, "/api/verify", headers, "POST", body) for body in bodies]


def _route_guarded(checkout: Checkout) -> tuple[Server, list[bytes]]:
    app = "benchmarks.apps.fastapi_route:guarded"
    server = checkout.serve("{root}/benchmarks/apps/serve.py", "{port}", app, "factory")
    return server, [message(server.port, "/api/things/thing_1", {"x-api-key": key}) for key in checkout.keys]


ROWS: dict[str, Callable[[Checkout], tuple[Server, list[bytes]]]] = {
    "me": _me,
    "verify": _verify,
    "route-guarded": _route_guarded,
}


@dataclass
class _Side:
    server: Server
    messages: Path
    cpu: float = 0.0
    requests: int = 0
    rate: float = 0.0

    def load(self, seconds: int) -> None:
        found = saturate(self.server.port, self.messages, CONNECTIONS, seconds)
        if found.refused or found.broken:
            raise SystemExit(f"{self.server.name}: {found.refused} refused, {found.broken} broken")
        self.requests, self.rate = found.requests, found.rate

    def cpu_us(self) -> float:
        """CPU time for each request of the last slice, with what ran in the background since the one before."""
        before, self.cpu = self.cpu, self.server.cpu_seconds()
        return (self.cpu - before) / max(1, self.requests) * 1e6


def compare(row: str, checkouts: list[Checkout], asked: argparse.Namespace) -> dict[str, Any]:
    """CPU time and rate of both, and the ratios AFTER / BEFORE of each round."""
    sides: list[_Side] = []
    try:
        for checkout in checkouts:
            server, messages = ROWS[row](checkout)
            server.start(Probe(messages[0]))
            sent = messages if asked.same_heads else traffic.vary(messages)
            sides.append(_Side(server, write_messages(checkout.folder / f"{row}.messages", sent)))
        for side in sides:
            side.load(1)
        time.sleep(COUNTED_SECONDS)
        for side in sides:
            side.cpu_us()
        cpu: list[list[float]] = []
        rates: list[list[float]] = []
        for at in range(asked.rounds):
            for side in sides if at % 2 == 0 else reversed(sides):
                side.load(asked.seconds)
            time.sleep(asked.rest)
            cpu.append([side.cpu_us() for side in sides])
            rates.append([side.rate for side in sides])
    finally:
        for side in sides:
            side.server.stop()
    return {
        "cpu": [spread([one[at] for one in cpu]) for at in (0, 1)],
        "ratio": spread([after / before for before, after in cpu]),
        "rate": spread([after / max(0.001, before) for before, after in rates]),
    }


def main() -> None:
    """Print one line for each row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description="Compare two checkouts.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=1, help="length of each slice of load (1)")
    parser.add_argument("--rest", type=float, default=1.0, help="seconds after each round, for work behind (1)")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--same-heads", action="store_true", help="send each key's head unchanged")
    asked = parser.parse_args()
    machine.require_wrk()
    with tempfile.TemporaryDirectory(prefix="ari-compare-") as folder:
        roots = {"before": asked.before, "after": asked.after}
        checkouts = [Checkout(root.resolve(), Path(folder) / name) for name, root in roots.items()]
        for checkout in checkouts:
            checkout.prepare()
        for row in asked.rows.split(","):
            found = compare(row, checkouts, asked)
            before, after = found["cpu"]
            print(
                f"{row}: CPU per request {ranged(before, ' µs')} → {ranged(after, ' µs')}; "
                f"ratio {ranged(found['ratio'])}; rate ratio {ranged(found['rate'])}",
                flush=True,
            )


if __name__ == "__main__":
    main()
