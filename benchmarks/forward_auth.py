"""The cost of forward-auth: the rate of each proxy that asks ARI, and of one that asks a server that accepts all.

``python -m benchmarks.forward_auth [--rounds 7] [--seconds 2] [--proxies nginx,envoy]`` prints it. The configs are
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
from tests.proxies.test_apache import write_apache
from tests.proxies.test_caddy import write_caddy
from tests.proxies.test_envoy import write_envoy
from tests.proxies.test_haproxy import write_haproxy
from tests.proxies.test_nginx import write_nginx
from tests.support.certificates import self_signed
from tests.support.ports import free_port

CONNECTIONS = 32
KEYS = 1_000
TARGET = 0.6
_PATH = "/orders/42?page=2"


@dataclass(frozen=True)
class Proxy:
    """``write`` writes the guide's config into a folder and returns the command; ``changes`` remove TLS."""

    write: Callable[[Setup], list[str]]
    changes: tuple[tuple[str, str], ...]


def write_apache_with_script(setup: Setup) -> list[str]:
    """Apache reads its script as another user."""
    folder = setup.folder / "script"
    folder.mkdir()
    return write_apache(setup, folder)


_NGINX_TLS = r"listen (\S+) ssl http2;\n +ssl_certificate [^\n]*\n +ssl_certificate_key [^\n]*\n"
_APACHE_TLS = r" +Protocols [^\n]*\n +SSLEngine on\n +SSLCertificateFile [^\n]*\n +SSLCertificateKeyFile [^\n]*\n"
_APACHE_THREADS = r"ThreadsPerChild \d+\nMaxRequestWorkers \d+"
_MORE_THREADS = f"ThreadsPerChild {2 * CONNECTIONS}\nMaxRequestWorkers {2 * CONNECTIONS}"
"""Without an idle thread, Apache closes connections on which the next request is on its way."""
PROXIES = {
    "nginx": Proxy(write_nginx, ((_NGINX_TLS, r"listen \1;\n"),)),
    "haproxy": Proxy(write_haproxy, ((r"(bind \S+) ssl crt \S+ alpn \S+", r"\1"),)),
    "apache2": Proxy(write_apache_with_script, ((_APACHE_TLS, ""), (_APACHE_THREADS, _MORE_THREADS))),
    "caddy": Proxy(write_caddy, ((r"https(://[^\n]*\{\n)\ttls [^\n]*\n", r"http\1"),)),
    "envoy": Proxy(write_envoy, ((r"- transport_socket:.*?\n +filters:", "- filters:"),)),
}


@dataclass(frozen=True)
class Measured:
    """Requests per second, or processor time per request in µs, with ARI and with the bare server.

    ``ratio`` is the rate of the first divided by that of the second, or the inverse for times.
    """

    with_ari: Spread
    with_bare: Spread
    ratio: Spread


@dataclass
class Side:
    """A proxy, the server that it asks, and the API behind it."""

    proxy: Server
    auth: Server
    api: Server
    messages: Path
    _before: float = 0.0

    def load(self, seconds: int) -> tuple[float, float]:
        """Requests per second, and µs of processor time for each, with what the server did since the slice before."""
        api_before = self.api.cpu_seconds()
        part = saturate(self.proxy.port, self.messages, CONNECTIONS, seconds)
        if part.error_share(200):
            raise RuntimeError(f"{self.proxy.name}: {part.refused} refused, {part.broken} broken")
        before, self._before = self._before, self.proxy.cpu_seconds() + self.auth.cpu_seconds()
        used = self._before - before + self.api.cpu_seconds() - api_before
        return part.rate, used / max(1, part.requests) * 1e6


def make_proxy(name: str, folder: Path, auth_port: int, api_port: int) -> Server:
    """The proxy, not yet started, with the config of its guide and without TLS."""
    folder.mkdir(parents=True)
    setup = Setup(folder, free_port(), auth_port, api_port, self_signed(folder / "certificate.pem"))
    command = PROXIES[name].write(setup)
    for pattern, text in PROXIES[name].changes:
        counts = [_change(path, pattern, text) for path in folder.iterdir() if path.is_file()]
        if sum(counts) != 1:
            raise RuntimeError(f"{name}: the config has {sum(counts)} times {pattern}")
    return Server(name, command, {"HOME": str(folder)}, folder, setup.port)


def _change(path: Path, pattern: str, text: str) -> int:
    changed, count = re.subn(pattern, text, path.read_text(), flags=re.DOTALL)
    path.write_text(changed)
    return count


def measure(name: str, folder: Path, known: data.Data, rounds: int, seconds: int) -> tuple[Measured, Measured]:
    """Rates and times of the proxy that asks ARI and of the one that asks the bare server, in turns."""
    settings = {**known.settings, **traffic.SETTINGS, "ARI_FORWARD_AUTH": name.rstrip("2")}
    with ExitStack() as stack:
        api = stack.enter_context(_running(serve_app(folder / "api", "bare:app", _nothing(folder)), "/"))
        bare = stack.enter_context(_running(serve_app(folder / "bare", "accepting:app", _nothing(folder)), "/"))
        ari = serve_ari(folder / "ari", data.Data(settings, known.keys, known.revoked))
        stack.enter_context(_running(ari, "/api/health"))
        sides = []
        for number, auth in enumerate((ari, bare)):
            proxy = make_proxy(name, folder / f"proxy-{number}", auth.port, api.port)
            requests = [message(proxy.port, _PATH, {"x-api-key": key}) for key in known.keys]
            stack.callback(proxy.stop)
            proxy.start(Probe(requests[0]))
            messages = write_messages(folder / f"{number}.messages", traffic.vary(requests))
            sides.append(Side(proxy, auth, api, messages))
        slices = _alternate(sides, rounds, seconds)
    rates, times = ([[side[at] for side in one] for one in slices] for at in (0, 1))
    return compare(rates, [ari / bare for ari, bare in rates]), compare(times, [bare / ari for ari, bare in times])


def _alternate(sides: Sequence[Side], rounds: int, seconds: int) -> list[list[tuple[float, float]]]:
    for side in sides:
        side.load(1)
    slices = []
    for at in range(rounds):
        order = (0, 1) if at % 2 == 0 else (1, 0)
        found = {number: sides[number].load(seconds) for number in order}
        slices.append([found[0], found[1]])
    return slices


def compare(values: Sequence[Sequence[float]], ratios: Sequence[float]) -> Measured:
    """Medians and ranges of the values on both sides, and of their ratios."""
    with_ari, with_bare = (spread([one[at] for one in values]) for at in (0, 1))
    return Measured(with_ari, with_bare, spread(ratios))


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
        Path(scratch).chmod(0o755)  # Apache serves as another user
        known = prepare(Path(scratch) / "instance")
        for name in asked.proxies.split(","):
            if locate_program(name) is None:
                print(f"{name}: not installed", flush=True)
                continue
            rate, time = measure(name, Path(scratch) / name, known, asked.rounds, asked.seconds)
            sides = f"{ranged(rate.with_ari, '/s')} with ARI, {ranged(rate.with_bare, '/s')} with a bare server"
            used = f"{ranged(time.with_ari, ' µs')} and {ranged(time.with_bare, ' µs')}"
            print(
                f"{name}: ratio of rates {ranged(rate.ratio)}, target ≥ {TARGET}: {sides}; "
                f"ratio of processor time {ranged(time.ratio)}: {used}",
                flush=True,
            )


if __name__ == "__main__":
    main()
