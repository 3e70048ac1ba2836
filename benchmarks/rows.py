"""ARI's own rows of the table: what to start, what to request, which response to expect."""

import json
import random
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ari.keys import token
from benchmarks import data, machine
from benchmarks.load import message
from benchmarks.process import Probe, Server, free_port

CONNECTIONS = 64
_BAD_KEYS = 1_000
_THING = "/api/things/thing_1"
_ORDERS = "/orders?size=20"
COUNTED_SECONDS = 7
"""After this time ARI has folded all requests that it logged; it folds every five seconds."""


@dataclass(frozen=True)
class Row:
    """One line of the table. ``start`` gives a running server and the requests to send it, in rotation.

    ``skipped`` says in one line why a row is not run. ``status`` is the answer expected. ``rest_seconds`` is how long
    the server goes on working after the load; what it uses then is counted with its answers.
    """

    id: str
    label: str
    start: Callable[[], tuple[Server, list[bytes]]] | None
    status: int = 200
    connections: int = CONNECTIONS
    least_seconds: int = 0
    rest_seconds: int = 0
    skipped: str | None = None


def skipped(row_id: str, label: str, why: str) -> Row:
    """A row that only has the reason why it was not run."""
    return Row(row_id, label, None, skipped=why)


def logging(row_id: str, label: str, start: Callable[[], tuple[Server, list[bytes]]], status: int = 200) -> Row:
    """A row of ARI, with time to fold what it logged."""
    return Row(row_id, label, start, status, rest_seconds=COUNTED_SECONDS)


def with_keys(port: int, path: str, keys: list[str], header: str = "x-api-key", before: str = "") -> list[bytes]:
    """A GET with each of the keys."""
    return [message(port, path, {header: before + key}) for key in keys]


def serve_ari(folder: Path, known: data.Data) -> Server:
    """``ari serve`` on this data, not yet started."""
    port = free_port()
    command = [sys.executable, "-m", "ari", "serve", "--port", str(port)]
    return Server("ari serve", command, known.settings, folder, port)


def serve_app(folder: Path, target: str, settings: dict[str, str]) -> Server:
    """Another app on the server settings of ``ari serve``, not yet started."""
    port = free_port()
    module, factory = target.partition(" ")[::2]
    command = [sys.executable, str(machine.APPS / "serve.py"), str(port), f"benchmarks.apps.{module}"]
    return Server(target, [*command, *([factory] if factory else [])], settings, folder, port)


def start_bare(folder: Path, keys: list[str]) -> tuple[Server, list[bytes]]:
    """The bare server, which gets the same requests but ignores the keys."""
    server = serve_app(folder, "bare:app", {"ARI_DATA_DIR": str(folder / "none")})
    messages = with_keys(server.port, "/api/me", keys)
    return server.start(Probe(messages[0])), messages


def own_rows(folder: Path, sqlite: data.Data, postgresql: data.Data | None, missing: str) -> list[Row]:
    """All rows of ARI."""

    me = partial(_start_me, folder)

    def route(target: str, path: str = _THING) -> Callable[[], tuple[Server, list[bytes]]]:
        def start() -> tuple[Server, list[bytes]]:
            server = serve_app(folder / "route", target, sqlite.settings)
            messages = with_keys(server.port, path, sqlite.keys)
            return server.start(Probe(messages[0])), messages

        return start

    stranger = [token.mint() for _ in range(_BAD_KEYS)]
    on_postgresql = "ARI, `GET /api/me`, verified and logged, PostgreSQL"
    return [
        Row("bare-granian", "bare raw ASGI, granian's own command", _granian(folder, sqlite.keys)),
        logging("me", "ARI, `GET /api/me`, verified and logged, SQLite", me(sqlite, sqlite.keys)),
        logging("me-postgresql", on_postgresql, me(postgresql, postgresql.keys))
        if postgresql
        else skipped("me-postgresql", on_postgresql, missing),
        Row("route", "FastAPI route, bare", route("fastapi_route:bare factory")),
        logging("route-guarded", "the same route behind ARI's middleware", route("fastapi_route:guarded factory")),
        Row("orders", "FastAPI route with a query of 20 rows, bare", route("fastapi_route:orders factory", _ORDERS)),
        logging(
            "orders-guard", "the same with `ari.guard`, local", route("fastapi_route:guarded_orders factory", _ORDERS)
        ),
        _verify(folder, sqlite),
        *_hot_rows(folder, "", "SQLite", sqlite, missing),
        *_hot_rows(folder, "-postgresql", "PostgreSQL", postgresql, missing),
        logging("bad-malformed", "ARI, malformed key: 401", me(sqlite, [spoilt(key) for key in stranger], 401), 401),
        logging("bad-unknown", "ARI, unknown key: 401", me(sqlite, stranger, 401), 401),
        logging("bad-revoked", "ARI, revoked key: 401, logged", me(sqlite, sqlite.revoked, 401), 401),
    ]


def _granian(folder: Path, keys: list[str]) -> Callable[[], tuple[Server, list[bytes]]]:
    def start() -> tuple[Server, list[bytes]]:
        port = free_port()
        plain = ["--interface", "asgi", "--loop", "uvloop", "--http", "1", "--no-ws", "--log-level", "warning"]
        command = [sys.executable, "-m", "granian", *plain, "--port", str(port), "benchmarks.apps.bare:app"]
        server = Server("granian", command, {}, folder / "granian", port)
        messages = with_keys(port, "/api/me", keys)
        return server.start(Probe(messages[0])), messages

    return start


def spoilt(key: str) -> str:
    """The key with a typo in it, so that its checksum is wrong."""
    place = random.randrange(len(token.PREFIX), token.LENGTH)
    other = "a" if key[place] != "a" else "b"
    return key[:place] + other + key[place + 1 :]


def _hot_rows(folder: Path, suffix: str, name: str, known: data.Data | None, missing: str) -> list[Row]:
    """One key over all connections, without and with a limit that never refuses."""
    rows = []
    for kind, what, words in (("hot", "one key", ()), ("limited", "one limited key", ("--limit", "1000000000/1m"))):
        label = f"ARI, `GET /api/me`, {what} over all connections, {name}"
        if known is None:
            rows.append(skipped(kind + suffix, label, missing))
            continue
        made = data.ari(known.settings, "keys", "create", f"Bench, {what}", "--scope", "api:read", *words, "--json")
        rows.append(logging(kind + suffix, label, _start_me(folder, known, [json.loads(made)["secret"]])))
    return rows


def _start_me(
    folder: Path, known: data.Data, keys: list[str], status: int = 200
) -> Callable[[], tuple[Server, list[bytes]]]:
    def start() -> tuple[Server, list[bytes]]:
        server = serve_ari(folder / "ari", known)
        messages = with_keys(server.port, "/api/me", keys)
        return server.start(Probe(messages[0], status)), messages

    return start


def _verify(folder: Path, known: data.Data) -> Row:
    label = "ARI, `POST /api/verify`, caller and key verified and logged"
    server = serve_ari(folder / "ari", known)
    try:
        server.start(Probe(message(server.port, "/api/health", {})))
        url = f"http://127.0.0.1:{server.port}/api/openapi.json"
        request = urllib.request.Request(url, headers={"x-api-key": known.keys[0]})
        with urllib.request.urlopen(request, timeout=10) as answer:
            paths = json.load(answer)["paths"]
    except (RuntimeError, OSError) as error:
        return skipped("verify", label, f"failed: {error}")
    finally:
        server.stop()
    if "/api/verify" not in paths:
        return skipped("verify", label, "this version has no such route in its OpenAPI document")
    made = data.ari(known.settings, "keys", "create", "Bench, caller", "--scope", "keys:verify", "--json")
    caller = json.loads(made)["secret"]

    def start() -> tuple[Server, list[bytes]]:
        running = serve_ari(folder / "ari", known)
        messages = [
            message(running.port, "/api/verify", {"x-api-key": caller}, "POST", json.dumps({"key": key}).encode())
            for key in known.keys
        ]
        return running.start(Probe(messages[0])), messages

    return logging("verify", label, start)
