"""ARI's own rows of the table: what to start, what to request, which response to expect."""

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ari.keys import token
from benchmarks import data, machine, traffic
from benchmarks.load import message
from benchmarks.process import Probe, Server, free_port

CONNECTIONS = 64
KEYS = 1_000
_BAD_KEYS = 1_000
_THING = "/api/things/thing_1"
_ORDERS = "/orders?size=20"
NOTHING = "nothing"
LOGGED = "a row of the usage log, committed: survives a crash of the server, not power loss"
FLUSHED = "a row of the usage log, committed and flushed: survives power loss"
COUNTED = "the attempt in a counter, committed like a row of the usage log"
Start = Callable[[], tuple[Server, list[bytes]]]


@dataclass(frozen=True)
class Row:
    """One line of the table. ``start`` gives a running server and requests, each sent as ``traffic`` varies it.

    ``skipped`` says in one line why a row is not run. ``status`` is the expected response. ``stored`` says what the
    server has stored when it responds. The requests of a ``uniform`` row are sent as they are.
    """

    id: str
    label: str
    start: Start | None
    status: int = 200
    stored: str = NOTHING
    connections: int = CONNECTIONS
    least_seconds: int = 0
    works_behind: bool = False
    """Whether the server goes on working after its responses, such as folding; that work counts."""
    uniform: bool = False
    skipped: str | None = None


def skipped(row_id: str, label: str, why: str) -> Row:
    """A row that only has the reason why it was not run."""
    return Row(row_id, label, None, skipped=why)


def logging(row_id: str, label: str, start: Start, status: int = 200, stored: str = LOGGED) -> Row:
    """A row of ARI, with time to fold what it logged."""
    return Row(row_id, label, start, status, stored, works_behind=True)


def with_keys(port: int, path: str, keys: list[str], header: str = "x-api-key", before: str = "") -> list[bytes]:
    """A GET with each of the keys."""
    return [message(port, path, {header: before + key}) for key in keys]


def serve_ari(folder: Path, known: data.Data) -> Server:
    """``ari serve`` on this data, not yet started."""
    port = free_port()
    command = [sys.executable, "-m", "ari", "serve", "--port", str(port)]
    return Server("ari serve", command, {**traffic.SETTINGS, **known.settings}, folder, port)


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


def own_rows(folder: Path, sqlite: data.Data, postgresql: Callable[[], data.Data] | None, missing: str) -> list[Row]:
    """All rows of ARI. The PostgreSQL database is filled when its first row starts."""

    def me(known: data.Data, keys: list[str], status: int = 200) -> Start:
        return partial(_start_me, folder, known, keys, status)

    def route(target: str, path: str = _THING) -> Start:
        def start() -> tuple[Server, list[bytes]]:
            server = serve_app(folder / "route", target, {**traffic.SETTINGS, **sqlite.settings})
            messages = with_keys(server.port, path, sqlite.keys)
            return server.start(Probe(messages[0])), messages

        return start

    def me_postgresql() -> tuple[Server, list[bytes]]:
        assert postgresql is not None
        return _start_me(folder, postgresql(), postgresql().keys)

    stranger = [token.mint() for _ in range(_BAD_KEYS)]
    uniform = "ARI, `GET /api/me`, SQLite, one head for each key (over bare with such heads)"
    with_fsync = "ARI, `GET /api/me`, SQLite, `ARI_USAGE_DURABILITY=fsync`"
    flushed = data.Data({**sqlite.settings, "ARI_USAGE_DURABILITY": "fsync"}, sqlite.keys, sqlite.revoked)
    on_postgresql = "ARI, `GET /api/me`, verified and logged, PostgreSQL"
    return [
        Row("bare-granian", "bare raw ASGI, granian's own command", _granian(folder, sqlite.keys)),
        logging("me", "ARI, `GET /api/me`, verified and logged, SQLite", me(sqlite, sqlite.keys)),
        logging("me-postgresql", on_postgresql, me_postgresql)
        if postgresql
        else skipped("me-postgresql", on_postgresql, missing),
        Row("me-uniform", uniform, me(sqlite, sqlite.keys), stored=LOGGED, works_behind=True, uniform=True),
        logging("me-fsync", with_fsync, me(flushed, flushed.keys), stored=FLUSHED),
        Row("route", "FastAPI route, bare", route("fastapi_route:bare factory")),
        logging("route-guarded", "FastAPI route behind ARI's middleware", route("fastapi_route:guarded factory")),
        Row("orders", "FastAPI route with a query of 20 rows, bare", route("fastapi_route:orders factory", _ORDERS)),
        logging(
            "orders-guard",
            "FastAPI route with a query of 20 rows, `ari.guard`, local",
            route("fastapi_route:guarded_orders factory", _ORDERS),
        ),
        _verify(folder, sqlite),
        *_hot_rows(folder, "", "SQLite", lambda: sqlite, missing),
        *_hot_rows(folder, "-postgresql", "PostgreSQL", postgresql, missing),
        logging(
            "bad-malformed",
            "ARI, malformed key: 401",
            me(sqlite, [spoilt(key) for key in stranger], 401),
            401,
            COUNTED,
        ),
        logging("bad-unknown", "ARI, unknown key: 401", me(sqlite, stranger, 401), 401, COUNTED),
        logging("bad-revoked", "ARI, revoked key: 401, logged", me(sqlite, sqlite.revoked, 401), 401),
    ]


def _granian(folder: Path, keys: list[str]) -> Start:
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


def _hot_rows(folder: Path, suffix: str, name: str, stored: Callable[[], data.Data] | None, missing: str) -> list[Row]:
    """One key over all connections, without and with a limit that never refuses."""

    def starting(what: str, words: tuple[str, ...], known: Callable[[], data.Data]) -> Start:
        @cache
        def key() -> str:
            return _create_key(known(), f"Bench, {what}", "api:read", *words)

        return lambda: _start_me(folder, known(), [key()])

    rows = []
    for kind, what, words in (("hot", "one key", ()), ("limited", "one limited key", ("--limit", "1000000000/1m"))):
        label = f"ARI, `GET /api/me`, {what} over all connections, {name}"
        if stored is None:
            rows.append(skipped(kind + suffix, label, missing))
        else:
            rows.append(logging(kind + suffix, label, starting(what, words, stored)))
    return rows


def _create_key(known: data.Data, name: str, scope: str, *words: str) -> str:
    made = data.ari(known.settings, "keys", "create", name, "--scope", scope, *words, "--json")
    return str(json.loads(made)["secret"])


def _start_me(folder: Path, known: data.Data, keys: list[str], status: int = 200) -> tuple[Server, list[bytes]]:
    server = serve_ari(folder / "ari", known)
    messages = with_keys(server.port, "/api/me", keys)
    return server.start(Probe(messages[0], status)), messages


def _verify(folder: Path, known: data.Data) -> Row:
    @cache
    def caller() -> str:
        return _create_key(known, "Bench, caller", "keys:verify")

    def start() -> tuple[Server, list[bytes]]:
        server = serve_ari(folder / "ari", known)
        headers = {"x-api-key": caller()}
        bodies = [json.dumps({"key": key}).encode() for key in known.keys]
        messages = [message(server.port, "/api/verify", headers, "POST", body) for body in bodies]
        return server.start(Probe(messages[0])), messages

    return logging("verify", "ARI, `POST /api/verify`, caller and key verified and logged", start)
