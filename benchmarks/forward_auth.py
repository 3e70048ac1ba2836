"""The cost of forward-auth: the rate of each proxy that asks ARI, and of one that asks a server that accepts all.

``python -m benchmarks.forward_auth [--rounds 7] [--seconds 2] [--proxies caddy,envoy]`` prints it. The configs are
those of the guides, without TLS. Proxy, ARI and the API behind the proxy share one core, and the load has another, so a
rate shows the work of all of them for a request. Slices of load alternate between the two.
"""

import argparse
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ari.storage.engine import KEYS_FILE
from benchmarks import data, machine, traffic
from benchmarks.load import message, saturate, write_messages
from benchmarks.process import Probe, Server
from benchmarks.rows import serve_app, serve_ari
from benchmarks.stats import Spread, ranged, spread
from tests.proxies.harness import SCOPES, Setup, locate_program
from tests.proxies.test_caddy import write_caddy
from tests.proxies.test_envoy import write_envoy
from tests.support.certificates import self_signed
from tests.support.ports import free_port

CONNECTIONS = 32
KEYS = 1_000
TARGET = 0.6
_PATH = "/orders/42?page=2"


@dataclass(frozen=True)
class Proxy:
    """``write`` writes the guide's config into a folder and returns the command; ``tls`` is the part to replace."""

    write: Callable[[Setup], list[str]]
    tls: tuple[str, str]


PROXIES = {
    "caddy": Proxy(write_caddy, (r"https(://[^\n]*\{\n)\ttls [^\n]*\n", r"http\1")),
    "envoy": Proxy(write_envoy, (r"- transport_socket:.*?\n +filters:", "- filters:")),
}


@dataclass(frozen=True)
class Result:
    """Requests per second with ARI and with the bare server, and the first divided by the second, of each round."""

    with_ari: Spread
    with_bare: Spread
    ratio: Spread


def start_proxy(name: str, folder: Path, auth_port: int, api_port: int) -> Server:
    """The proxy, not yet started, with the config of its guide and without TLS."""
    folder.mkdir(parents=True)
    setup = Setup(folder, free_port(), auth_port, api_port, self_signed(folder / "certificate.pem"))
    command = PROXIES[name].write(setup)
    pattern, plain = PROXIES[name].tls
    changed = 0
    for path in folder.iterdir():
        text, count = re.subn(pattern, plain, path.read_text(), flags=re.DOTALL)
        path.write_text(text)
        changed += count
    if changed != 1:
        raise RuntimeError(f"{name}: the config has {changed} parts about TLS instead of one")
    return Server(name, command, {"HOME": str(folder)}, folder, setup.port)


def measure(name: str, folder: Path, known: data.Data, rounds: int, seconds: int) -> Result:
    """Alternate between the proxy that asks ARI and the one that asks the bare server."""
    settings = {**known.settings, **traffic.SETTINGS, "ARI_FORWARD_AUTH": name}
    with ExitStack() as stack:
        api = stack.enter_context(_running(serve_app(folder / "api", "bare:app", _nothing(folder)), "/"))
        bare = stack.enter_context(_running(serve_app(folder / "bare", "bare:app", _nothing(folder)), "/"))
        ari = serve_ari(folder / "ari", data.Data(settings, known.keys, known.revoked))
        stack.enter_context(_running(ari, "/api/health"))
        sides = []
        for number, auth in enumerate((ari, bare)):
            proxy = start_proxy(name, folder / f"proxy-{number}", auth.port, api.port)
            requests = [message(proxy.port, _PATH, {"x-api-key": key}) for key in known.keys]
            stack.callback(proxy.stop)
            proxy.start(Probe(requests[0]))
            sides.append((proxy, write_messages(folder / f"{number}.messages", traffic.vary(requests))))
        rates = _alternate(sides, rounds, seconds)
    with_ari, with_bare = (spread([one[at] for one in rates]) for at in (0, 1))
    return Result(with_ari, with_bare, spread([ari_rate / bare_rate for ari_rate, bare_rate in rates]))


def _alternate(sides: Sequence[tuple[Server, Path]], rounds: int, seconds: int) -> list[list[float]]:
    for server, messages in sides:
        saturate(server.port, messages, CONNECTIONS, 1)
    rates = []
    for at in range(rounds):
        found = {}
        for number in (0, 1) if at % 2 == 0 else (1, 0):
            server, messages = sides[number]
            part = saturate(server.port, messages, CONNECTIONS, seconds)
            if part.error_share(200):
                raise RuntimeError(f"{server.name}: {part.refused} refused, {part.broken} broken")
            found[number] = part.rate
        rates.append([found[0], found[1]])
    return rates


def prepare(folder: Path) -> data.Data:
    """An instance whose keys have the scopes that the guides require."""
    known = data.on_sqlite(folder, KEYS)
    for scope in SCOPES:
        data.ari(known.settings, "scopes", "add", scope, "Of the API behind the proxy.")
    with closing(sqlite3.connect(known.data_dir / KEYS_FILE)) as connection, connection:
        connection.execute("UPDATE api_keys SET scopes = ?", (SCOPES[0],))
    return known


@contextmanager
def _running(server: Server, path: str) -> Iterator[Server]:
    server.start(Probe(message(server.port, path, {})))
    try:
        yield server
    finally:
        server.stop()


def _nothing(folder: Path) -> dict[str, str]:
    return {"ARI_DATA_DIR": str(folder / "none")}


def main() -> None:
    """Print one line for each proxy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forward_auth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="length of each slice of load (2)")
    parser.add_argument("--proxies", default=",".join(PROXIES))
    asked = parser.parse_args()
    machine.require_wrk()
    with tempfile.TemporaryDirectory(prefix="ari-forward-auth-") as scratch:
        known = prepare(Path(scratch) / "instance")
        for name in asked.proxies.split(","):
            if locate_program(name) is None:
                print(f"{name}: not installed", flush=True)
                continue
            found = measure(name, Path(scratch) / name, known, asked.rounds, asked.seconds)
            print(
                f"{name}: {ranged(found.with_ari, '/s')} with ARI, {ranged(found.with_bare, '/s')} with a bare server; "
                f"ratio {ranged(found.ratio)}, target ≥ {TARGET}",
                flush=True,
            )


if __name__ == "__main__":
    main()
