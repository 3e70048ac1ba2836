"""Proof of durability: workers and whole servers are killed at random under load, and the log is compared with what
the clients saw. ``make kill``, or ``python -m tests.proof.durability --kills N --seed N --only sqlite|postgresql``.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ari.storage.engine import Database
from tests.proof.ledger import ACCEPT, REFUSE, STRANGER, Connection, Ledger, Sent, faults
from tests.proof.strictness import DATABASES
from tests.support import wire
from tests.support.instances import settings_for
from tests.support.owner import Owner, start_owner
from tests.support.postgres import MISSING, postgres_server
from tests.support.processes import fold_processes_of, is_running, kill_fold_process, workers_of
from tests.support.server import ServerProcess
from tests.support.wire import Gone, Wire

CLIENTS = 16
KILLS = ("worker", "fold", "server", "parent")
KILLS_BETWEEN_CHECKS = 10
RESPAWN_SECONDS = 30
ANSWER_SECONDS = 120
STRANGER_TOKEN = "ari_k_" + "0" * 49


@dataclass(frozen=True)
class Keys:
    """Whom the clients call as: ``admin`` and ``live`` work, ``dead`` is revoked. Pairs of id and secret."""

    admin: tuple[str, str]
    live: tuple[str, str]
    dead: tuple[str, str]


@dataclass
class Load:
    """Clients that call a server without pause, through its deaths, until stopped."""

    server: ServerProcess
    keys: Keys
    random: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    stopping: threading.Event = field(default_factory=threading.Event)
    answered: int = 0
    clients: list[asyncio.Task[None]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def client(self) -> None:
        """One connection after the other."""
        while not self.stopping.is_set():
            try:
                connection = await Wire.to(self.server.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            view = Connection(self.ledger)
            try:
                for _ in range(self.random.randrange(50, 500)):
                    if self.stopping.is_set():
                        break
                    await self._call(connection, view)
            except Gone:
                pass
            connection.close()

    async def _call(self, connection: Wire, view: Connection) -> None:
        one, request = self._next()
        view.send(one)
        try:
            status = (await connection.ask(request)).status
        except Gone as error:
            if error.status is not None:
                view.record_status(one, error.status)
            raise
        view.record_status(one, status)
        self.answered += 1

    def _next(self) -> tuple[Sent, bytes]:
        name = f"proof-{next(self.numbers)}"
        chance = self.random.random()
        admin_id, admin = self.keys.admin
        if chance < 0.60:
            return self._request(Sent(name, ACCEPT, self.keys.live[0], True), "GET", "/api/me", self.keys.live[1])
        if chance < 0.65:
            return self._request(Sent(name, ACCEPT, self.keys.live[0], True), "GET", "/api/nothing", self.keys.live[1])
        if chance < 0.75:
            return self._request(Sent(name, REFUSE, self.keys.dead[0], True), "GET", "/api/me", self.keys.dead[1])
        if chance < 0.80:
            return self._request(Sent(name, STRANGER, "", True), "GET", "/api/me", STRANGER_TOKEN)
        if chance < 0.90:
            body = {"name": name}
            return self._request(
                Sent(name, ACCEPT, admin_id, False), "PATCH", f"/api/keys/{self.keys.live[0]}", admin, body
            )
        return self._request(Sent(name, ACCEPT, admin_id, False), "POST", "/api/keys", admin, {"no": "such field"})

    def _request(
        self, one: Sent, method: str, target: str, token: str, body: dict[str, str] | None = None
    ) -> tuple[Sent, bytes]:
        content = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": token, "x-request-id": one.request_id}
        return one, wire.request(method, target, self.server.port, headers, content)


async def kill_worker(server: ServerProcess, chance: random.Random) -> bool:
    """Kill one worker; whether the parent put another in its place."""
    before = workers_of(server)
    victim = chance.choice(before)
    os.kill(victim, signal.SIGKILL)
    ends = time.monotonic() + RESPAWN_SECONDS
    while time.monotonic() < ends:
        now = await asyncio.to_thread(workers_of, server)
        if victim not in now and len(now) >= len(before):
            return True
        await asyncio.sleep(0.05)
    return False


async def kill_parent(server: ServerProcess) -> bool:
    """Kill the parent alone; whether its workers went with it."""
    assert server.process is not None
    workers = [*workers_of(server), *fold_processes_of(server)]
    server.process.kill()
    await asyncio.to_thread(server.process.wait)
    ends = time.monotonic() + RESPAWN_SECONDS
    while any(is_running(pid) for pid in workers):
        if time.monotonic() > ends:
            return False
        await asyncio.sleep(0.05)
    return True


async def kill_and_restart(load: Load, what: str) -> None:
    """One death; the server serves again at the end."""
    server = load.server
    load.ledger.killed[what] += 1
    if what == "worker":
        assert await kill_worker(server, load.random), f"a killed worker was not replaced:\n{server.log_text()}"
        await _wait_until_well(server)
        return
    if what == "fold":
        await kill_fold_process(server)
        return
    if what == "parent":
        assert await kill_parent(server), "workers outlived their parent"
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def _wait_until_well(server: ServerProcess) -> None:
    """Every worker responds: as many new connections as it takes to meet them all, very likely."""
    ends = time.monotonic() + RESPAWN_SECONDS
    request = wire.request("GET", "/api/health", server.port, {})
    good = 0
    while good < 4:
        assert time.monotonic() < ends, server.log_text()
        try:
            connection = await Wire.to(server.port)
            good = good + 1 if (await connection.ask(request, 5)).status == 200 else 0
            connection.close()
        except (Gone, OSError):
            good = 0
            await asyncio.sleep(0.05)


async def prove(owner: Owner, database: Database, kills: Sequence[str], seed: int, tell: bool = False) -> Ledger:
    """Kill so many times under load; fails with the first faults found."""
    load = Load(owner.server, _make_keys(owner), random.Random(seed))
    for first in range(0, len(kills), KILLS_BETWEEN_CHECKS):
        load.stopping.clear()
        load.clients = [asyncio.create_task(load.client()) for _ in range(CLIENTS)]
        for what in kills[first : first + KILLS_BETWEEN_CHECKS]:
            await _await_responses(load, load.random.randrange(20, 600))
            await kill_and_restart(load, what)
        await _await_responses(load, 50)
        load.stopping.set()
        await asyncio.gather(*load.clients)
        found = faults(load.ledger, database)
        assert not found, f"seed {seed}, {len(found)} faults: {found[:5]}"
        if tell:
            killed, seen = sum(load.ledger.killed.values()), len(load.ledger.list_seen())
            print(f"  {killed} kills, {seen:,} answers seen, all in the log", flush=True)
    return load.ledger


async def _await_responses(load: Load, more: int) -> None:
    """Wait until the clients saw so many more responses."""
    wanted, ends = load.answered + more, time.monotonic() + ANSWER_SECONDS
    while load.answered < wanted:
        assert time.monotonic() < ends, f"no answers come any more:\n{load.server.log_text()}"
        for client in load.clients:
            if client.done():
                client.result()
        await asyncio.sleep(0.005)


def _make_keys(owner: Owner) -> Keys:
    made = {
        name: owner.create_key(name, scopes=scopes)
        for name, scopes in (("admin", ["*"]), ("live", ["api:read"]), ("dead", ["api:read"]))
    }
    owner.cli("keys", "revoke", made["dead"][0]["id"], "--yes", check=True)
    return Keys(**{name: (key["id"], secret) for name, (key, secret) in made.items()})


def database_on(data_dir: Path, database_url: str | None) -> Database:
    """The database of the instance under test, next to it."""
    return Database.open(settings_for(data_dir, database_url))


def _prove_on(kind: str, database_url: str | None, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="ari-proof-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o700)
        server = ServerProcess(data_dir, database_url=database_url, workers=2)
        try:
            owner = start_owner(server)
            database = database_on(data_dir, database_url)
            plan = [chance.choice(KILLS) for _ in range(kills)]
            print(f"{kind}: {kills} kills, seed {seed}", flush=True)
            ledger = asyncio.run(prove(owner, database, plan, seed, tell=True))
            database.close()
            print(
                f"{kind}: {dict(ledger.killed)}, {len(ledger.sent):,} sent, {len(ledger.list_seen()):,} answers seen",
                flush=True,
            )
        finally:
            server.kill()


def main() -> int:
    """Exit code 0 if every response was in the log, 1 if not, 2 if a database is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="in all, over the databases")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--only", choices=DATABASES)
    given = parser.parse_args()
    kinds = [given.only] if given.only else list(DATABASES)
    try:
        for kind in kinds:
            if kind == "sqlite":
                _prove_on(kind, None, given.kills // len(kinds), given.seed)
                continue
            with postgres_server() as postgres:
                if postgres is None:
                    print(MISSING)
                    return 2
                url = postgres.create()
                try:
                    _prove_on(kind, url, given.kills // len(kinds), given.seed)
                finally:
                    postgres.drop(url)
    except AssertionError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
