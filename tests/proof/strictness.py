"""Proof of strictness: clients verify keys without pause while the keys change, and every response is judged.

``make soak``, or ``python -m tests.proof.strictness --verifications N --seconds S --seed N --only sqlite|postgresql``.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proof.shepherd import Shepherd, keep_time
from tests.proof.world import Node, World, verify_forever, violation_facts
from tests.support.owner import Owner, start_owner
from tests.support.postgres import MISSING, postgres_server
from tests.support.processes import kill_fold_process
from tests.support.server import ServerProcess
from tests.support.wire import Wire, request

PROGRESS_SECONDS = 5
DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Plan:
    """How long to go on: until so many verifications, or so many seconds at the most."""

    verifications: int
    seconds: float
    seed: int
    clients: int = 24
    keys: int = 16
    by_command: float = 0.02
    clock_seconds: float = 3.0
    fold_kill_seconds: float = 2.0
    """How often the fold process of a server is killed, on average."""


@contextlib.contextmanager
def nodes_on(folder: Path, kind: str, database_url: str | None) -> Iterator[tuple[list[Node], Owner]]:
    """Two workers on SQLite, or two servers on one PostgreSQL database, all on one test clock."""
    servers = [ServerProcess(_folder(folder / "one"), database_url=database_url, workers=2 if kind == "sqlite" else 1)]
    try:
        owner = start_owner(servers[0])
        if kind == "postgresql":
            clock = {"ARI_TEST_CLOCK_FILE": str(servers[0].clock.path)}
            servers.append(ServerProcess(_folder(folder / "two"), database_url=database_url, settings=clock).start())
        yield [Node(server, Owner(server).cli) for server in servers], owner
    finally:
        for server in servers:
            server.kill()


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True)
    return path


async def prove(nodes: Sequence[Node], owner: Owner, plan: Plan, tell: bool = False) -> World:
    """Run the plan and judge every key; what was found is in ``world.found``."""
    _, admin = owner.create_key("admin", scopes=["*"])
    world = World(nodes, owner.server.clock, admin, plan.seed)
    await _find_doors(world)
    command_line = asyncio.Semaphore(1)
    shepherds = [Shepherd(world, command_line, plan.by_command) for _ in range(plan.keys)]
    tasks = [asyncio.create_task(shepherd.run()) for shepherd in shepherds]
    tasks += [asyncio.create_task(verify_forever(world, number)) for number in range(plan.clients)]
    timekeeper = asyncio.create_task(keep_time(world, plan.clock_seconds))
    killer = asyncio.create_task(_kill_fold_processes(world, plan.fold_kill_seconds))
    ends = time.monotonic() + plan.seconds
    told = time.monotonic()
    while world.verified < plan.verifications and time.monotonic() < ends and not world.found:
        await asyncio.sleep(0.05)
        failed = next((task for task in (*tasks, timekeeper, killer) if task.done()), None)
        if failed is not None:
            await failed
        if tell and time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            print(
                f"  {world.verified:>9,} verifications, {world.judged:,} keys judged, {len(world.found)} wrong",
                flush=True,
            )
    timekeeper.cancel()
    world.stop()
    await asyncio.gather(*tasks, killer)
    world.check_base()
    return world


async def _kill_fold_processes(world: World, seconds: float) -> None:
    """Kill the fold process of any server, again and again, until the world stops."""
    chance = random.Random(world.seed)
    while not world.is_done():
        await asyncio.sleep(chance.uniform(0, 2 * seconds))
        await kill_fold_process(chance.choice(world.nodes).server)
        world.events["fold process killed"] += 1


async def _find_doors(world: World) -> None:
    """``POST /api/verify`` is proven too where this version has it."""
    port = world.nodes[0].port
    connection = await Wire.to(port)
    reply = await connection.ask(request("GET", "/api/openapi.json", port, {"x-api-key": world.admin}))
    connection.close()
    paths = json.loads(reply.body)["paths"]
    # As often as this: a batch holds five keys.
    world.doors += ["me", "verify", "verify"] * ("/api/verify" in paths) + ["batch"] * ("/api/verify/batch" in paths)


def summary(kind: str, world: World, seconds: float) -> dict[str, object]:
    """Actions and responses, counted."""
    return {
        "database": kind,
        "seed": world.seed,
        "doors": sorted(set(world.doors)),
        "verifications": world.verified,
        "per_second": round(world.verified / seconds),
        "keys_judged": world.judged,
        "answers": dict(world.answers.most_common()),
        "changes": dict(world.events.most_common()),
        "violations": len(world.found),
    }


def _prove_on(kind: str, database_url: str | None, plan: Plan, report: Path) -> bool:
    print(f"{kind}: {plan.verifications:,} verifications, seed {plan.seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="ari-proof-") as folder,
        nodes_on(Path(folder), kind, database_url) as (
            nodes,
            owner,
        ),
    ):
        began = time.monotonic()
        world = asyncio.run(prove(nodes, owner, plan, tell=True))
        print(json.dumps(summary(kind, world, time.monotonic() - began), indent=2), flush=True)
    if not world.found:
        return True
    facts = [violation_facts(world, key, violation) for key, violation in world.found]
    report.write_text(json.dumps(facts, indent=2), encoding="utf-8")
    print(f"{kind}: {len(facts)} violations, written to {report}; the first: {json.dumps(facts[0])[:2000]}")
    return False


def main() -> int:
    """Exit code 0 if nothing was found, 1 if something was, 2 if a database is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verifications", type=int, default=1_000_000, help="in all, over the databases")
    parser.add_argument("--seconds", type=float, default=7_200, help="at the most, for each database")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--only", choices=DATABASES)
    parser.add_argument("--report", type=Path, default=Path("soak-violations.json"))
    given = parser.parse_args()
    kinds = [given.only] if given.only else list(DATABASES)
    plan = Plan(given.verifications // len(kinds), given.seconds, given.seed)
    sound = True
    for kind in kinds:
        if kind == "sqlite":
            sound &= _prove_on(kind, None, plan, given.report)
            continue
        with postgres_server() as server:
            if server is None:
                print(MISSING)
                return 2
            url = server.create()
            try:
                sound &= _prove_on(kind, url, plan, given.report)
            finally:
                server.drop(url)
    print("Nothing was found." if sound else "VIOLATIONS were found.")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
