"""Proof of limits: clients spend those of a few keys through kills and clocks that jump; every decision is judged.

``make limits``, or ``python -m tests.proof.limits --requests N --kills N --seed N --only sqlite|postgresql``. On
PostgreSQL two servers share the database, and their clocks differ by minutes.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select, update

from ari.keys.limits.charge import CONSUMER_PREFIX, RuleOwner
from ari.keys.limits.rules import CREDITS, Credits, Limit, LimitRules
from ari.keys.policy import Policy, encode_policy
from ari.storage.engine import Database
from ari.storage.tables import api_keys, consumers, usage_rows
from tests.proof.strictness import DATABASES
from tests.support import wire
from tests.support.instances import settings_for
from tests.support.limit_history import Decided, IntervalHistory
from tests.support.owner import Owner, start_owner
from tests.support.postgres import MISSING, postgres_server
from tests.support.processes import fold_processes_of, workers_of
from tests.support.server import ServerProcess
from tests.support.wire import Gone, Wire

CLIENTS = 24
PLENTY = 10**12
UNKNOWN_MS = 10_000
"""How long after a lost connection its request may still be committed."""
SHARED = LimitRules(1, (Limit("shared", 400, 3_000),), Credits(PLENTY))
CONSUMER = "con_proof"


@dataclass(slots=True)
class Request:
    """One request as its client saw it; ``status`` is ``None`` where no response came."""

    name: str
    key: str
    units: int
    first_ms: float
    last_ms: float = 0
    status: int | None = None

    @property
    def allowed(self) -> bool | None:
        """``None``: not known, perhaps consumed."""
        return None if self.status in (None, 503) else self.status != 429

    @property
    def decision(self) -> Decided:
        """Between being sent and responded to, in whole milliseconds."""
        return Decided(int(self.first_ms), int(self.last_ms) + 1, self.units, allowed=self.allowed is not False)


@dataclass
class Subject:
    """A limited key. ``owners`` are the limits that it spends, by the name of the counter."""

    key_id: str
    secret: str
    verified: bool
    limits: dict[str, Limit]


@dataclass
class Load:
    """Clients of all nodes until so many responses came."""

    nodes: Sequence[Any]
    subjects: Sequence[Subject]
    service: str
    random: random.Random
    wanted: int
    requests: list[Request] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    responses: int = 0
    killed: Tally[str] = field(default_factory=Tally)

    def is_done(self) -> bool:
        return self.responses >= self.wanted

    async def run_client(self) -> None:
        """One connection after the other, to any node."""
        while not self.is_done():
            node = self.random.choice(self.nodes)
            try:
                connection = await Wire.to(node.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            with contextlib.suppress(Gone):
                for _ in range(self.random.randrange(50, 500)):
                    if self.is_done():
                        break
                    await self._call(connection, node)
            connection.close()

    async def _call(self, connection: Wire, node: Any) -> None:
        subject = self.random.choice(self.subjects)
        name = f"proof-{next(self.numbers)}"
        units = self.random.randrange(6) if subject.verified else 1
        content = self._write(subject, name, units, node)
        one = Request(name, subject.key_id, units, _now_ms())
        self.requests.append(one)
        try:
            reply = await connection.ask(content)
        except Gone:
            one.last_ms = _now_ms() + UNKNOWN_MS
            raise
        one.last_ms, one.status = _now_ms(), reply.status
        if subject.verified and reply.status == 200:
            one.status = 200 if json.loads(reply.body)["valid"] else 429
        if one.status == 503:
            one.last_ms += UNKNOWN_MS
        self.responses += 1

    def _write(self, subject: Subject, name: str, units: int, node: Any) -> bytes:
        if subject.verified:
            headers = {"x-api-key": self.service, "x-request-id": name}
            body = json.dumps({"key": subject.secret, "cost": units}).encode()
            return wire.request("POST", "/api/verify", node.port, headers, body)
        headers = {"x-api-key": subject.secret, "x-request-id": name}
        if self.random.random() < 0.2:  # an unsafe request, which its handler refuses with 403
            return wire.request("POST", "/api/keys", node.port, headers, b'{"name": "n"}')
        return wire.request("GET", "/api/me", node.port, headers)

    async def jump_clocks(self) -> None:
        """Each node's clock is minutes behind, and jumps. Time itself passes as it does."""
        while not self.is_done():
            for node in self.nodes:
                node.clock.advance(-self.random.randrange(60, 900) - node.clock.offset_ms / 1000)
            await asyncio.sleep(self.random.uniform(0.1, 1))

    async def kill(self, kills: int) -> None:
        """Kill a worker, the fold process or a whole server, at even shares of the load."""
        for number in range(kills):
            while self.responses < self.wanted * (number + 1) / (kills + 1):
                await asyncio.sleep(0.02)
            node = self.random.choice(self.nodes)
            workers = await asyncio.to_thread(workers_of, node)
            workers += await asyncio.to_thread(fold_processes_of, node)
            if workers and self.random.random() < 0.5:
                self.killed["worker"] += 1
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.random.choice(workers), signal.SIGKILL)
            else:
                self.killed["server"] += 1
                await asyncio.to_thread(node.kill)
                await asyncio.to_thread(node.start)


def _now_ms() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def make_subjects(owner: Any, database: Database) -> list[Subject]:
    """One key that calls, one that a service verifies at a cost, and two that share a consumer's limit."""
    rules = {
        "calls": (Limit("default", 300, 2_000),),
        "verified": (Limit("default", 400, 1_000), Limit("longer", 1_500, 5_000)),
        "first": (Limit("default", 250, 3_000),),
        "second": (),
    }
    subjects = []
    with database.writing() as tx:
        connection = tx.events.connection
        shared = encode_policy(Policy(limits=SHARED))
        row = {"id": CONSUMER, "name": "c", "folded_name": "c", "policy": shared, "created_at_ms": 0, "created_by": "x"}
        connection.execute(consumers.insert(), row)
    for name, limits in rules.items():
        scopes = ["api:read", "keys:write"]
        key, secret = owner.create_key(name, scopes=scopes)
        policy = encode_policy(Policy(limits=LimitRules(1, limits, Credits(PLENTY))))
        consumer = CONSUMER if name in ("first", "second") else None
        with database.writing() as tx:
            change = update(api_keys).where(api_keys.c.id == key["id"])
            tx.events.connection.execute(change.values(policy=policy, consumer_id=consumer))
        spent = {f"{key['id']} {limit.name}": limit for limit in limits}
        if consumer is not None:
            spent[CONSUMER] = SHARED.limits[0]
        subjects.append(Subject(key["id"], secret, name == "verified", spent))
    return subjects


async def prove(owner: Owner, nodes: Sequence[ServerProcess], requests: int, kills: int, seed: int) -> list[str]:
    """Spend the limits with so many requests; returns what is wrong with the decisions."""
    database = Database.open(settings_for(owner.server.data_dir, owner.server.settings["ARI_DATABASE_URL"]))
    try:
        subjects = await asyncio.to_thread(make_subjects, owner, database)
        _, service = owner.create_key("service", scopes=["keys:verify"])
        load = Load(nodes, subjects, service, random.Random(seed), requests)
        clients = [asyncio.create_task(load.run_client()) for _ in range(CLIENTS)]
        clocks = asyncio.create_task(load.jump_clocks())
        await load.kill(kills)
        await asyncio.gather(*clients, clocks)
        statuses = Tally(one.status for one in load.requests)
        print(f"  {load.responses:,} responses, {dict(load.killed)}, statuses {dict(statuses)}", flush=True)
        return await asyncio.to_thread(judge, load.requests, subjects, database)
    finally:
        database.close()


def judge(requests: Sequence[Request], subjects: Sequence[Subject], database: Database) -> list[str]:
    """Compare the log with the decisions and with the counters, and the decisions with the rules."""
    logged, sums = read_log(database, {one.key_id for one in subjects})
    found = [*_compare_log(requests, logged), *_compare_counters(subjects, sums, database)]
    by_key = {one.key_id: one for one in subjects}
    limits = {name: limit for one in subjects for name, limit in one.limits.items()}
    decided: dict[str, list[Decided]] = {name: [] for name in limits}
    for one in requests:
        # A request without a response consumed what the log says: nothing, if it never came or was refused.
        if one.allowed or (one.allowed is None and one.name in logged):
            for name in by_key[one.key].limits:
                decided[name].append(one.decision)
    histories = {name: IntervalHistory(decided[name], limit.limit, limit.window_ms) for name, limit in limits.items()}
    found += [f"{name}: {fault}" for name, history in histories.items() for fault in history.find_excess()]
    found += [
        f"{one.name}: refused with room in each of its limits"
        for one in requests
        if one.allowed is False and all(histories[name].has_room(one.decision) for name in by_key[one.key].limits)
    ]
    return found


def read_log(database: Database, key_ids: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    """The units that each request consumed by its row, and the credits of each owner by all rows."""
    database.usage.fold_all()
    logged, sums = dict[str, int](), Tally[str]()
    columns = usage_rows.c.request_id, usage_rows.c.key_id, usage_rows.c.consumed
    query = select(*columns).where(usage_rows.c.key_id.in_(key_ids), usage_rows.c.consumed.is_not(None))
    with database.log.connect() as connection:
        for request_id, key_id, consumed in connection.execute(query):
            units = msgspec.json.decode(consumed)
            logged[request_id] = units[CREDITS]
            sums[key_id] += units[CREDITS]
            sums[CONSUMER] += units.get(CONSUMER_PREFIX + CREDITS, 0)
    return logged, sums


def _compare_log(requests: Sequence[Request], logged: dict[str, int]) -> Iterator[str]:
    for one in requests:
        if one.units and one.allowed and logged.get(one.name) != one.units:
            yield f"{one.name}: allowed with {one.units} units; the log has {logged.get(one.name)}"
        if one.allowed is False and one.name in logged:
            yield f"{one.name}: refused; the log has {logged[one.name]} units"


def _compare_counters(subjects: Sequence[Subject], sums: dict[str, int], database: Database) -> Iterator[str]:
    plenty = LimitRules(1, (), Credits(PLENTY))
    for owner_id in (*(one.key_id for one in subjects), CONSUMER):
        [left] = [
            one.remaining for one in database.usage.read_remaining([RuleOwner(owner_id, plenty)]) if one.name == CREDITS
        ]
        if PLENTY - left != sums[owner_id]:
            yield f"{owner_id}: its counter has {PLENTY - left} units, the rows of the log {sums[owner_id]}"


@contextlib.contextmanager
def nodes_on(folder: Path, database_url: str | None) -> Iterator[tuple[Owner, list[ServerProcess]]]:
    """Two workers on SQLite, or two servers with their own clocks on one PostgreSQL database."""
    names = ("one",) if database_url is None else ("one", "two")
    nodes = []
    try:
        for name in names:
            data_dir = folder / name / "data"
            data_dir.mkdir(mode=0o700, parents=True)
            nodes.append(ServerProcess(data_dir, database_url=database_url, workers=3 - len(names)))
        owner = start_owner(nodes[0])
        for node in nodes[1:]:
            node.start()
        yield owner, nodes
    finally:
        for node in nodes:
            node.kill()


def _prove_on(kind: str, database_url: str | None, requests: int, kills: int, seed: int) -> int:
    print(f"{kind}: {requests:,} requests, {kills} kills, seed {seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="ari-proof-") as folder,
        nodes_on(Path(folder), database_url) as (owner, nodes),
    ):
        found = asyncio.run(prove(owner, nodes, requests, kills, seed))
    for fault in found[:20]:
        print(f"  {fault}")
    print(f"{kind}: {len(found)} faults", flush=True)
    return len(found)


def main() -> int:
    """Exit code 0 if every decision kept the rules, 1 if not, 2 if a database is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300_000, help="in all, over the databases")
    parser.add_argument("--kills", type=int, default=20, help="on each database")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--only", choices=DATABASES)
    parser.add_argument("--embedded", action="store_true", help="through services that embed the guard")
    given = parser.parse_args()
    if given.embedded:
        from tests.proof import embedded  # it imports this module

        return 1 if embedded.run(given.requests, given.kills, given.seed) else 0
    kinds = [given.only] if given.only else list(DATABASES)
    share, faults = given.requests // len(kinds), 0
    for kind in kinds:
        if kind == "sqlite":
            faults += _prove_on(kind, None, share, given.kills, given.seed)
            continue
        with postgres_server() as postgres:
            if postgres is None:
                print(MISSING)
                return 2
            url = postgres.create()
            try:
                faults += _prove_on(kind, url, share, given.kills, given.seed)
            finally:
                postgres.drop(url)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
